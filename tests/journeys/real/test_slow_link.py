"""Over a link of 400 ms a round trip, as from a train: what is pressed answers at once, and is done."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from real_browser import MOBILE, NEEDS_CHROMIUM, Person
from real_slow_link import SlowLink
from real_tocsin import Tocsin, eventually

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow, NEEDS_CHROMIUM]

ACME = Path(__file__).parents[3] / "examples" / "acme"
ROUND_TRIP_S = 0.4
AT_ONCE_MS = 350  # less than a round trip: the press itself shows
SOON_S = 2.5  # two round trips, and a machine that does other things as well


@pytest.fixture
def link(tocsin: Tocsin) -> Iterator[SlowLink]:
    """The slow link to a server in trouble."""
    found = SlowLink(int(tocsin.url.rpartition(":")[2]), round_trip_s=ROUND_TRIP_S)
    yield found
    found.close()


def test_acknowledging_shows_at_once_that_it_is_on_its_way_and_soon_that_it_is_done(
    tocsin: Tocsin, link: SlowLink, person: Callable[..., Person]
) -> None:
    tocsin.cli("apply", "-f", str(ACME))
    token = tocsin.cli("token", "create", "slow", "--role", "admin")
    labels = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
    tocsin.fire(token, labels, summary="Every fourth order fails.")
    [incident] = tocsin.incidents(token, 1)
    reference = incident["reference"]
    one = person(MOBILE)
    base = f"http://127.0.0.1:{link.port}"
    url = tocsin.post("/links/sign-in", token, {})["url"]
    one.sign_in(base + url[url.index("/sign-in/") :])
    one.open_live(f"{base}/incidents/{reference}")
    pressed_s = time.monotonic()
    one.page.click("#acknowledge", no_wait_after=True)
    # the form that was pressed says so before anything can have come back
    expect(one.page.locator("form.htmx-request, .htmx-request form").first).to_be_visible(
        timeout=AT_ONCE_MS
    )
    expect(one.page.locator("#incident-timeline")).to_contain_text("Acknowledged by web")
    took_s = time.monotonic() - pressed_s
    assert took_s >= ROUND_TRIP_S
    assert took_s < SOON_S, f"it took {took_s:.2f} s"
    expect(one.page.locator("#acknowledge")).to_have_count(0)
    assert one.is_same()
    eventually(lambda: tocsin.page_of(reference, token)["state"] == "acknowledged", "taken")
    one.page.goto("about:blank")
    one.noise.clear()  # the stream's end
