"""What an edit of the configuration does to schedules: versions that move no shift that is on."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from psycopg import AsyncConnection

from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.subscribed import follow_calendars
from tocsin.oncall.actions.zones import keep_promises
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.moves import WITHIN, moved, next_shifts
from tocsin.oncall.core.schedule.timelines import said_in
from tocsin.oncall.core.schedule.versions import Edit, succeed
from tocsin.oncall.model import Override, Version

TOLD_MAX = 200  # whose shift one edit may move, and who are told


async def complete(conn: AsyncConnection[Any], directory: Directory) -> Directory:
    """Add to compiled schedules the versions that decide before and beside them."""
    return replace(directory, versions=await store.versions(conn))


def _with(
    after: Directory,
    known: Mapping[ScheduleId, Sequence[Version]],
    key: ScheduleId,
    found: Sequence[Version],
) -> Directory:
    return replace(after, versions={**known, key: found})


async def _tell(
    unit: Unit,
    before: Directory,
    after: Directory,
    key: ScheduleId,
    agreed: tuple[Sequence[Override], Sequence[Override]],
) -> None:
    """Record whose next shift an edit has moved; `agreed` is what stood beside it, and does now."""
    old, new = before.schedules.get(key), after.schedules.get(key)
    if old is None or new is None:
        return
    spans = [
        next_shifts(replace(one, overrides=beside).timeline(schedule, unit.now), unit.now)
        for one, schedule, beside in ((before, old, agreed[0]), (after, new, agreed[1]))
    ]
    people = [who for who in moved(*spans) if who in after.people][:TOLD_MAX]
    if people:
        unit.record(
            events.ShiftsMoved(
                schedule_id=key,
                schedule=new.name,
                people=tuple(people),
                why="edit",
                starts=tuple(
                    spans[1][who].start_at if who in spans[1] else None for who in people
                ),
            )
        )


async def keep_versions(
    unit: Unit,
    before: Directory,
    after: Directory,
    at: datetime,
    exact: Collection[str],
) -> None:
    """Let the schedules that were edited go on where they were: `exact`, by name, at `at` itself."""
    unit.require("resource:apply")
    known = await store.versions(unit.conn)
    there = {key for key, one in after.people.items() if one.active}
    edited = []
    for key in {**before.schedules, **after.schedules}:
        old, new = before.schedules.get(key), after.schedules.get(key)
        if old == new:
            continue
        name = new.name if new else ""
        agreed = await store.overrides(unit.conn, unit.now, max(at, unit.now) + WITHIN, [key])
        edit = Edit(
            before=old, after=new, at=at, there=there, exact=new is None or name in exact,
            said=said_in(agreed, key),
        )  # fmt: skip
        was = known.get(key, ())
        found = succeed(was, edit)
        if found != was:
            await store.save_versions(unit.conn, ScheduleId(key), found)
        later = _with(after, known, key, found)
        is_moved = await follow_calendars(unit, edit, found)
        beside = agreed
        if is_moved:
            beside = await store.overrides(unit.conn, unit.now, unit.now + WITHIN, [key])
        await _tell(unit, replace(before, versions=known), later, key, (agreed, beside))
        if new is not None:
            edited.append(later.timeline(new, unit.now))
    await keep_promises(unit, edited)
