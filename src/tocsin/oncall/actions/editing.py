"""What an edit of the configuration does to schedules: versions that move no shift that is on."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from psycopg import AsyncConnection

from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.moving import note_moves
from tocsin.oncall.actions.subscribed import follow_calendars
from tocsin.oncall.actions.zones import by_people, keep_promises
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.moves import WITHIN, held
from tocsin.oncall.core.schedule.renumbering import turn_after
from tocsin.oncall.core.schedule.timelines import said_in
from tocsin.oncall.core.schedule.versions import Edit, succeed
from tocsin.oncall.model import Override, Timeline, Version

SWAPS_MAX = 10_000  # of one schedule, past ones too


async def complete(conn: AsyncConnection[Any], directory: Directory) -> Directory:
    """Add to compiled schedules the versions that decide before and beside them."""
    return replace(directory, versions=await store.versions(conn))


def _tell(
    unit: Unit, before: Timeline | None, after: Timeline | None, until: datetime, why: str
) -> None:
    """Record whose shifts are others until then; a schedule that is new or gone moves none."""
    if before is None or after is None:
        return
    with suppress(ValueError):  # broken: nobody is told wrong things
        was, is_now = (held(one, unit.now, until) for one in (before, after))
        note_moves(unit, after.schedule, was, is_now, why)


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
    before = replace(before, versions=known)
    until = max(at, unit.now) + WITHIN
    there, was_there = (
        {key for key, one in directory.people.items() if one.active}
        for directory in (after, before)
    )
    edited = []
    for key in {**before.schedules, **after.schedules}:
        old, new = before.schedules.get(key), after.schedules.get(key)
        if old == new and (old is None or (there ^ was_there).isdisjoint(old.people)):
            continue
        agreed = await store.overrides(unit.conn, unit.now, until, [key])
        was = _timeline(before, key, agreed, unit.now)
        if old == new:
            still = _timeline(replace(after, versions=known), key, agreed, unit.now)
            _tell(unit, was, still, until, "people")
            continue
        edit = Edit(
            before=old, after=new, at=at, there=there,
            exact=new is None or new.name in exact, said=said_in(agreed, key),
        )  # fmt: skip
        found = succeed(known.get(key, ()), edit)
        if found != known.get(key, ()):
            await store.save_versions(unit.conn, ScheduleId(key), found)
        is_moved = await _carry_swaps(unit, edit, known.get(key, ()), found)
        if await follow_calendars(unit, edit, found) or is_moved:
            agreed = await store.overrides(unit.conn, unit.now, until, [key])
        later = replace(after, versions={**known, key: found})
        _tell(unit, was, _timeline(later, key, agreed, unit.now), until, "edit")
        promised = _timeline(later, key, by_people(agreed), unit.now)
        edited += [promised] if promised else []
    await keep_promises(unit, edited)


async def _carry_swaps(
    unit: Unit, edit: Edit, known: Sequence[Version], found: Sequence[Version]
) -> bool:
    """Let swaps go on with the turns that they were made for; says whether any has other ones."""
    if edit.before is None or edit.after is None:
        return False
    is_moved = False
    key = edit.before.id
    for one in await store.swaps(unit.conn, schedule_ids=[key], limit=SWAPS_MAX):
        moved = one
        if one.schedule_id == key:
            layer, turn = turn_after(edit, known, found, one.layer, one.turn, one.created_at)
            moved = replace(moved, layer=layer, turn=turn)
        if one.back_schedule_id == key:
            layer, turn = turn_after(
                edit, known, found, one.back_layer, one.back_turn, one.created_at
            )
            moved = replace(moved, back_layer=layer, back_turn=turn)
        if moved != one:
            await store.renumber_swap(unit.conn, moved)
            is_moved = True
    return is_moved


def _timeline(
    directory: Directory, key: ScheduleId, agreed: tuple[Override, ...], now: datetime
) -> Timeline | None:
    schedule = directory.schedules.get(key)
    return replace(directory, overrides=agreed).timeline(schedule, now) if schedule else None
