"""Layers that are read from other calendars: which are due, and what a reading changes."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule import subscribed
from tocsin.oncall.core.schedule.importing import imported
from tocsin.oncall.core.schedule.moves import WITHIN, Span, moved, next_shifts
from tocsin.oncall.model import CalendarLayer, CalendarShifts, Schedule
from tocsin.oncall.ports import FetchedCalendar

AT_ONCE = 10
TOLD_MAX = 200


async def due_calendars(unit: Unit) -> list[CalendarLayer]:
    """Return the calendars to read now, ten at most; no other node reads them for five minutes."""
    unit.require("page:watch")
    wanted = list(_wanted(unit.config(Directory), unit.now))
    if not wanted:
        return []
    rows = await store.calendar_layers(unit.conn, {one.schedule_id for one in wanted})
    known = {(one.schedule_id, one.layer): one for one in rows}
    found = []
    for one in wanted:
        was = known.get((one.schedule_id, one.layer), one)
        if was.url == one.url and was.due_at > unit.now:
            continue
        claimed = replace(one, due_at=unit.now + subscribed.CLAIM)
        if await store.take_calendar(unit.conn, claimed, unit.now):
            found.append(replace(was, due_at=claimed.due_at) if was.url == one.url else claimed)
        if len(found) >= AT_ONCE:
            break
    return found


async def calendar_read(
    unit: Unit, layer: CalendarLayer, fetched: FetchedCalendar, found: CalendarShifts
) -> None:
    """Let a layer's shifts be what its calendar says from now on; whose shift moved is told."""
    unit.require("page:watch")
    directory = unit.config(Directory)
    schedule = directory.schedules.get(layer.schedule_id)
    if schedule is None or _sources(schedule).get(layer.layer) != layer.url:
        return  # it has become another one meanwhile
    now = unit.now.replace(microsecond=0)
    matched = imported(found.shifts, directory.people)
    present = await store.calendar_shift_at(unit.conn, layer, now)
    shifts = subscribed.as_shifts(matched.shifts, directory.people)
    before = await _next_shifts(unit, schedule)
    await store.replace_shifts(unit.conn, layer, subscribed.from_now(shifts, present, now), now)
    done = subscribed.well(layer, unit.now)
    await store.save_calendar(
        unit.conn,
        replace(
            done, expanded_at=unit.now, etag=fetched.etag, modified=fetched.modified,
            unknown=matched.unknown[:20], left_out=found.left_out[:20],
        ),
    )  # fmt: skip
    if layer.read_at is not None:
        await _tell(unit, schedule, before, await _next_shifts(unit, schedule))


async def calendar_unchanged(unit: Unit, layer: CalendarLayer) -> None:
    """Note that a calendar says what it said."""
    unit.require("page:watch")
    await store.save_calendar(unit.conn, subscribed.well(layer, unit.now))


async def calendar_failed(unit: Unit, layer: CalendarLayer, why: str) -> None:
    """Note that a calendar could not be read: what it said last stays."""
    unit.require("page:watch")
    await store.save_calendar(unit.conn, subscribed.failed(layer, why, unit.now))


def _wanted(directory: Directory, now: datetime) -> Iterator[CalendarLayer]:
    for key, schedule in directory.schedules.items():
        for layer, url in _sources(schedule).items():
            yield CalendarLayer(schedule_id=ScheduleId(key), layer=layer, url=url, due_at=now)


def _sources(schedule: Schedule) -> dict[str, str]:
    return {one.name: one.source for one in schedule.layers if one.source}


async def _next_shifts(unit: Unit, schedule: Schedule) -> dict[PersonId, Span]:
    agreed = await store.overrides(unit.conn, unit.now, unit.now + WITHIN, [schedule.id])
    known = replace(unit.config(Directory), overrides=agreed)
    return dict(next_shifts(known.timeline(schedule, unit.now), unit.now))


async def _tell(
    unit: Unit, schedule: Schedule, before: dict[PersonId, Span], after: dict[PersonId, Span]
) -> None:
    people = moved(before, after)[:TOLD_MAX]
    if not people:
        return
    unit.record(
        events.ShiftsMoved(
            schedule_id=schedule.id, schedule=schedule.name, people=people, why="calendar",
            starts=tuple(after[who].start_at if who in after else None for who in people),
        )
    )  # fmt: skip
