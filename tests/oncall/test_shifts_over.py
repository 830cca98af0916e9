"""Shifts follow the version of a schedule that is in force then, and the present one before."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.kernel.ids import PersonId, ScheduleId, uuid7
from tocsin.oncall.core.coverage import plan, shifts_over
from tocsin.oncall.core.rotation import on_call
from tocsin.oncall.model import Rotation, RotationUnit

START = datetime(2026, 3, 23, tzinfo=UTC)
PEOPLE = [PersonId(uuid7()) for _ in range(3)]
KEY = ScheduleId(uuid7())
rotations = st.builds(
    Rotation,
    id=st.just(KEY), name=st.just("primary"),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    starts_at_local=st.sampled_from(["2026-01-05T09:00", "2026-03-25T17:30"]),
    unit=st.sampled_from(list(RotationUnit)),
    people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3).map(tuple),
)  # fmt: skip
laters = st.lists(
    st.tuples(st.integers(1, 14 * 24 - 1), st.one_of(rotations, st.none())),
    max_size=3, unique_by=lambda one: one[0],
).map(lambda found: [(START + timedelta(hours=at), one) for at, one in sorted(found, key=lambda x: x[0])])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(now=rotations, later=laters)
def test_at_each_hour_it_is_who_the_version_in_force_then_says(
    now: Rotation, later: list[tuple[datetime, Rotation | None]]
) -> None:
    end = START + timedelta(days=14)
    versions = [(START, now), *later]
    found = shifts_over(versions, START, end)
    assert all(one.start_at < one.end_at for one in found)
    assert all(a.end_at <= b.start_at for a, b in pairwise(found))
    for hours in range(14 * 24):
        at = START + timedelta(hours=hours)
        valid = [one for since, one in versions if since <= at][-1]
        shift = on_call(valid, at) if valid else None
        told = [one.person_id for one in found if one.start_at <= at < one.end_at]
        assert told == ([shift.person_id] if shift else [])


@given(now=rotations)
def test_a_version_that_changes_nothing_cuts_nothing(now: Rotation) -> None:
    end = START + timedelta(days=14)
    same = [(START + timedelta(days=3), now)]
    assert plan(now, START, end, same) == plan(now, START, end)
