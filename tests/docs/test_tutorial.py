"""The tutorial's own commands, taken from the page, in a shell against a real `tocsin serve`."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from msgspec import Struct
from typing_extensions import override

from integrations.loopback import free_port
from tocsin.kernel import postgres

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-page.md"
WITHIN_S = 30.0
pytestmark = pytest.mark.journey


class Block(Struct, frozen=True, kw_only=True):
    section: str
    language: str
    text: str


class Phone:
    """An ntfy server and the phone behind it: keeps what is published, and taps buttons."""

    def __init__(self) -> None:
        self.rang: list[dict[str, Any]] = []
        self._more = threading.Condition()

    def ring(self, published: dict[str, Any]) -> None:
        """Take one publication."""
        with self._more:
            self.rang.append(published)
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        """Wait until it has rung `count` times."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.rang) >= count, WITHIN_S), self.rang

    def tap(self, label: str) -> None:
        """Press a button of the newest message, as the app does: one POST, no sign-in."""
        (url,) = (one["url"] for one in self.rang[-1]["actions"] if one["label"] == label)
        with urlopen(Request(url, method="POST"), timeout=WITHIN_S) as answer:
            assert answer.status == 200


@contextmanager
def ntfy(phone: Phone) -> Iterator[str]:
    """Serve a phone's topic."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            phone.ring(json.loads(self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"id":"one"}')

        @override
        def log_message(self, *_arguments: object) -> None:
            """Keep the terminal quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Terminal:
    """One shell that stays; what it prints goes to a terminal, so that tables are drawn."""

    def __init__(self, folder: Path, **environ: str) -> None:
        ours = {name: text for name, text in os.environ.items() if name[:7] != "TOCSIN_"}
        plain = {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200", "HOME": str(folder)}
        self._out, terminal = pty.openpty()
        self._shell = subprocess.Popen(
            ["bash", "--norc", "-e"], stdin=subprocess.PIPE, stdout=terminal, stderr=terminal,
            cwd=folder, env=ours | plain | environ, text=True, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)

    def type(self, text: str) -> str:
        """Run commands and return what they print. Any that fails ends the shell."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{text}\necho '-- do''ne --'\n")
        self._shell.stdin.flush()
        seen = b""
        deadline = time.monotonic() + WITHIN_S
        while b"-- done --" not in seen:
            is_over = self._shell.poll() is not None or time.monotonic() > deadline
            more = b""
            if select.select([self._out], [], [], 0.1)[0]:
                with suppress(OSError):  # the terminal is gone with its shell
                    more = os.read(self._out, 65_536)
            seen += more
            if is_over and not more:
                raise AssertionError(f"{text}\nfailed:\n{seen.decode()}")
        return seen.decode().replace("\r\n", "\n").partition("-- done --")[0]

    def close(self) -> None:
        """End the shell and whatever still runs in it."""
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, 9)
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait(WITHIN_S)
        os.close(self._out)


def blocks() -> list[Block]:
    """Return the page's fenced blocks in order, each under its heading."""
    found, section = [], ""
    for heading, language, text in re.findall(
        r"^## (.+)$|^```(\w+)\n([\s\S]*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    ):
        section = heading or section
        if language:
            found.append(Block(section=section, language=language, text=text))
    return found


def is_in(shown: str, printed: str) -> bool:
    """Say whether a line of the page is among what was printed; `…` stands for anything."""
    words = (r"\s+".join(map(re.escape, part.split())) for part in shown.split("…"))
    return re.search(".*".join(words), printed) is not None


@pytest.fixture
def folder() -> Iterator[Path]:
    """A checkout as `make demo` leaves it: the command is in `.venv/bin`."""
    with tempfile.TemporaryDirectory(prefix="tocsin-tutorial-") as home:
        command = Path(home) / ".venv" / "bin" / "tocsin"
        command.parent.mkdir(parents=True)
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m tocsin "$@"\n')
        command.chmod(0o755)
        yield Path(home)
        postgres.stop(Path(home) / "tocsin-data")


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return a block with what its reader has to change."""
    for shown, real in changes.items():
        text = text.replace(shown, real)
    return text


def test_the_tutorial_leads_to_a_page_on_a_phone(folder: Path) -> None:
    phone = Phone()
    rings_after = {"5. Be called": 1, "7. Do not answer": 2, "8. Kill it": 4}
    with ntfy(phone) as server:
        port = str(free_port())
        changes = {
            "https://ntfy.sh": server, "http://192.168.1.20:8640": f"http://127.0.0.1:{port}",
            "20s": "1s", "sleep 40": "sleep 0", "sleep 1": "sleep 0.4",
        }  # fmt: skip
        terminal = Terminal(folder, TOCSIN_PORT=port, TOCSIN_ALLOW_NETWORKS="127.0.0.0/8")
        try:
            printed = ""
            for block in blocks():
                text = replaced(block.text, changes)
                if block.language == "sh":
                    if block.section == "6. Answer":
                        phone.tap("Acknowledge")
                    printed = terminal.type(text)
                    phone.wait_for(rings_after.get(block.section, 0))
                elif printed:  # what stands before the first command is the reader's own
                    missing = [line for line in text.splitlines() if not is_in(line, printed)]
                    assert not missing, f"{block.section}: {missing} not in\n{printed}"
        finally:
            terminal.close()
    assert phone.rang[0]["title"] == "[INC-1] DiskFull on shop"
    assert [one["title"] for one in phone.rang[1:]] == ["[INC-2] QueueFull on mail"] * 3
