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
from tocsin.oncall.core.coverage import Plan, plan
from tocsin.oncall.core.rotation import on_call, shifts
from tocsin.oncall.model import Rotation, RotationUnit
from tocsin.web.pages import oncall_views as views

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 23)
WEEKLY = Rotation(
    id=ScheduleId(uuid7()), name="primary", zone="Europe/Berlin",
    starts_at_local="2026-01-05T09:00", unit=RotationUnit.WEEK, people=(MAYA, JONAS),
)  # fmt: skip

TODAY_TOO = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: today}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-03-27T09:00", every: day, people: [jonas, maya]}
"""


def drawn(start_on: date = MONDAY, zone: str = "Europe/Berlin") -> views.CalendarView:
    found: Plan = plan(WEEKLY, *views.stretch(zone, start_on))
    return views.calendar(
        [(found, zone)], DIRECTORY, start_on=start_on, now=NOON, me=WEEKLY.people[0]
    )


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
    assert (found.before_on, found.after_on) == (date(2026, 3, 16), date(2026, 3, 30))
    assert found.is_present


def test_another_week_has_no_now_and_another_zone_other_columns() -> None:
    assert drawn(date(2026, 6, 1)).rows[0].now is None
    assert not drawn(date(2026, 3, 16)).is_present
    tokyo = drawn(zone="Asia/Tokyo").rows[0]
    assert tokyo.offset == "UTC+9"
    assert [bar.last for bar in tokyo.bars][:1] == [1 + 2 * 17]  # 09:00 in Berlin is 17:00


def test_columns_follow_the_wall_clock_over_a_change_of_clocks() -> None:
    # 2026-03-29 has 23 hours in Berlin
    before = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    after = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert views.column(before, BERLIN, MONDAY) == 6 * 48 + 3 + 1
    assert views.column(after, BERLIN, MONDAY) == 6 * 48 + 6 + 1
    start, end = views.stretch("Europe/Berlin", MONDAY)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(days=14, hours=-1)


def test_before_the_first_turn_is_a_gap_that_is_counted() -> None:
    found = drawn(date(2025, 12, 29))
    assert found.gap_count == 1
    assert found.rows[0].bars[0].person is None


def test_turns_of_one_person_in_a_row_are_one_bar() -> None:
    alone = replace(WEEKLY, people=WEEKLY.people[:1])
    found = shifts(alone, NOON, NOON + timedelta(days=30))
    [one] = views.joined(found)
    assert (one.start_at, one.end_at) == (found[0].start_at, found[-1].end_at)


def test_a_card_says_who_until_when_and_who_is_next() -> None:
    coming = shifts(WEEKLY, NOON, NOON + timedelta(days=28))[1:]
    one = views.duty(
        WEEKLY, on_call(WEEKLY, NOON), coming, DIRECTORY, covered=0.988, zone="Europe/Berlin"
    )
    assert one.person != one.then
    assert one.until == datetime(2026, 3, 30, 9, tzinfo=BERLIN)
    assert (one.covered, one.is_covered) == ("98.8 %", False)
    later = views.duty(WEEKLY, None, coming, DIRECTORY, covered=1, zone="UTC")
    assert (later.person, later.until) == (None, coming[0].start_at)
    nobody = views.duty(WEEKLY, None, (), DIRECTORY, covered=0, zone="UTC")
    assert (nobody.until, nobody.then) == (None, None)


@pytest.mark.parametrize(
    ("zone", "said"),
    [("UTC", "UTC"), ("Asia/Kolkata", "UTC+5:30"), ("America/St_Johns", "UTC-2:30")],
)
def test_clocks_are_told_by_their_distance_from_utc(zone: str, said: str) -> None:
    assert views.offset(NOON.astimezone(ZoneInfo(zone))) == said


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
        for wrong in ("from=x", "from=0001-01-01", "from=2026-02-30", "clock=theirs"):
            assert (await client.get(f"/oncall?{wrong}")).status_code == 422


@pytest.mark.db
async def test_who_has_two_schedules_is_on_call_until_the_later_ends(acme: World) -> None:
    await acme.apply(TODAY_TOO)
    async with browser(acme, Role.VIEWER, await person(acme, "jonas")) as client:
        page = (await client.get("/oncall")).text
    [card] = re.findall(r"data-mine><small>You, .*?</section>", page)
    assert "Mon 30 Mar" in card
    assert "today, primary</small>" in card
