"""On-call by the keyboard alone: every stop can be seen, dialogs close and give the focus back.

Takes minutes: `make proof`, or --lighthouse. One policy is written by keyboard in test_screens.py.
"""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from real_acme import ACME
from real_browser import AXE, DESKTOP, MOBILE, NEEDS_CHROMIUM, STOPS_MAX, Person
from real_tocsin import Tocsin

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow, NEEDS_CHROMIUM]
STOPS_IN_DIALOG = 30
INSIDE = """() => {
  const it = document.activeElement;
  return !it || it === document.body || !!it.closest('dialog');
}"""
LOOK = """() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const style = getComputedStyle(it), box = it.getBoundingClientRect();
  return {
    name: it.id || it.getAttribute('aria-label') || it.textContent.trim().slice(0, 40),
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
    size: box.width * box.height,
    top: box.top, bottom: innerHeight - box.bottom,
  };
}"""
SCREENS = (
    "/oncall",
    "/oncall/me",
    "/oncall/leave",
    "/schedules/shop",
    "/schedules/shop/edit",
    "/schedules/shop/override",
    "/schedules/shop/swap",
    "/policies",
    "/policies/new",
    "/policies/default/edit?take_over=true",
    "/policies/default/delete",
    "/assurance",
)


@pytest.fixture(scope="module", autouse=True)
def _has_minutes(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--lighthouse"):
        pytest.skip("takes minutes: `make proof`, or --lighthouse")


@pytest.fixture(scope="module")
def acme(_has_minutes: None, tocsin: Tocsin) -> Tocsin:
    """The organisation of the example."""
    tocsin.cli("apply", "-f", str(ACME))
    tocsin.cli("person", "invite", "maya", "--role", "admin")
    return tocsin


@pytest.fixture
def signed_in(acme: Tocsin, person: Callable[..., Person]) -> Callable[..., Person]:
    """Open browsers of somebody who may change the configuration."""

    def open_one(*arguments: Any, **options: Any) -> Person:
        found = person(*arguments, **options)
        found.sign_in(acme.cli("link"))
        return found

    return open_one


@pytest.fixture
def as_maya(acme: Tocsin, person: Callable[..., Person]) -> Person:
    """Open a browser of somebody who takes turns in the schedule."""
    found = person()
    found.page.goto(acme.cli("person", "reset", "maya"))
    for field in ("#password", "#again"):
        found.page.fill(field, "seven green parrots")
    found.page.click("#set-password")
    found.page.wait_for_selector("h1")
    return found


def test_what_is_wrong_is_said_live_and_goes_away_when_it_is_mended(
    acme: Tocsin, signed_in: Callable[..., Person]
) -> None:
    one = signed_in()
    page = one.page
    page.goto(f"{acme.url}/policies/new")
    page.fill("#name", "late")
    page.select_option("#s0_pick", "schedule:shop")
    page.fill("#s0_timeout", "soon")
    expect(page.locator("#wrong")).to_contain_text("is no duration; write e.g. 30s")
    page.click("#wrong a")
    expect(page.locator("#s0_timeout")).to_be_focused()
    page.click("button[value=save]")
    expect(page.locator("#s0_timeout-why")).to_be_visible()
    one.noise.clear()  # the browser notes that the answer was a 422
    expect(page.locator("#s0_timeout")).to_have_attribute("aria-invalid", "true")
    if AXE.exists():
        assert one.barriers() == []
    page.fill("#s0_timeout", "5m")
    expect(page.locator("#preview h2").first).to_contain_text("Today this pages")
    expect(page.locator("#s0_timeout-why")).to_be_hidden()
    page.fill("#look_at", "2100-01-04T03:00")
    expect(page.locator("#preview")).to_contain_text("days ahead at most")


def test_a_webhook_s_address_is_asked_for_when_it_is_chosen(
    acme: Tocsin, signed_in: Callable[..., Person]
) -> None:
    page = signed_in(MOBILE, scheme="dark").page
    page.goto(f"{acme.url}/policies/new")
    expect(page.locator("#s0_url")).to_be_hidden()
    page.select_option("#s0_pick", "webhook")
    expect(page.locator("#s0_url")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, MOBILE], ids=["desk", "mobile"])
def test_every_stop_of_the_keyboard_can_be_seen(
    acme: Tocsin, signed_in: Callable[..., Person], size: tuple[int, int]
) -> None:
    page = signed_in(size).page
    unseen = []
    for path in SCREENS:
        page.goto(acme.url + path)
        page.wait_for_selector("tc-live[data-state=live]")
        page.evaluate("document.activeElement?.blur()")
        stops = 0
        for _ in range(STOPS_MAX):
            page.keyboard.press("Tab")
            found = page.evaluate(LOOK)
            if found is None:
                break
            stops += 1
            if not found["seen"] or found["size"] < 1:
                unseen.append(f"{path}: {found['name']}")
        assert stops > 5, path
    assert not unseen, "\n".join(unseen)


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/schedules/shop", "a[data-dialog][href$='/override']"),
        ("/schedules/shop", "a[data-dialog][href$='/swap']"),
        ("/oncall/me", "a[data-dialog][href='/oncall/leave']"),
        ("/oncall", "a[data-dialog][href='/declare']"),
    ],
)
def test_escape_closes_a_dialog_and_gives_the_focus_back(
    acme: Tocsin, as_maya: Person, path: str, link: str
) -> None:
    page = as_maya.page
    page.goto(acme.url + path)
    page.wait_for_selector("tc-live[data-state=live]")
    page.locator(link).first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#dialog")
    expect(dialog.locator("[data-dialog-body]")).to_be_visible()
    for _ in range(STOPS_IN_DIALOG):  # the focus stays inside, or in the browser's own bar
        page.keyboard.press("Tab")
        assert page.evaluate(INSIDE)
    dialog.locator("input:not([type=hidden]), select, textarea, button").first.focus()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(link).first).to_be_focused()
