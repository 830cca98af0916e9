"""The web inbox in a real browser: the badge moves, the browser itself says it, a tap takes the page."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct
from playwright.sync_api import expect
from real_browser import AXE, DESKTOP, MOBILE, NEEDS_CHROMIUM, Person
from real_tocsin import Tocsin, eventually

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow, NEEDS_CHROMIUM]

PASSWORD = "four words are easy"
FIRE = {"alertname": "HighErrorRate", "severity": "critical"}
CONFIG = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec:
  displayName: Maya Okafor
  contact:
    - {type: inbox}
    - {type: ntfy, topic: "https://ntfy.example.org/alarms", token: tk_secret, show: title}
    - {type: email, address: maya@acme.example}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{person: maya}], timeout: 15m}]}
"""
# what the service worker would show, and its answer to a tap, without the desktop's own windows
_SHOWN = """async () => {
    const worker = await navigator.serviceWorker.ready;
    return (await worker.getNotifications()).map((one) => ({
        title: one.title, body: one.body, actions: one.actions.map((action) => action.action),
        data: one.data,
    }));
}"""


class Room(Struct, frozen=True, kw_only=True):
    """A server, an admin's token, and Maya's one-time link."""

    tocsin: Tocsin
    token: str

    def fire(self, service: str) -> str:
        """Let an alert fire; return the reference of its incident."""
        self.tocsin.fire(self.token, FIRE | {"service": service})
        return eventually(lambda: self._about(service), f"an incident of {service}")

    def _about(self, service: str) -> str:
        for one in self.tocsin.get("/incidents?status=all", self.token)["items"]:
            found = self.tocsin.get(f"/incidents/{one['reference']}", self.token)
            if found["labels"].get("service") == service:
                return str(found["reference"])
        return ""


@pytest.fixture(scope="module")
def room(tocsin: Tocsin) -> Room:
    """Maya is paged by the inbox first."""
    config = tocsin.home / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    tocsin.cli("apply", "-f", str(config))
    token = tocsin.cli("token", "create", "inbox", "--role", "admin")
    link = tocsin.post("/people/maya/invite", token, {"role": "responder"})["url"]
    (tocsin.home / "invited").write_text(link, encoding="utf-8")
    return Room(tocsin=tocsin, token=token)


@pytest.fixture
def maya(room: Room, person: Callable[..., Person]) -> Callable[..., Person]:
    """Open browsers in which Maya is signed in."""
    invited = room.tocsin.home / "invited"

    def open_one(*arguments: object, **options: object) -> Person:
        found = person(*arguments, **options)
        if invited.exists():
            found.page.goto(invited.read_text(encoding="utf-8"))
            found.page.fill("#password", PASSWORD)
            found.page.fill("#again", PASSWORD)
            found.page.click("#set-password")
            invited.unlink()
        else:
            found.page.goto(f"{room.tocsin.url}/sign-in")
            found.page.fill("[name=name]", "maya")
            found.page.fill("[name=password]", PASSWORD)
            found.page.press("[name=password]", "Enter")
        found.page.wait_for_selector("h1:has-text('Now')")
        return found

    return open_one


@pytest.mark.parametrize("size", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_inbox_and_methods_are_accessible_quiet_and_fit(
    room: Room, maya: Callable[..., Person], scheme: str, size: tuple[int, int]
) -> None:
    room.fire(f"checkout-{scheme}-{size[0]}")
    one = maya(size, scheme=scheme)
    flaws: list[str] = []
    for name in ("inbox", "account/contacts"):
        one.page.goto(f"{room.tocsin.url}/{name}")
        one.page.wait_for_selector("tc-live[data-state=live]")
        found = [*one.noise, *(one.barriers() if AXE.exists() else [])]
        flaws += [f"{name}: {flaw}" for flaw in found]
        flaws += [f"{name}: scrolls sideways"] * one.scrolls_sideways()
        one.noise.clear()
        if shots := os.environ.get("SCREENSHOTS"):
            path = Path(shots) / f"{name.replace('/', '-')}-{scheme}-{size[0]}.png"
            one.page.screenshot(path=str(path), full_page=True)
    assert not flaws, "\n".join(flaws)


def test_a_page_is_counted_and_told_by_the_browser_and_a_tap_takes_it(
    room: Room, maya: Callable[..., Person]
) -> None:
    one = maya()
    one.context.grant_permissions(["notifications"], origin=room.tocsin.url)
    one.page.goto(f"{room.tocsin.url}/inbox")
    one.page.click("text=Mark all as read")
    one.open_live(f"{room.tocsin.url}/inbox")
    one.page.wait_for_function("navigator.serviceWorker.controller !== null")
    reference = room.fire("payments")
    badge = one.page.locator("tc-inbox .tc-count")
    expect(badge).to_have_text("1 unread")
    expect(one.page.locator("#inbox")).to_contain_text(reference)
    assert one.is_same()
    shown = eventually(lambda: one.page.evaluate(_SHOWN), "a notification of the browser")
    assert shown[0]["body"] == reference
    assert shown[0]["actions"] == ["acknowledge", "open"]
    tap(one, "acknowledge")
    eventually(
        lambda: room.tocsin.page_of(reference, room.token)["state"] == "acknowledged",
        "the tap takes the page",
    )


def tap(one: Person, action: str) -> None:
    """Tap a notification's button, as the desktop tells the service worker."""
    worker = one.context.service_workers[0]
    worker.evaluate(
        """async (action) => {
            const [shown] = await self.registration.getNotifications();
            self.dispatchEvent(new NotificationEvent('notificationclick', { notification: shown, action }));
        }""",
        action,
    )


def test_everything_works_without_script(room: Room, maya: Callable[..., Person]) -> None:
    reference = room.fire("search")
    one = maya(script=False)
    one.page.goto(f"{room.tocsin.url}/inbox")
    row = one.page.locator(f"li:has-text('{reference} ')")
    row.get_by_role("button", name="Acknowledge").click()
    assert room.tocsin.page_of(reference, room.token)["state"] == "acknowledged"
    one.page.locator(f"li:has-text('{reference} ')").locator(".tc-open").click()
    assert one.page.url.endswith(f"/incidents/{reference}")
    one.page.goto(f"{room.tocsin.url}/account/contacts")
    one.page.click("#test-0")
    expect(one.page.locator("#contacts")).to_contain_text("Test sent")
