"""Hours of the week: half-open, across midnight, by the wall clock of their zone."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tocsin.oncall.core import hours
from tocsin.oncall.model import Holidays, Hours

OFFICE = Hours(zone="Europe/Berlin", weekdays=(0, 1, 2, 3, 4), start=9 * 60, end=17 * 60)
BERLIN_DAYS = Holidays("DE", "BE")
WITH_HOLIDAYS = msgspec.structs.replace(OFFICE, holidays=BERLIN_DAYS)
NIGHT = Hours(zone="Europe/Berlin", start=22 * 60, end=7 * 60)
ALWAYS = Hours(zone="UTC", start=0, end=0)
windows = st.builds(
    Hours,
    zone=st.sampled_from(("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York")),
    weekdays=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
)
instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_office_hours_begin_with_their_minute_and_end_before_theirs() -> None:
    assert hours.is_within([OFFICE], at(2, 8))  # Monday 09:00 in Berlin
    assert not hours.is_within([OFFICE], at(2, 7, 59))
    assert hours.is_within([OFFICE], at(2, 15, 59))
    assert not hours.is_within([OFFICE], at(2, 16))
    assert not hours.is_within([OFFICE], at(1, 12))  # a Sunday


def test_on_friday_evening_the_next_office_hours_are_on_monday() -> None:
    assert hours.begins_at([OFFICE], at(6, 17)) == at(9, 8)


# Grafana #3261: windows that were kept in UTC moved by an hour when the clocks changed.
def test_windows_follow_the_clock_over_its_change() -> None:
    assert hours.begins_at([OFFICE], at(27, 17)) == at(30, 7)  # summer time since Sunday


def test_a_night_that_crosses_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    sunday = Hours(zone="UTC", weekdays=(6,), start=22 * 60, end=6 * 60)
    assert hours.is_within([sunday], at(2, 5))  # Monday morning
    assert not hours.is_within([sunday], at(1, 5))  # Sunday morning


def test_equal_ends_are_the_whole_day_and_never_end() -> None:
    assert hours.is_within([ALWAYS], at(2, 0))
    assert hours.ends_at([ALWAYS], at(2, 0)) is None


def test_windows_that_follow_each_other_end_with_the_last() -> None:
    evening = Hours(zone="Europe/Berlin", start=20 * 60, end=22 * 60)
    assert hours.ends_at([evening, NIGHT], at(2, 20)) == at(3, 6)
    assert hours.ends_at([NIGHT], at(2, 12)) == at(2, 12)


@given(st.lists(windows, min_size=1, max_size=3), instants)
def test_the_end_of_quiet_hours_is_outside_of_them_and_later(
    found: list[Hours], now: datetime
) -> None:
    free_at = hours.ends_at(found, now)
    if free_at is None:
        assert hours.is_within(found, now)
        return
    assert free_at >= now
    assert (free_at == now) == (not hours.is_within(found, now))
    if free_at < now + timedelta(days=7):
        assert not hours.is_within(found, free_at)


@given(st.lists(windows, min_size=1, max_size=3), instants)
def test_the_next_beginning_is_inside_and_nothing_before_it_is(
    found: list[Hours], now: datetime
) -> None:
    begins_at = hours.begins_at(found, now)
    assert begins_at is not None
    assert hours.is_within(found, begins_at)
    if begins_at > now:
        middle = now + (begins_at - now) / 2
        assert not hours.is_within(found, middle)


def test_no_window_begins_on_a_public_holiday_and_the_next_one_does() -> None:
    maundy_evening = at(2, 17, month=4)  # the Thursday before Easter 2026
    assert hours.begins_at([OFFICE], maundy_evening) == at(3, 7, month=4)
    tuesday = at(7, 7, month=4)
    assert hours.begins_at([WITH_HOLIDAYS], maundy_evening) == tuesday
    assert hours.holiday_between([WITH_HOLIDAYS], maundy_evening, tuesday) == "Good Friday"
    assert not hours.is_within([WITH_HOLIDAYS], at(6, 12, month=4))
    assert hours.edges([WITH_HOLIDAYS], at(3, 0, month=4), at(7, 12, month=4)) == {tuesday}
    # a holiday of another part of the country, and one that no window would have begun on
    assert hours.is_within([WITH_HOLIDAYS], at(4, 12, month=6))  # Corpus Christi: not in Berlin
    saturday = at(3, 16, month=10)  # German Unity Day, after the last window of the week
    assert hours.holiday_between([WITH_HOLIDAYS], saturday, at(5, 7, month=10)) == ""


def test_who_does_not_share_the_holiday_has_support_hours_on_it() -> None:
    london = Hours(zone="Europe/London", start=9 * 60, end=17 * 60, holidays=Holidays("GB"))
    unity = at(3, 12, month=10)
    assert hours.is_within([WITH_HOLIDAYS, london], unity)
    assert not hours.is_within([WITH_HOLIDAYS], unity)


def test_a_window_that_falls_on_holidays_week_after_week_is_found_all_the_same() -> None:
    fridays = msgspec.structs.replace(WITH_HOLIDAYS, weekdays=(4,))
    # 25 December 2026 and 1 January 2027 are Fridays
    assert hours.begins_at([fridays], at(24, 12, month=12)) == datetime(
        2027, 1, 8, 8, tzinfo=UTC
    )
    nowhere = [msgspec.structs.replace(WITH_HOLIDAYS, weekdays=())]
    assert hours.begins_at(nowhere, at(24, 12, month=12)) is None


@given(instants)
def test_support_hours_with_holidays_are_part_of_those_without(now: datetime) -> None:
    if hours.is_within([WITH_HOLIDAYS], now):
        assert hours.is_within([OFFICE], now)
    later, sooner = hours.begins_at([WITH_HOLIDAYS], now), hours.begins_at([OFFICE], now)
    assert later is not None
    assert sooner is not None
    assert later >= sooner
    assert bool(hours.holiday_between([WITH_HOLIDAYS], now, later)) is (later > sooner)
