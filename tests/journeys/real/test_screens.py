"""The screens in a real browser: readable for everybody, quiet, live, and good without script."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from playwright.sync_api import expect
from real_browser import AXE, DESKTOP, MOBILE, NEEDS_CHROMIUM, Person, Relay
from real_tocsin import Tocsin, eventually, link_in

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow, NEEDS_CHROMIUM]

ACME = Path(__file__).parents[3] / "examples" / "acme"
LONG = "PersistentVolumeFillingUpInLessThanFourHoursAccordingToTheLinearPrediction"
BROKEN = "rpc error: code = Unavailable desc = connection_error_after_" + "9f86d081884c7d65" * 8
SUMMARY = "A quarter of all orders fail since the last release; customers see an error page."


def labels(service: str, **others: str) -> dict[str, str]:
    return {"alertname": "HighErrorRate", "service": service, "severity": "critical"} | others


class Acme(Struct, frozen=True, kw_only=True):
    """A server with something on every screen."""

    tocsin: Tocsin
    token: str

    def incident(self, service: str, **others: str) -> str:
        """Fire an alert and return the reference of its incident."""
        self.tocsin.fire(self.token, labels(service, **others), summary=SUMMARY)
        found = eventually(lambda: self._of(service), f"an incident of {service}")
        reference: str = found[0]["reference"]
        return reference

    def _of(self, service: str) -> list[Any]:
        items = self.tocsin.get("/incidents?status=all", self.token)["items"]
        return [item for item in items if item["labels"].get("service") == service]

    def state(self, reference: str) -> str:
        """Return the state of an incident's only page."""
        state: str = self.tocsin.page_of(reference, self.token)["state"]
        return state

    def sign_in_url(self) -> str:
        """Return a fresh one-time link."""
        url: str = self.tocsin.post("/links/sign-in", self.token, {})["url"]
        return url

    def ack_link(self, reference: str) -> str:
        """Return the link in the mail about an incident."""

        def look() -> str:
            mails = list(self.tocsin.mailbox.mails)
            about = [mail for mail in mails if mail["Subject"].startswith(f"[{reference}]")]
            return link_in(about[0]) if about else ""

        return eventually(look, f"a mail about {reference}")


@pytest.fixture(scope="module")
def acme(tocsin: Tocsin) -> Acme:
    """The organisation of the example, in trouble."""
    tocsin.cli("apply", "-f", str(ACME))
    token = tocsin.cli("token", "create", "screens", "--role", "admin")
    found = Acme(tocsin=tocsin, token=token)
    tocsin.fire(
        token,
        *(labels("checkout", site="berlin", instance=f"checkout-{n}") for n in range(3)),
        {"alertname": LONG, "service": "checkout", "site": "berlin", "message": BROKEN},
        {"alertname": "CertificateExpiresSoon", "service": "blog", "severity": "info"},
        summary=SUMMARY,
    )
    taken, over = found.incident("search"), found.incident("mail")
    tocsin.post(f"/incidents/{taken}/acknowledge", token)
    tocsin.post(f"/incidents/{over}/resolve", token)
    return found


@pytest.fixture
def signed_in(acme: Acme, person: Callable[..., Person]) -> Callable[..., Person]:
    """Open browsers that are signed in."""

    def open_one(*arguments: Any, **options: Any) -> Person:
        found = person(*arguments, **options)
        found.sign_in(acme.sign_in_url())
        return found

    return open_one


@pytest.mark.parametrize("size", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_is_accessible_quiet_and_fits(
    acme: Acme, signed_in: Callable[..., Person], scheme: str, size: tuple[int, int]
) -> None:
    one = signed_in(size, scheme=scheme)
    # contrast hangs on the scheme and the size of targets on the width: two of the four tell all
    is_examined = AXE.exists() and (scheme == "dark") == (size == MOBILE)
    flaws: list[str] = []
    for name, url in screens(acme):
        one.page.goto(url)
        if one.page.locator("tc-live").count():
            one.page.wait_for_selector("tc-live[data-state=live]")
        keep(one, f"{name}-{scheme}-{size[0]}")
        found = [*one.noise, *(one.barriers() if is_examined else [])]
        flaws += [f"{name}: {flaw}" for flaw in found]
        flaws += [f"{name}: scrolls sideways"] * one.scrolls_sideways()
        one.noise.clear()
    assert not flaws, "\n".join(flaws)


def screens(acme: Acme) -> Iterator[tuple[str, str]]:
    """Name every screen."""
    base = acme.tocsin.url
    urgent, _, taken, over = (
        one["reference"] for one in acme.tocsin.incidents(acme.token, 4)[:4]
    )
    yield "now", f"{base}/"
    yield "incident", f"{base}/incidents/{urgent}"
    yield "incident-acknowledged", f"{base}/incidents/{taken}"
    yield "incident-resolved", f"{base}/incidents/{over}"
    yield "alerts", f"{base}/alerts"
    yield "oncall", f"{base}/oncall"
    yield "link", acme.ack_link(urgent)
    yield "link-used", acme.ack_link(taken)
    yield "sign-in", acme.sign_in_url()
    yield "sign-in-how", f"{base}/sign-in"


def keep(one: Person, name: str) -> None:
    """Keep a picture of the screen where SCREENSHOTS says."""
    if folder := os.environ.get("SCREENSHOTS"):
        one.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_without_script_a_form_acknowledges_and_the_page_tells(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("noscript")
    plain = signed_in(script=False)
    plain.page.goto(f"{acme.tocsin.url}/incidents/{reference}")
    plain.page.click("#acknowledge")
    expect(plain.page).to_have_url(f"{acme.tocsin.url}/incidents/{reference}")
    expect(plain.page.locator("#incident-timeline")).to_contain_text("Acknowledged by web")
    expect(plain.page.locator("#acknowledge")).to_have_count(0)
    assert acme.state(reference) == "acknowledged"


def test_the_key_a_acknowledges_and_another_browser_sees_it_at_once(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("keyboard")
    hands, eyes = signed_in(), signed_in(MOBILE)
    eyes.open_live(f"{acme.tocsin.url}/")
    row = eyes.page.locator(f"#row-{reference}")
    expect(row.locator("button")).to_be_visible()
    hands.open_live(f"{acme.tocsin.url}/incidents/{reference}")
    hands.page.keyboard.press("a")
    expect(hands.page.locator("#incident-timeline")).to_contain_text("Acknowledged by web")
    expect(row).to_contain_text("Acknowledged", timeout=5_000)
    expect(row.locator("button")).to_have_count(0)
    assert hands.is_same()
    assert eyes.is_same()
    # and the keyboard goes everywhere
    hands.page.keyboard.press("g")
    hands.page.keyboard.press("o")
    expect(hands.page).to_have_url(f"{acme.tocsin.url}/oncall")


def test_what_was_missed_while_the_network_was_down_is_there_when_it_is_back(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("network")
    one = signed_in()
    relay = Relay(int(acme.tocsin.url.rpartition(":")[2]))
    one.open_live(f"http://127.0.0.1:{relay.port}/incidents/{reference}")
    relay.cut()
    expect(one.page.locator("tc-live")).to_have_attribute("data-state", "lost")
    acme.tocsin.post(f"/incidents/{reference}/acknowledge", acme.token)
    acme.tocsin.post(f"/incidents/{reference}/resolve", acme.token)
    relay.heal()
    expect(one.page.locator("tc-live")).to_have_attribute("data-state", "live")
    told = one.page.locator("#incident-timeline")
    expect(told).to_contain_text("Acknowledged by api")
    expect(told).to_contain_text(f"{reference} resolved by")
    ids = one.page.eval_on_selector_all(".tc-entry", "found => found.map(one => one.id)")
    assert len(ids) == len(set(ids)) == len(acme.tocsin.sentences(reference, acme.token))
    assert one.is_same()
    one.page.goto("about:blank")
    one.noise.clear()  # the browser itself reports the refused connections
    relay.cut()


def test_a_new_incident_appears_and_a_recovered_one_leaves_without_a_reload(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    one = signed_in()
    one.open_live(f"{acme.tocsin.url}/")
    reference = acme.incident("brief")
    expect(one.page.locator(f"#row-{reference}")).to_be_visible(timeout=5_000)
    acme.tocsin.settle(acme.token, labels("brief"))
    expect(one.page.locator(f"#row-{reference}")).to_have_count(0)
    expect(one.page.locator(".tc-done")).to_contain_text(reference)
    assert one.is_same()
