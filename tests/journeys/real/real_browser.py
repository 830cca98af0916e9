"""Chromium as people use Tocsin with: what it complains of, whom it asks, and a network that fails."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from integrations.loopback import free_port

CHROMIUM = os.environ.get("TOCSIN_CHROMIUM", "/usr/bin/chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(
    not Path(CHROMIUM).exists(),
    reason=f"the Debian package chromium is not installed: {CHROMIUM}",
)
PATIENCE_MS = 15_000
STOPS_MAX = 200  # of the keyboard, on one page
# nothing that goes out by itself, and nothing that needs a display
QUIET = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = (1440, 1000)
MOBILE = (390, 844)
OURS = ("http://127.0.0.1:", "data:")
AXE = Path(__file__).parents[3] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium; nothing is downloaded."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, chromium_sandbox=False, args=QUIET
        )
        yield browser
        browser.close()


class Person:
    """One browser of one person: a context of its own, one tab, and what went wrong in it."""

    def __init__(
        self,
        browser: Browser,
        size: tuple[int, int] = DESKTOP,
        *,
        scheme: Any = "light",
        script: bool = True,
    ) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme,
            java_script_enabled=script, reduced_motion="reduce", locale="en-GB",
            timezone_id="Europe/Berlin",
        )  # fmt: skip
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.noise: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.noise.append(message.text)

    def sign_in(self, url: str) -> None:
        """Use a one-time sign-in link."""
        self.page.goto(url)
        self.page.click("#sign-in")
        self.page.wait_for_selector("h1:has-text('Now')")

    def open_live(self, url: str) -> None:
        """Open a page, and wait until it is told what moves; `is_same` says it was not loaded again."""
        self.page.goto(url)
        self.page.wait_for_selector("tc-live[data-state=live]")
        self.page.evaluate("window.isSame = true")

    def is_same(self) -> bool:
        """Say whether the page is still the one that `open_live` opened."""
        return bool(self.page.evaluate("window.isSame === true"))

    def tab_to(self, selector: str) -> None:
        """Press Tab until something has the focus, as who has no mouse does."""
        for _ in range(STOPS_MAX):
            if self.page.locator(f"{selector}:focus").count():
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {selector}")

    def choose(self, selector: str, value: str) -> None:
        """Choose in a list by its arrow keys."""
        self.tab_to(selector)
        for _ in range(STOPS_MAX):
            if self.page.locator(selector).input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{selector} has no {value}")

    def foreign(self) -> list[str]:
        """Return the requests that left this machine."""
        return [url for url in self.requests if not url.startswith(OURS)]

    def nodes(self) -> int:
        """Count the elements of the page."""
        return int(self.page.evaluate("document.querySelectorAll('*').length"))

    def bytes_of(self, visit: Callable[[], None]) -> int:
        """Return what a visit loads with an empty cache, as it goes over the wire."""
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send("Network.clearBrowserCache")
        loaded: list[float] = []
        session.on(
            "Network.loadingFinished", lambda one: loaded.append(one["encodedDataLength"])
        )
        visit()
        self.page.wait_for_load_state("load")
        session.detach()
        return int(sum(loaded))

    def slow_down(self, latency_ms: int) -> None:
        """Make every request from now on take longer."""
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": latency_ms, "downloadThroughput": 1_000_000,
             "uploadThroughput": 1_000_000},
        )  # fmt: skip

    def scrolls_sideways(self) -> bool:
        """Say whether the page is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    def barriers(self) -> list[str]:
        """Return what axe-core finds in the way of people with disabilities.

        Text as light as its ground is only "incomplete" for axe; here it is a finding.
        """
        session = self.context.new_cdp_session(self.page)  # a strict CSP forbids script tags
        session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        found = self.page.evaluate(f"axe.run(document, {{runOnly: {_RULES}}})")
        session.detach()
        return [*map(_spelled, found["violations"]), *_unreadable(found["incomplete"])]


def _spelled(violation: Any) -> str:
    return f"{violation['id']}: {[node['html'][:120] for node in violation['nodes']]}"


def _unreadable(incomplete: Any) -> Iterator[str]:
    for rule in incomplete:
        for node in rule["nodes"]:
            facts = (node["any"][0].get("data") or {}) if node["any"] else {}
            if isinstance(facts, dict) and facts.get("messageKey") == "equalRatio":
                yield f"{rule['id']} equalRatio: {node['html'][:120]}"


class Relay:
    """A TCP relay that can be cut and healed: a real fault of the network."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self._target_port = target_port
        self._sockets: list[socket.socket] = []
        self._server: socket.socket | None = None
        self.heal()

    def heal(self) -> None:
        """Take connections again."""
        server = self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        if self._server is not None:
            _hang_up(self._server)
            self._server = None
        while self._sockets:
            _hang_up(self._sockets.pop())

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port))
                self._sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := one.recv(65_536):
            other.sendall(chunk)
    _hang_up(one)
    _hang_up(other)


def _hang_up(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
