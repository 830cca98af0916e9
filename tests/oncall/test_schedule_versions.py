"""Edits of a schedule move neither history nor the shift that is on; the order goes on after it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rota_world import ANA, BEN, CLEO, DAN, at, layer, names, schedule, timeline

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.local_time import use_tzdata_wheel_only
from tocsin.oncall.core.schedule import final, shift_at
from tocsin.oncall.core.schedule.versions import Edit, succeed
from tocsin.oncall.model import RotationUnit, Schedule, Timeline, Version, Window

use_tzdata_wheel_only()

PEOPLE = (ANA, BEN, CLEO, DAN)
WEEK = RotationUnit.WEEK
WEDNESDAY = at("2026-03-25T12:00")
HISTORY = at("2026-02-01T00:00")


def weekly(*people: Any, **fields: Any) -> Schedule:
    """Turns of a week, from Monday 2026-01-05 09:00 in Berlin."""
    return schedule(layer(*people, unit=WEEK, **fields))


def edited(
    before: Schedule,
    after: Schedule,
    now: datetime = WEDNESDAY,
    *,
    versions: Sequence[Version] = (),
    exact: bool = False,
    there: Any = PEOPLE,
) -> Timeline:
    edit = Edit(before=before, after=after, at=now, exact=exact, there=there)
    return Timeline(schedule=after, versions=succeed(versions, edit))


def turns(found: Timeline, start: datetime = WEDNESDAY, weeks: int = 5) -> list[str]:
    plan = final(found, start, start + timedelta(weeks=weeks - 1))
    return [names(one.people) for one in plan.shifts]


def test_who_is_added_is_not_on_call_at_once_and_who_is_on_call_stays() -> None:
    # GoAlert #2196, PagerDuty TF #215, #560, #585, #1083: an edit reset the rotation; somebody new was
    # on call that instant
    before = weekly(ANA, BEN, CLEO)
    assert turns(timeline(*before.layers)) == ["cleo", "ana", "ben", "cleo", "ana"]
    for after in (weekly(DAN, ANA, BEN, CLEO), weekly(ANA, DAN, BEN, CLEO)):
        assert turns(edited(before, after))[0] == "cleo"
    assert turns(edited(before, weekly(ANA, BEN, CLEO, DAN))) == [
        "cleo", "dan", "ana", "ben", "cleo",
    ]  # fmt: skip


def test_who_is_removed_finishes_their_shift_and_the_next_is_who_was_next() -> None:
    before = weekly(ANA, BEN, CLEO)
    assert turns(edited(before, weekly(ANA, BEN))) == ["cleo", "ana", "ben", "ana", "ben"]
    assert turns(edited(before, weekly(BEN, DAN, ANA))) == ["cleo", "ana", "ben", "dan", "ana"]


def test_of_who_has_left_no_shift_is_kept() -> None:
    found = edited(weekly(ANA, BEN, CLEO), weekly(ANA, BEN), there=(ANA, BEN))
    assert names(shift_at(found, "primary", WEDNESDAY).people) == "ben"  # type: ignore[union-attr]
    assert (
        names(
            shift_at(found, "primary", WEDNESDAY - timedelta(days=1)).people  # type: ignore[union-attr]
        )
        == "cleo"
    )
    assert turns(found)[:2] == ["ben", "ana"]


def test_another_time_of_handoff_leaves_no_gap_and_no_overlap() -> None:
    before = weekly(ANA, BEN, CLEO)
    after = weekly(ANA, BEN, CLEO, starts_at_local="2026-01-05T14:00")
    plan = final(edited(before, after), WEDNESDAY, WEDNESDAY + timedelta(weeks=3))
    assert plan.gaps == ()
    assert [f"{names(one.people)} {one.start_at:%d %H}" for one in plan.shifts] == [
        "cleo 23 08", "ana 30 12", "ben 06 12", "cleo 13 12",
    ]  # fmt: skip


def test_weeks_become_days_when_the_week_is_over() -> None:
    before = weekly(ANA, BEN, CLEO)
    after = schedule(layer(ANA, BEN, CLEO))
    plan = final(edited(before, after), WEDNESDAY, at("2026-04-02T00:00"))
    assert [f"{names(one.people)} {one.start_at:%d}" for one in plan.shifts] == [
        "cleo 23", "ana 30", "ben 31", "cleo 01",
    ]  # fmt: skip


def test_a_rotation_that_begins_later_waits_for_that_and_then_begins_with_its_first() -> None:
    before = weekly(ANA, BEN, CLEO)
    after = weekly(DAN, ANA, starts_at_local="2026-04-13T09:00")
    assert turns(edited(before, after)) == ["cleo", "ana", "ben", "dan", "ana"]


def test_an_instant_that_is_named_counts_in_the_middle_of_a_shift() -> None:
    found = edited(weekly(ANA, BEN, CLEO), weekly(DAN, ANA, BEN), exact=True)
    shift = shift_at(found, "primary", WEDNESDAY)
    assert shift is not None
    assert (names(shift.people), shift.start_at) == ("dan", WEDNESDAY)
    assert turns(found, WEDNESDAY)[1] == "ana"
    monday = at("2026-03-30T07:00")
    found = edited(weekly(ANA, BEN, CLEO), weekly(ANA, BEN, CLEO, DAN), monday, exact=True)
    assert turns(found, monday)[:2] == ["dan", "ana"]  # Cleo's turn has just ended


def test_a_new_layer_takes_nobodys_shift_away_that_is_on() -> None:
    nights = (Window((0, 1, 2, 3, 4, 5, 6), 20 * 60, 8 * 60),)
    before = schedule(layer(ANA, BEN, name="days"))
    after = schedule(layer(ANA, BEN, name="days"), layer(CLEO, name="nights", windows=nights))
    found = edited(before, after, at("2026-03-25T20:00"))
    now = shift_at(found, "primary", at("2026-03-25T20:00"))
    assert now is not None
    assert (names(now.people), now.end_at) == ("ben", at("2026-03-26T08:00"))
    assert names(shift_at(found, "primary", at("2026-03-26T20:00")).people) == "cleo"  # type: ignore[union-attr]


def test_what_is_taken_back_before_it_began_has_never_been() -> None:
    before = weekly(ANA, BEN, CLEO)
    first = edited(before, weekly(DAN, BEN, CLEO))
    back = edited(first.schedule, before, versions=first.versions)
    assert turns(back) == turns(timeline(*before.layers))


def test_a_deleted_schedule_has_a_past_and_one_of_its_name_goes_on_after_it() -> None:
    before = weekly(ANA, BEN, CLEO)
    edit = Edit(before=before, after=None, at=WEDNESDAY, exact=True, there=PEOPLE)
    gone = succeed((), edit)
    later = WEDNESDAY + timedelta(days=1)
    back = succeed(
        gone, Edit(before=None, after=weekly(DAN), at=later, exact=False, there=PEOPLE)
    )
    found = Timeline(schedule=weekly(DAN), versions=back)
    assert turns(found, HISTORY, 2) == turns(timeline(*before.layers), HISTORY, 2)
    assert shift_at(found, "primary", WEDNESDAY + timedelta(hours=1)) is None
    assert names(shift_at(found, "primary", later).people) == "dan"  # type: ignore[union-attr]


people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True)


@st.composite
def schedules(draw: Any) -> Schedule:
    unit = draw(st.sampled_from([RotationUnit.DAY, WEEK]))
    found = [
        layer(
            *draw(people),
            name=name,
            unit=unit,
            zone=draw(st.sampled_from(["UTC", "Asia/Tokyo"])),
        )
        for name in draw(st.sampled_from([("a",), ("a", "b"), ("b", "a")]))
    ]
    if len(found) > 1:
        hours = (Window(draw(st.sampled_from([(0, 1, 2), (5, 6)])), 9 * 60, 17 * 60),)
        found[1] = replace(found[1], windows=hours)
    return schedule(*found)


@settings(max_examples=60, deadline=None)
@given(
    schedules(), st.lists(st.tuples(schedules(), st.integers(1, 200)), min_size=1, max_size=4)
)
def test_no_chain_of_edits_moves_the_past_or_the_shift_that_is_on(
    first: Schedule, edits: list[tuple[Schedule, int]]
) -> None:
    found, now = Timeline(schedule=first), WEDNESDAY
    for after, hours in edits:
        before, now = found, now + timedelta(hours=hours)
        found = edited(before.schedule, after, now, versions=before.versions)
        present = shift_at(before, "primary", now)
        end = present.end_at if present else now
        assert seen(found, HISTORY, end) == seen(before, HISTORY, end)


def seen(found: Timeline, start: datetime, end: datetime) -> list[tuple[Any, ...]]:
    plan = final(found, start, end)
    parts: list[list[Any]] = []
    for one in plan.shifts:
        begin, over = max(one.start_at, start), min(one.end_at, end)
        if parts and parts[-1][0] == one.people and parts[-1][2] == begin:
            parts[-1][2] = over
        else:
            parts.append([one.people, begin, over])
    return [tuple(one) for one in parts]


@settings(max_examples=60, deadline=None)
@given(people, people)
def test_after_an_edit_everybody_has_their_turn_in_the_order_that_is_written(
    before: list[PersonId], after: list[PersonId]
) -> None:
    found = edited(weekly(*before), weekly(*after))
    following = turns(found, at("2026-03-30T08:00"), len(after) * 2)
    order = [names((one,)) for one in after]
    first = order.index(following[0])
    assert following[: len(order)] == order[first:] + order[:first]
