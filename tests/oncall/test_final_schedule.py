"""The resolver over everything at once: total, half-open, monotone, and equal to brute force."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rota_world import ANA, BEN, CLEO, DAN, at, handoff, layer, names, schedule, sid, timeline

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.local_time import instant_s, local_s, use_tzdata_wheel_only
from tocsin.oncall.core.schedule import final, next_on_call, on_call, shift_at
from tocsin.oncall.core.schedule.layers import (
    _active_in,
    _is_active_turn,
    people_of,
    place_of,
    turn_now,
)
from tocsin.oncall.core.schedule.turns import seconds
from tocsin.oncall.model import (
    Advance,
    Layer,
    Override,
    OverrideKind,
    RotationUnit,
    TemporaryShift,
    Timeline,
    Window,
)

use_tzdata_wheel_only()

PEOPLE = (ANA, BEN, CLEO, DAN)
START = datetime(2026, 3, 23, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
WEEK = (0, 1, 2, 3, 4, 5, 6)

windows = st.builds(
    Window,
    st.lists(st.sampled_from(WEEK), min_size=1, max_size=7, unique=True).map(
        lambda days: tuple(sorted(days))
    ),
    st.integers(0, 47).map(lambda half: half * 30),
    st.integers(0, 47).map(lambda half: half * 30),
)
members = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3).map(
    lambda found: tuple((one,) for one in found)
)


@st.composite
def layers(draw: Any, name: str) -> Layer:
    return Layer(
        name=name,
        zone=draw(st.sampled_from(ZONES)),
        starts_at_local=draw(st.sampled_from(["2026-01-05T09:00", "2026-03-25T02:30"])),
        ends_at_local=draw(st.sampled_from([None, None, None, "2026-03-31T12:00"])),
        unit=draw(st.sampled_from(list(RotationUnit))),
        length=draw(st.integers(1, 5)),
        members=draw(members),
        windows=tuple(draw(st.lists(windows, max_size=2))),
        advance=draw(st.sampled_from(list(Advance))),
    )


@st.composite
def overrides(draw: Any, n: int) -> Override:
    begin = START + timedelta(minutes=draw(st.integers(-2000, 14 * 1440)))
    end = begin + timedelta(minutes=draw(st.integers(1, 4000)))
    others = (OverrideKind.SWAP, OverrideKind.CALENDAR)
    kind = draw(st.sampled_from([one for one in OverrideKind if one not in others]))
    shifts = (TemporaryShift(people=(DAN,), start_at=begin, end_at=begin + (end - begin) / 2),)
    return Override(
        id=UUID(int=n), kind=kind,
        schedule_id=None if kind is OverrideKind.LEAVE else sid("web"),
        person_id=draw(st.sampled_from(PEOPLE)),
        replaced_id=draw(st.sampled_from(PEOPLE)),
        start_at=begin.replace(microsecond=0), end_at=end.replace(microsecond=0),
        shifts=shifts if kind is OverrideKind.TEMPORARY else (), created_at=START,
    )  # fmt: skip


@st.composite
def timelines(draw: Any) -> Timeline:
    found = tuple(draw(layers(f"l{n}")) for n in range(draw(st.integers(1, 3))))
    agreed = tuple(draw(overrides(n)) for n in range(draw(st.integers(0, 3))))
    absent = frozenset(draw(st.lists(st.sampled_from(PEOPLE), max_size=1)))
    return timeline(*found, overrides=agreed, absent=absent)


def brute(found: Timeline, now: datetime) -> tuple[PersonId, ...]:
    """Who has it at one instant, the slow way: no sweep, no pieces, no windows table."""
    stack = [
        people
        for one in reversed(found.schedule.layers)
        if (people := by_layer(one, now)) is not None
    ]
    for one in found.overrides:
        if one.start_at <= now < one.end_at:
            stack = agreed(stack, one, now, found.absent)
    for people in stack:
        there = tuple(who for who in people if who not in found.absent)
        if there:
            return there
    return ()


def by_layer(one: Layer, now: datetime) -> tuple[PersonId, ...] | None:
    if now < handoff(one, 0):
        return None
    local = now.astimezone(ZoneInfo(one.zone)).replace(tzinfo=None)
    if one.ends_at_local and now >= instant(one, datetime.fromisoformat(one.ends_at_local)):
        return None
    if one.windows and not any(is_open(one, window, now, local) for window in one.windows):
        return None
    k = turn_now(one, seconds(now))
    assert k is not None
    return people_of(one, k)


def instant(one: Layer, local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo(one.zone)).astimezone(UTC)


def is_open(one: Layer, window: Window, now: datetime, local: datetime) -> bool:
    for days in (-2, -1, 0, 1):
        day = datetime.combine(local.date(), time()) + timedelta(days=days)
        if day.weekday() not in window.weekdays:
            continue
        begin = day + timedelta(minutes=window.from_min)
        end = day + timedelta(minutes=window.to_min)
        end += timedelta(days=1) if end <= begin else timedelta()
        if instant(one, begin) <= now < instant(one, end):
            return True
    return False


def agreed(
    stack: list[tuple[PersonId, ...]],
    one: Override,
    now: datetime,
    absent: frozenset[PersonId],
) -> list[tuple[PersonId, ...]]:
    match one.kind:
        case OverrideKind.COVER:
            return [(one.person_id,), *stack] if one.person_id else stack
        case OverrideKind.REMOVE | OverrideKind.LEAVE:
            return [tuple(w for w in people if w != one.person_id) for people in stack]
        case OverrideKind.TEMPORARY:
            return [s.people for s in one.shifts if s.start_at <= now < s.end_at]
        case _:
            seen = [
                n for n, people in enumerate(stack)
                if one.replaced_id in people or any(who not in absent for who in people)
            ]  # fmt: skip
            top = seen[0] if seen else None
            if top is None or one.replaced_id not in stack[top] or one.person_id is None:
                return stack
            new = [one.person_id if w == one.replaced_id else w for w in stack[top]]
            return [*stack[:top], tuple(dict.fromkeys(new)), *stack[top + 1 :]]


@settings(max_examples=60, deadline=None)
@given(timelines(), st.lists(st.integers(0, 14 * 86400 - 1), min_size=5, max_size=25))
def test_at_any_instant_it_is_who_brute_force_says(
    found: Timeline, offsets: Sequence[int]
) -> None:
    end = START + timedelta(days=14)
    plan = final(found, START, end)
    for offset_s in offsets:
        now = START + timedelta(seconds=offset_s)
        expected = brute(found, now)
        assert on_call(found, "primary", now) == expected
        told = [one.people for one in plan.shifts if one.start_at <= now < one.end_at]
        assert told == ([expected] if expected else [])


@settings(max_examples=50, deadline=None)
@given(timelines(), st.integers(0, 20 * 1440), st.integers(1, 20 * 1440))
def test_shifts_and_gaps_fill_every_moment_once_and_are_never_empty(
    found: Timeline, start_min: int, length_min: int
) -> None:
    start = START + timedelta(minutes=start_min)
    end = start + timedelta(minutes=length_min)
    plan = final(found, start, end)
    parts = [(max(one.start_at, start), min(one.end_at, end)) for one in plan.shifts]
    parts = sorted(parts + [(one.start_at, one.end_at) for one in plan.gaps])
    assert (parts[0][0], parts[-1][1]) == (start, end)
    assert all(begin < over for begin, over in parts)
    assert all(one[1] == other[0] for one, other in pairwise(parts))


@settings(max_examples=30, deadline=None)
@given(timelines(), st.integers(0, 14 * 86400))
def test_a_shift_is_the_same_however_long_a_stretch_is_asked_for(
    found: Timeline, offset_s: int
) -> None:
    now = START + timedelta(seconds=offset_s)
    alone = shift_at(found, "primary", now)
    plan = final(found, now - timedelta(days=3), now + timedelta(days=3))
    assert [one for one in plan.shifts if one.start_at <= now < one.end_at] == (
        [alone] if alone else []
    )
    after = next_on_call(found, "primary", now)
    assert after is None or (
        after.start_at > now and after.people != (alone.people if alone else ())
    )


@pytest.mark.parametrize("unit", [RotationUnit.DAY, RotationUnit.HOUR, RotationUnit.MONTH])
def test_handoffs_never_go_back_in_any_zone_there_is(unit: RotationUnit) -> None:
    for zone in sorted(available_timezones()):
        one = layer(ANA, BEN, zone=zone, unit=unit, starts_at_local="2011-12-20T02:30")
        count = {RotationUnit.HOUR: 280, RotationUnit.DAY: 200}.get(unit, 60)
        handoffs = [handoff(one, k) for k in range(count)]
        assert all(before <= after for before, after in pairwise(handoffs)), zone


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(available_timezones())), st.integers(0, 4_102_444_800))
def test_the_tables_agree_with_the_zoneinfo_twin(zone: str, moment: int) -> None:
    """`fold=0` is the same rule: the offset before a gap, the first of two."""
    epoch = datetime.fromisoformat("1970-01-01")
    there = datetime.fromtimestamp(moment, ZoneInfo(zone)).replace(tzinfo=None)
    assert local_s(zone, moment) == (there - epoch).total_seconds()
    wall = (epoch + timedelta(seconds=moment)).replace(tzinfo=ZoneInfo(zone))
    assert instant_s(zone, moment) == wall.timestamp()


def test_an_upper_layer_hides_the_lower_where_it_is_in_force() -> None:
    nights = Window(WEEK, 20 * 60, 8 * 60)
    found = timeline(layer(ANA, name="days"), layer(BEN, name="nights", windows=(nights,)))
    plan = final(found, at("2026-03-23T09:00"), at("2026-03-24T09:00"))
    assert [(names(one.people), f"{one.end_at:%d %H:%M}") for one in plan.shifts] == [
        ("ana", "23 19:00"), ("ben", "24 07:00"), ("ana", "24 08:00"), ("ana", "24 19:00"),
    ]  # fmt: skip


def test_the_sun_is_followed_over_zones_without_a_gap_all_year() -> None:
    """09:00 to 21:00 here and there, twelve hours apart: their clocks change on other days."""
    day = Window(WEEK, 9 * 60, 21 * 60)
    found = timeline(
        layer(CLEO, name="below"),
        layer(ANA, name="berlin", windows=(day,)),
        layer(BEN, name="los-angeles", zone="America/Los_Angeles", windows=(day,)),
    )
    plan = final(found, at("2026-01-06T00:00"), at("2027-01-06T00:00"))
    assert plan.gaps == ()
    assert {names(one.people) for one in plan.shifts} == {"ana", "ben", "cleo"}


def test_slots_are_filled_apart_and_a_group_has_its_turn_together() -> None:
    found = timeline(
        layer((ANA, BEN), CLEO, name="first"),
        layer(DAN, name="second", slot="secondary", starts_at_local="2026-03-24T09:00"),
    )
    found = Timeline(schedule=schedule(*found.schedule.layers, slots=("primary", "secondary")))
    plan = final(found, at("2026-03-23T00:00"), at("2026-03-25T00:00"))
    assert [names(one.people) for one in plan.of("primary").shifts] == [
        "ana+ben",
        "cleo",
        "ana+ben",
    ]
    assert [one.slot for one in plan.gaps] == ["secondary"]
    assert on_call(found, "secondary", at("2026-03-24T12:00")) == (DAN,)


def test_a_month_ends_on_its_last_day_and_the_31st_comes_back() -> None:
    one = layer(ANA, BEN, unit=RotationUnit.MONTH, starts_at_local="2026-01-31T09:00")
    assert [f"{handoff(one, k):%m-%d %H}" for k in range(5)] == [
        "01-31 08", "02-28 08", "03-31 07", "04-30 07", "05-31 07",
    ]  # fmt: skip


def test_hours_follow_the_clock_where_they_divide_the_day_and_else_elapse() -> None:
    eight = layer(ANA, unit=RotationUnit.HOUR, length=8, starts_at_local="2026-03-28T08:00")
    assert [f"{handoff(eight, k):%H}" for k in range(5)] == ["07", "15", "23", "06", "14"]
    seven = layer(ANA, unit=RotationUnit.HOUR, length=7, starts_at_local="2026-03-28T08:00")
    assert {handoff(seven, k + 1) - handoff(seven, k) for k in range(30)} == {
        timedelta(hours=7)
    }


@settings(max_examples=40, deadline=None)
@given(layers("grid"), st.integers(0, 3000))
def test_turns_in_which_a_layer_is_in_force_are_counted_by_weeks_as_one_by_one(
    one: Layer, k: int
) -> None:
    grid = replace(one, advance=Advance.ACTIVE, windows=one.windows or (Window((5,), 540, 60),))
    one_by_one = sum(_is_active_turn(grid, n) for n in range(k))
    assert place_of(grid, k) == one_by_one % len(grid.members)


def test_hours_that_have_been_counted_for_decades_are_counted_at_once() -> None:
    old = layer(
        ANA, BEN, CLEO, starts_at_local="1970-01-01T00:00", unit=RotationUnit.HOUR,
        advance=Advance.ACTIVE, windows=(Window((0, 1, 2, 3, 4), 540, 1020),),
    )  # fmt: skip
    _active_in.cache_clear()
    assert on_call(timeline(old), "primary", START + timedelta(hours=10))
    assert _active_in.cache_info().currsize <= 4  # and not one for each of 2,000 blocks
