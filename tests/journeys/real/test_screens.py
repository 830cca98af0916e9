"""The screens in a real browser: readable for everybody, quiet, light, live, and good without script."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from real_acme import Acme, in_trouble, labels, screens
from real_browser import AXE, MOBILE, NEEDS_CHROMIUM, Person, Relay
from real_tocsin import Tocsin

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow, NEEDS_CHROMIUM]

DESK = (1280, 900)
LOOKS = (("light", DESK), ("dark", MOBILE))  # a screen has one of them; in the proof all four
FIRST_VIEW_BYTES_MAX = 120_000
NODES_MAX = 1_500
SLOW_MS = 400
SHIFT_MAX = 120  # pixels; the composer stays in sight


@pytest.fixture(scope="module")
def acme(tocsin: Tocsin) -> Acme:
    """The organisation of the example, in trouble."""
    return in_trouble(tocsin)


@pytest.fixture
def signed_in(acme: Acme, person: Callable[..., Person]) -> Callable[..., Person]:
    """Open browsers that are signed in."""

    def open_one(*arguments: Any, **options: Any) -> Person:
        found = person(*arguments, **options)
        found.sign_in(acme.sign_in_url())
        return found

    return open_one


@pytest.mark.parametrize("size", [DESK, MOBILE], ids=["desk", "mobile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_is_accessible_quiet_and_fits(
    acme: Acme,
    signed_in: Callable[..., Person],
    pytestconfig: pytest.Config,
    scheme: str,
    size: tuple[int, int],
) -> None:
    shown = list(screens(acme))
    if not pytestconfig.getoption("--lighthouse"):
        if (scheme, size) not in LOOKS:
            pytest.skip("takes minutes: `make proof`, or --lighthouse")
        shown = shown[LOOKS.index((scheme, size)) :: 2]
    one = signed_in(size, scheme=scheme)
    flaws: list[str] = []
    for name, url in shown:
        answer = one.page.goto(url)
        if answer is None or answer.status != 200:
            flaws.append(f"{name}: {answer.status if answer else 'no answer'}")
            one.noise.clear()
            continue
        if one.page.locator("tc-live[src]").count():
            one.page.wait_for_selector("tc-live[src][data-state=live]")
        keep(one, f"{name}-{scheme}-{size[0]}")
        found = [*one.noise, *(one.barriers() if AXE.exists() else [])]
        flaws += [f"{name}: {flaw}" for flaw in found]
        flaws += [f"{name}: scrolls sideways"] * one.scrolls_sideways()
        flaws += [f"{name}: {one.nodes()} nodes"] * (one.nodes() > NODES_MAX)
        one.noise.clear()
    assert not flaws, "\n".join(flaws)


def keep(one: Person, name: str) -> None:
    """Keep a picture of the screen where SCREENSHOTS says."""
    if folder := os.environ.get("SCREENSHOTS"):
        one.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_an_incident_is_seen_for_the_first_time_in_few_bytes(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    one = signed_in(MOBILE)
    loaded = one.bytes_of(lambda: one.open_live(f"{acme.tocsin.url}/incidents/INC-1"))
    assert 30_000 < loaded <= FIRST_VIEW_BYTES_MAX


def test_on_a_phone_what_can_be_done_and_the_facts_are_above_the_fold(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    one = signed_in(MOBILE)
    one.open_live(f"{acme.tocsin.url}/incidents/INC-1")
    bar = one.page.locator(".tc-places").bounding_box()
    facts = one.page.locator(".tc-facts").bounding_box()
    act = one.page.locator("#acknowledge").bounding_box()
    assert bar is not None
    assert facts is not None
    assert act is not None
    assert facts["y"] + facts["height"] <= bar["y"]
    assert act["height"] >= 44


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


def test_without_script_every_dialog_is_a_page_and_the_list_acts_on_many(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("plainpages")
    plain = signed_in(script=False).page
    plain.goto(f"{acme.tocsin.url}/incidents/{reference}")
    plain.fill("#note", "The cache was cold.")
    plain.click("text=Post")
    expect(plain.locator("#incident-timeline")).to_contain_text("The cache was cold.")
    plain.click("text=Update")
    plain.check("input[name=severity][value=SEV2]")
    plain.click("text=Save")
    expect(plain.locator("#incident-head")).to_contain_text("SEV2")
    plain.goto(f"{acme.tocsin.url}/incidents?q={reference}")
    expect(plain.locator(".tc-bulk")).to_be_hidden()
    plain.check(f"#row-{reference} .tc-pick")
    plain.click(".tc-bulk button[value=acknowledge]")
    expect(plain.locator(f"#row-{reference}")).to_contain_text("Acknowledged")
    plain.goto(f"{acme.tocsin.url}/search?q=cold")
    expect(plain.locator("main")).to_contain_text(reference)


def test_a_policy_is_written_and_saved_by_keyboard(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    one = signed_in()
    page = one.page
    page.goto(f"{acme.tocsin.url}/policies/new")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("nights")
    one.choose("#s0_pick", "schedule:shop")
    expect(page.locator("#preview h2").first).to_contain_text("Today this pages")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Add
    expect(page.locator("#s0_pick")).to_be_focused()
    expect(page.locator("#step-1 .tc-whom li")).to_have_count(1)
    one.tab_to("#add")
    page.keyboard.press("Enter")
    expect(page.locator("#s1_pick")).to_be_focused()
    one.choose("#s1_pick", "next:shop")
    one.tab_to("#s1_up")
    page.keyboard.press("Enter")
    expect(page.locator("#s0_down")).to_be_focused()  # at the top it goes up no further
    expect(page.locator("#step-1 .tc-whom")).to_contain_text("next on call in shop")
    one.tab_to("button[value=save]")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{acme.tocsin.url}/policies#policy-nights")
    page.goto(f"{acme.tocsin.url}/policies/nights/edit")
    one.slow_down(SLOW_MS)
    page.fill("#s0_timeout", "7m")
    page.click("button[value=save]")  # leaves the field: its preview may not swallow the press
    expect(page.locator("#policy-nights")).to_contain_text("+7m")


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


def test_the_whole_room_is_run_from_the_keyboard_without_a_reload(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("hands")
    one = signed_in()
    one.open_live(f"{acme.tocsin.url}/incidents/{reference}")
    page, press = one.page, one.page.keyboard.press
    press("n")
    page.keyboard.type("Looking at the pool.")
    press("Enter")
    expect(page.locator("#incident-timeline")).to_contain_text("Looking at the pool.")
    expect(page.locator("#note")).to_have_value("")
    press("Escape")
    press("p")
    page.select_option("dialog #f-person", "priya")
    page.click("dialog button.tc-btn-pri")
    expect(page.locator("#incident-people")).to_contain_text("Priya")
    expect(page.locator("#dialog")).to_be_hidden()
    press("e")
    expect(page.locator("#incident-timeline")).to_contain_text("Next step asked for")
    press("u")
    page.select_option("dialog #f-status", "identified")
    page.click("dialog >> text=Save")
    expect(page.locator("#incident-timeline")).to_contain_text("dentified")
    press("r")
    expect(page.locator("dialog >> text=still fire")).to_be_visible()
    expect(page.locator("dialog button.tc-btn-ok")).to_be_focused()
    press("Enter")
    expect(page.locator("#incident-head")).to_contain_text("Resolved")
    assert one.is_same()


def test_a_refusal_inside_a_dialog_is_said_there_and_nothing_is_lost(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("refusal")
    one = signed_in()
    one.open_live(f"{acme.tocsin.url}/incidents/{reference}")
    one.page.keyboard.press("l")
    one.page.fill("dialog #f-target", "INC-999999")
    one.page.click("dialog button.tc-btn-pri")
    expect(one.page.locator("dialog [data-say]")).to_contain_text("no incident INC-999999")
    expect(one.page.locator("dialog #f-target")).to_have_value("INC-999999")
    one.noise.clear()  # the browser reports the refusal itself
    one.page.keyboard.press("Escape")
    expect(one.page.locator("#dialog")).to_be_hidden()
    assert one.is_same()


def test_rows_are_walked_selected_and_acted_on_by_key(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    first, second = acme.incident("many-one"), acme.incident("many-two")
    one = signed_in()
    one.open_live(f"{acme.tocsin.url}/incidents")
    for key in "jxjx":
        one.page.keyboard.press(key)
    expect(one.page.locator(".tc-bulk")).to_be_visible()
    one.page.keyboard.press("a")
    for reference in (first, second):
        expect(one.page.locator(f"#row-{reference}")).to_contain_text("Acknowledged")
        assert acme.state(reference) == "acknowledged"
    expect(one.page.locator(".tc-bulk")).to_be_hidden()
    one.page.keyboard.press("Enter")
    expect(one.page).to_have_url(f"{acme.tocsin.url}/incidents/{first}")
    one.page.keyboard.press("]")
    expect(one.page).not_to_have_url(f"{acme.tocsin.url}/incidents/{first}")


def test_filters_stand_in_the_address_and_change_the_list_in_place(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("narrow")
    one = signed_in()
    one.open_live(f"{acme.tocsin.url}/incidents")
    one.page.keyboard.press("/")
    one.page.keyboard.type(reference)
    expect(one.page.locator("#incident-list li")).to_have_count(1)
    expect(one.page).to_have_url(f"{acme.tocsin.url}/incidents?q={reference}")
    one.page.click("#incident-tabs >> text=Resolved")
    expect(one.page.locator("#incident-list li")).to_have_count(0)
    assert one.is_same()
    one.page.reload()
    expect(one.page.locator("#incident-list li")).to_have_count(0)


def test_back_undoes_a_step_in_a_list_and_the_fields_follow(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("backwards")
    one = signed_in()
    one.open_live(f"{acme.tocsin.url}/incidents")
    one.page.click("#incident-tabs >> text=All")
    expect(one.page).to_have_url(f"{acme.tocsin.url}/incidents?status=all")
    words = one.page.locator("main [name=q]")
    words.fill(reference)
    expect(one.page.locator("#incident-list li")).to_have_count(1)
    one.page.go_back()
    expect(one.page).to_have_url(f"{acme.tocsin.url}/incidents")
    expect(words).to_have_value("")
    expect(one.page.locator("#incident-list li").nth(1)).to_be_visible()
    one.page.go_forward()
    expect(words).to_have_value(reference)
    expect(one.page.locator("#incident-list li")).to_have_count(1)
    assert one.is_same()


def test_what_happens_meanwhile_takes_neither_the_focus_nor_the_text_nor_the_place(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    reference = acme.incident("meanwhile")
    one = signed_in(MOBILE)
    one.open_live(f"{acme.tocsin.url}/incidents/{reference}")
    one.page.locator("#incident-alerts summary").first.click()
    one.page.fill("#note", "Half a thou")
    at = one.page.evaluate("scrollY")
    acme.tocsin.post(f"/incidents/{reference}/notes", acme.token, {"text": "Somebody else."})
    acme.tocsin.post(f"/incidents/{reference}/acknowledge", acme.token)
    expect(one.page.locator("#incident-timeline")).to_contain_text("Acknowledged by api")
    expect(one.page.locator("#note")).to_be_focused()
    expect(one.page.locator("#note")).to_have_value("Half a thou")
    expect(one.page.locator("#incident-alerts details").first).to_have_attribute("open", "")
    assert abs(one.page.evaluate("scrollY") - at) <= SHIFT_MAX
    assert one.is_same()


def test_the_palette_finds_runs_and_goes(acme: Acme, signed_in: Callable[..., Person]) -> None:
    reference = acme.incident("palette")
    one = signed_in()
    one.open_live(f"{acme.tocsin.url}/incidents/{reference}")
    page, keyboard = one.page, one.page.keyboard
    keyboard.press("Control+k")
    keyboard.type("ackn")
    expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("Acknowledge")
    assert not AXE.exists() or one.barriers() == []
    keyboard.press("Enter")
    expect(page.locator("#incident-timeline")).to_contain_text("Acknowledged by web")
    keyboard.press("Control+k")
    keyboard.type("chec")
    expect(page.locator("[data-found] [role=option]").first).to_be_visible()
    page.locator("[data-found] [role=option] >> text=INC-1,").click()
    expect(page).to_have_url(f"{acme.tocsin.url}/incidents/INC-1")
    keyboard.press("Control+k")
    keyboard.type("go to alerts")
    keyboard.press("Enter")
    expect(page).to_have_url(f"{acme.tocsin.url}/alerts")


def test_an_incident_is_declared_from_anywhere_with_a_title_alone(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    one = signed_in(MOBILE)
    one.open_live(f"{acme.tocsin.url}/oncall")
    one.page.click("text=Declare")
    one.page.fill("dialog #f-title", "Nobody can log in")
    one.page.select_option("dialog #f-policy", "-")
    one.page.click("dialog button.tc-btn-pri")
    expect(one.page.locator("#incident-head h1")).to_have_text("Nobody can log in")
    expect(one.page.locator("#incident-pages")).to_contain_text("paged nobody")


def test_over_a_slow_link_a_dialog_opens_at_once_and_an_action_is_seen(
    acme: Acme, signed_in: Callable[..., Person]
) -> None:
    one = signed_in(MOBILE)
    one.open_live(f"{acme.tocsin.url}/incidents/{acme.incident('slow')}")
    one.slow_down(SLOW_MS)
    one.page.click("#resolve")
    expect(one.page.locator("#dialog")).to_be_visible(timeout=SLOW_MS)
    one.page.click("dialog button.tc-btn-ok")
    expect(one.page.locator("#incident-head")).to_contain_text("Resolved")
    assert one.is_same()


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
