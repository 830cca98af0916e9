"""The on-call screen: the calendar as values, and the page as it is served."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from pages_nouns import DIRECTORY, JONAS, MAYA
from pages_world import browser, person

from fakes.world import NOON, World
from tocsin.kernel.access import Role
from tocsin.kernel.ids import ScheduleId, uuid7
from tocsin.oncall.core.schedule import final, shift_at
from tocsin.oncall.model import (
    Layer,
    Override,
    OverrideKind,
    RotationUnit,
    Schedule,
    Timeline,
)
from tocsin.web.pages import oncall_views as views
from tocsin.web.pages import schedule_bars as bars
from tocsin.web.pages.schedule_agreed import override_pieces
from tocsin.web.pages.schedule_bars import Span

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 23)
TURNS = Layer(
    name="rotation", zone="Europe/Berlin", starts_at_local="2026-01-05T09:00",
    unit=RotationUnit.WEEK, members=((MAYA,), (JONAS,)),
)  # fmt: skip
PRIMARY = Schedule(
    id=ScheduleId(uuid7()), name="primary", zone="Europe/Berlin", layers=(TURNS,)
)
WEEKLY = Timeline(schedule=PRIMARY)

TODAY_TOO = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: today}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-03-27T09:00", every: day, people: [jonas, maya]}
"""


def drawn(
    start_on: date = MONDAY, zone: str = "Europe/Berlin", span: Span = Span.TWO
) -> views.CalendarView:
    extent = bars.extent_of(span, start_on)
    found = final(WEEKLY, *extent.instants(zone))
    drawing = bars.Drawing(extent=extent, directory=DIRECTORY, hues={}, now=NOON, me=MAYA)
    row = drawing.row(
        "primary", zone, bars.final_pieces(found.shifts, found.gaps), ask="/o?x=1"
    )
    asked = views.Asked(path="/oncall", span=span, clock=views.Clock.SCHEDULE, on=start_on)
    return views.calendar([row], drawing, asked)


def test_a_calendar_shows_two_weeks_and_where_now_is() -> None:
    found = drawn()
    assert [day.on.day for day in found.days] == [*range(23, 32), *range(1, 6)]
    assert [day.on for day in found.days if day.is_today] == [date(2026, 3, 27)]
    [row] = found.rows
    assert row.now == 4 * 48 + 26 + 1  # Friday, 13:00 in Berlin
    assert (row.offset, found.zone) == ("UTC+1", "Europe/Berlin")
    assert [(bar.first, bar.last) for bar in row.bars] == [(1, 19), (19, 355), (355, 673)]
    assert row.bars[0].label == "MO"
    assert [bar.is_mine for bar in row.bars] == [True, False, True]
    assert found.before == "/oncall?from=2026-03-16"
    assert found.after == "/oncall?from=2026-03-30"
    assert found.is_present


def test_a_bar_leads_to_an_override_of_its_own_stretch_unless_it_is_over() -> None:
    [row] = drawn().rows
    assert row.bars[0].href == ""
    assert row.bars[1].href == (
        "/o?x=1&from=2026-03-23T09%3A00%3A00%2B01%3A00&to=2026-03-30T09%3A00%3A00%2B02%3A00"
    )


def test_another_week_has_no_now_and_another_zone_other_columns() -> None:
    assert drawn(date(2026, 6, 1)).rows[0].now is None
    assert not drawn(date(2026, 3, 16)).is_present
    tokyo = drawn(zone="Asia/Tokyo").rows[0]
    assert tokyo.offset == "UTC+9"
    assert [bar.last for bar in tokyo.bars][:1] == [1 + 2 * 17]  # 09:00 in Berlin is 17:00


def test_a_month_begins_on_its_first_and_leads_to_its_neighbours() -> None:
    found = drawn(date(2026, 2, 14), span=Span.MONTH)
    assert (len(found.days), found.days[0].on) == (28, date(2026, 2, 1))
    assert found.before == "/oncall?from=2026-01-01&span=month"
    assert found.after == "/oncall?from=2026-03-01&span=month"


def test_who_lives_by_other_clocks_is_told_of_by_theirs() -> None:
    # Maya's is UTC: nine in Berlin is eight there, seven in summer
    tokyo = drawn(zone="Asia/Tokyo").rows[0].bars[1]
    assert tokyo.notes == ("for Jonas Weber Mon 08:00 to Mon 07:00, UTC",)


def test_overrides_at_the_same_time_stand_below_each_other() -> None:
    def override(kind: OverrideKind, **hours: int) -> Override:
        return Override(
            id=uuid7(), kind=kind, person_id=MAYA, start_at=NOON,
            end_at=NOON + timedelta(**hours), created_at=NOON, reason="a wedding",
        )  # fmt: skip

    agreed = [override(OverrideKind.COVER, hours=9), override(OverrideKind.LEAVE, days=2)]
    extent = bars.extent_of(Span.WEEK, MONDAY)
    drawing = bars.Drawing(extent=extent, directory=DIRECTORY, hues={}, now=NOON, me=None)
    row = drawing.row("Overrides", "UTC", override_pieces(agreed, DIRECTORY))
    assert [one.lane for one in row.bars] == [1, 2]
    assert [one.is_away for one in row.bars] == [False, True]
    assert row.bars[1].notes == ("on leave", "“a wedding”")


def test_columns_follow_the_wall_clock_over_a_change_of_clocks() -> None:
    # 2026-03-29 has 23 hours in Berlin
    before = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    after = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert bars.column(before, BERLIN, MONDAY) == 6 * 48 + 3 + 1
    assert bars.column(after, BERLIN, MONDAY) == 6 * 48 + 6 + 1
    start, end = bars.extent_of(Span.TWO, MONDAY).instants("Europe/Berlin")
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(days=14, hours=-1)


def test_before_the_first_turn_is_a_gap_that_is_counted() -> None:
    found = drawn(date(2025, 12, 29))
    assert found.gap_count == 1
    assert found.rows[0].bars[0].person is None


def test_turns_of_one_person_in_a_row_are_one_bar() -> None:
    turns = replace(TURNS, members=TURNS.members[:1])
    alone = Timeline(schedule=replace(PRIMARY, layers=(turns,)))
    found = final(alone, NOON, NOON + timedelta(days=30)).shifts
    [one] = bars.joined(found)
    assert (one.start_at, one.end_at) == (found[0].start_at, found[-1].end_at)


def test_a_card_says_who_until_when_and_who_is_next() -> None:
    coming = final(WEEKLY, NOON, NOON + timedelta(days=28)).shifts[1:]
    now = shift_at(WEEKLY, "primary", NOON)
    one = views.duty("primary", now, coming, DIRECTORY, covered=0.988, zone="Europe/Berlin")
    assert one.person != one.then
    assert one.until == datetime(2026, 3, 30, 9, tzinfo=BERLIN)
    assert (one.covered, one.is_covered) == ("98.8 %", False)
    later = views.duty("primary", None, coming, DIRECTORY, covered=1, zone="UTC")
    assert (later.person, later.until) == (None, coming[0].start_at)
    nobody = views.duty("primary", None, (), DIRECTORY, covered=0, zone="UTC")
    assert (nobody.until, nobody.then) == (None, None)


@pytest.mark.parametrize(
    ("zone", "said"),
    [("UTC", "UTC"), ("Asia/Kolkata", "UTC+5:30"), ("America/St_Johns", "UTC-2:30")],
)
def test_clocks_are_told_by_their_distance_from_utc(zone: str, said: str) -> None:
    assert bars.offset(NOON.astimezone(ZoneInfo(zone))) == said


@pytest.mark.db
async def test_the_page_shows_the_week_and_the_clock_that_its_address_names(
    acme: World,
) -> None:
    maya = await person(acme, "maya")
    async with browser(acme, Role.VIEWER, maya) as client:
        page = (await client.get("/oncall")).text
        assert "23 Mar to 5 Apr 2026" in page
        assert re.search(r"<small>You, UTC</small><strong>(Not on call|On call)</strong>", page)
        assert "My turns" in page
        assert "until " in page
        later = (await client.get("/oncall?from=2026-06-03&clock=mine")).text
        assert "1 Jun to 14 Jun 2026" in later
        assert "from=2026-05-25&amp;clock=mine" in later
        month = (await client.get("/oncall?from=2026-06-03&span=month")).text
        assert "1 Jun to 30 Jun 2026" in month
        for wrong in (
            "span=year",
            "from=x",
            "from=0001-01-01",
            "from=2026-02-30",
            "clock=theirs",
        ):
            assert (await client.get(f"/oncall?{wrong}")).status_code == 422


@pytest.mark.db
async def test_who_has_two_schedules_is_on_call_until_the_later_ends(acme: World) -> None:
    await acme.apply(TODAY_TOO)
    async with browser(acme, Role.VIEWER, await person(acme, "jonas")) as client:
        page = (await client.get("/oncall")).text
    [card] = re.findall(r"data-mine><small>You, .*?</section>", page)
    assert "Mon 30 Mar" in card
    assert "today, primary</small>" in card


LAYERED = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: shop}
spec:
  timezone: Europe/Berlin
  slots: [primary, secondary]
  holidays: {country: DE}
  layers:
    - {name: weeks, start: "2026-01-05T09:00", every: week, people: [jonas, maya]}
    - name: weekends
      start: "2026-01-05T00:00"
      every: week
      people: [maya]
      windows: [{days: [saturday, sunday]}]
"""


@pytest.mark.db
async def test_a_schedule_shows_its_slots_layers_overrides_holidays_and_troubles(
    acme: World,
) -> None:
    await acme.apply(LAYERED)
    made = await acme.http.post(
        "/api/v1/oncall/overrides",
        json={
            "kind": "cover", "schedule": "shop", "person": "maya", "reason": "a wedding",
            "start_at": "2026-03-31T09:00", "end_at": "2026-03-31T18:00",
        },
        headers=acme.bearer,
    )  # fmt: skip
    assert made.status_code == 201, made.text
    async with browser(acme, Role.RESPONDER, await person(acme, "maya")) as client:
        page = (await client.get("/schedules/shop")).text
        missing = await client.get("/schedules/nothing")
    assert missing.status_code == 404
    heads = re.findall(r"<h3>(.*?)</h3>", page)
    assert heads == [
        "Final, primary", "Final, secondary", "weekends (primary)", "weeks (primary)", "Overrides",
    ]  # fmt: skip
    assert "data-over" in page
    assert "data-free" in page  # nobody is secondary
    assert "Good Friday" in page
    assert "covers, primary" in page
    assert "a wedding" in page
    assert "Nobody has it (secondary)" in page
    assert "/schedules/shop/override?slot=primary&amp;from=" in page
