"""Rotations over DST, held against a twin that knows only `zoneinfo`."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rota_world import handoff, layer, on_call, shifts

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.local_time import (
    is_zone,
    parse_local,
    to_instant,
    use_tzdata_wheel_only,
)
from tocsin.oncall.model import Layer, RotationUnit, Shift

use_tzdata_wheel_only()

SPACE = UUID("00000000-0000-7000-8000-000000000000")
PEOPLE = tuple(PersonId(uuid5(SPACE, name)) for name in ("ana", "ben", "cy"))
ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")
)
DST_ZONES = (
    "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
    "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "America/Vancouver",
)  # fmt: skip
UNITS_H = {RotationUnit.HOUR: 1, RotationUnit.DAY: 24, RotationUnit.WEEK: 7 * 24}


def rotation(
    zone: str = "Europe/Berlin",
    start: str = "2026-01-05T09:00",
    unit: RotationUnit = RotationUnit.DAY,
    length: int = 1,
) -> Layer:
    return layer(*PEOPLE, zone=zone, starts_at_local=start, unit=unit, length=length)


def twin_handoff(rotation: Layer, k: int) -> datetime:
    """`fold=0` is the same rule in zoneinfo: offset before a gap, first of two.

    An hour that was skipped begins no later than the first that was not.
    """
    start, zone = datetime.fromisoformat(rotation.starts_at_local), ZoneInfo(rotation.zone)
    if rotation.unit is RotationUnit.MONTH:
        return twin_month(start, k * rotation.length).replace(tzinfo=zone).astimezone(UTC)
    step = timedelta(hours=rotation.length * UNITS_H[rotation.unit])
    if rotation.unit is RotationUnit.HOUR and 24 % rotation.length:
        return start.replace(tzinfo=zone).astimezone(UTC) + k * step
    local = start + k * step
    found = local.replace(tzinfo=zone).astimezone(UTC)
    if rotation.unit is RotationUnit.HOUR:
        while found.astimezone(zone).replace(tzinfo=None) != local:
            local += step
            found = min(found, local.replace(tzinfo=zone).astimezone(UTC))
            if (
                local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
                == local
            ):
                break
    return found


def twin_month(start: datetime, months: int) -> datetime:
    """The same day of a later month, or its last one."""
    first = start.replace(day=1)
    for _ in range(months):
        first = (first + timedelta(days=32)).replace(day=1)
    last = ((first + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day
    return first.replace(day=min(start.day, last))


rotations = st.builds(
    rotation,
    zone=st.sampled_from(DST_ZONES) | st.sampled_from(ZONES),
    start=st.integers(0, 22 * 365 * 1440).map(
        lambda minutes: (
            datetime.fromisoformat("2005-01-01") + timedelta(minutes=minutes)
        ).isoformat()
    ),
    unit=st.sampled_from(RotationUnit),
    length=st.integers(1, 3),
)


@given(rotations, st.integers(0, 300))
def test_every_handoff_is_that_of_the_zoneinfo_twin(rotation: Layer, k: int) -> None:
    assert handoff(rotation, k) == twin_handoff(rotation, k)
    assert handoff(rotation, k + 1) >= handoff(rotation, k)


@given(rotations, st.integers(0, 400 * 86400))
def test_the_shift_contains_the_instant_and_is_the_only_one(
    rotation: Layer, offset_s: int
) -> None:
    now = handoff(rotation, 0) + timedelta(seconds=offset_s)
    shift = on_call(rotation, now)
    assert shift is not None
    assert twin_handoff(rotation, shift.k) <= now < twin_handoff(rotation, shift.k + 1)
    assert shift.person_id == PEOPLE[shift.k % 3]
    assert (shift.start_at, shift.end_at) == (
        twin_handoff(rotation, shift.k),
        twin_handoff(rotation, shift.k + 1),
    )


@given(rotations, st.integers(0, 300 * 86400), st.integers(1, 60 * 86400))
def test_shifts_leave_no_gap_and_do_not_overlap(
    rotation: Layer, offset_s: int, length_s: int
) -> None:
    start = handoff(rotation, 0) + timedelta(seconds=offset_s)
    end = start + timedelta(seconds=length_s)
    found = shifts(rotation, start, end)
    assert found[0].start_at <= start < found[0].end_at
    assert found[-1].start_at < end <= found[-1].end_at
    for one, following in pairwise(found):
        assert one.end_at == following.start_at
    assert all(shift.start_at < shift.end_at for shift in found)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30"),  # skipped: becomes 03:30
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),  # twice: the first
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45"),  # half an hour
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00"),  # a day that never was
        ("America/Vancouver", "2026-11-15T09:00", "2026-11-15T16:00"),  # tzdata of 2026
    ],
)
def test_a_local_time_that_is_skipped_or_repeated_is_settled_by_rule(
    zone: str, local: str, instant: str
) -> None:
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert to_instant(zone, parse_local(local)) == expected


def test_a_daily_shift_is_an_hour_shorter_and_longer_at_dst() -> None:
    spring, autumn = (
        on_call(rotation(), datetime(2026, month, day, 1, tzinfo=UTC))
        for month, day in ((3, 29), (10, 25))
    )
    assert spring is not None
    assert autumn is not None
    assert spring.end_at - spring.start_at == timedelta(hours=23)
    assert autumn.end_at - autumn.start_at == timedelta(hours=25)


def test_the_day_that_apia_skipped_has_no_shift_but_its_turn_counts() -> None:
    apia = rotation("Pacific/Apia", "2011-12-28T09:00")
    days = shifts(apia, datetime(2011, 12, 28, tzinfo=UTC), datetime(2012, 1, 2, tzinfo=UTC))
    assert [shift.k for shift in days] == [0, 1, 3, 4, 5]
    assert [shift.person_id for shift in days[:3]] == [PEOPLE[0], PEOPLE[1], PEOPLE[0]]


def test_nobody_is_on_call_before_the_first_handoff() -> None:
    first = datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert on_call(rotation(), first - timedelta(seconds=1)) is None
    assert on_call(rotation(), first) == Shift(
        k=0, people=PEOPLE[:1], start_at=first, end_at=first + timedelta(days=1)
    )
    assert shifts(rotation(), first - timedelta(days=9), first) == ()
    assert shifts(rotation(), first - timedelta(days=9), first + timedelta(seconds=1))[0].k == 0


def test_a_rotation_without_people_has_no_shifts() -> None:
    empty = layer(zone="UTC", unit=RotationUnit.WEEK)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert on_call(empty, now) is None
    assert shifts(empty, now, now + timedelta(days=90)) == ()


@pytest.mark.parametrize("name", ["", "Europe/Atlantis", "../../etc/passwd", "UTC+3"])
def test_what_is_not_a_zone_is_refused(name: str) -> None:
    assert not is_zone(name)
    with pytest.raises(ValueError, match=r".?"):
        on_call(rotation(zone=name), datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "2026-01-05", "2026-01-05T09:00+01:00", "soon"])
def test_a_start_that_is_no_plain_local_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".?"):
        parse_local(text)
