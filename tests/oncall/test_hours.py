"""Hours of the week: half-open, across midnight, by the wall clock of their zone."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tocsin.oncall.core import hours
from tocsin.oncall.model import Hours

OFFICE = Hours(zone="Europe/Berlin", weekdays=(0, 1, 2, 3, 4), start=9 * 60, end=17 * 60)
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
