"""What stands beside and behind schedules: layers, overrides, swaps, holidays, and trouble."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule import next_on_call
from tocsin.oncall.core.schedule.final import layer_pieces, slots
from tocsin.oncall.core.schedule.holidays import between
from tocsin.oncall.core.schedule.report import Finding, findings
from tocsin.oncall.core.schedule.subscribed import is_old, source_of
from tocsin.oncall.core.schedule.timelines import said_in
from tocsin.oncall.core.schedule.turns import instant
from tocsin.oncall.model import (
    CalendarLayer,
    Feed,
    Override,
    Schedule,
    Shift,
    Swap,
    TemporaryShift,
)
from tocsin.oncall.reads.contacts import reachability
from tocsin.oncall.reads.schedules import AROUND, Ahead, directory, timeline_of

LISTED_MAX = 500
COVERED_AHEAD = timedelta(days=90)
GONE = timedelta(days=2)
"""So long after a reading was due nobody follows the calendar any more, or nothing runs at all."""


class LayerRow(Struct, frozen=True, kw_only=True):
    """What one layer says by itself, whatever hides it; its shifts uncut."""

    name: str
    slot: str
    zone: str
    shifts: tuple[Shift, ...]


async def layers_of(
    unit: Unit, found: Schedule, start: datetime, end: datetime, ahead: Ahead = ()
) -> list[LayerRow]:
    """Return the layers of a schedule in [start, end), the lowest first."""
    unit.require("oncall:read")
    timeline = await timeline_of(unit, found, start, end, ahead)
    zones = {one.name: one.zone for one in found.layers}
    return [
        LayerRow(
            name=name,
            slot=slot,
            zone=zones.get(name, found.zone),
            shifts=tuple(
                Shift(people=one.people, start_at=instant(one.start_s), slot=slot,
                      end_at=instant(one.end_s), layer=one.layer, k=one.k)
                for one in pieces
            ),
        )
        for slot in slots(timeline)
        for name, pieces in layer_pieces(timeline, slot, start, end).items()
    ]  # fmt: skip


async def overrides_of(
    unit: Unit, found: Schedule | None = None, since: datetime | None = None
) -> list[Override]:
    """Return what was agreed for a schedule or for all, and is not over at `since`; newest first."""
    unit.require("oncall:read")
    ids = [found.id] if found else None
    return await store.overrides_listed(unit.conn, since or unit.now, ids, LISTED_MAX)


async def swaps_of(
    unit: Unit,
    found: Schedule | None = None,
    person_id: UUID | None = None,
    states: Sequence[str] = ("requested", "accepted"),
) -> list[Swap]:
    """Return the swaps of a schedule, of a person, or all; newest first."""
    unit.require("oncall:read")
    ids = [found.id] if found else None
    return await store.swaps(unit.conn, schedule_ids=ids, person_id=person_id, states=states)


async def holidays_of(
    unit: Unit, found: Schedule, start: datetime, end: datetime
) -> list[tuple[date, str]]:
    """Return the public holidays of a schedule's calendar in [start, end), by its own clocks."""
    unit.require("oncall:read")
    if found.holidays is None:
        return []
    zone = ZoneInfo(found.zone)
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    return between(found.holidays, first, last + timedelta(days=1))


async def next_of(unit: Unit, found: Schedule, slot: str) -> Shift | None:
    """Return the next shift of others than have a slot now."""
    unit.require("oncall:read")
    timeline = await timeline_of(unit, found, unit.now, unit.now + timedelta(days=366))
    return next_on_call(timeline, slot, unit.now)


async def coverage(
    unit: Unit, found: Schedule | None = None, ahead: timedelta = COVERED_AHEAD
) -> list[Finding]:
    """Return what is wrong with a schedule or with all in the days to come; soonest first."""
    unit.require("oncall:read")
    known = await directory(unit, unit.now, unit.now + ahead)
    everything = known.timelines(unit.now)
    chosen = [everything[found.id]] if found else list(everything.values())
    known_by = await reachability(unit)
    unreachable = {one: by.why_not for one, by in known_by.items() if not by.is_reachable}
    calendars = await calendars_of(unit, found)
    return findings(chosen, unreachable, unit.now, unit.now + ahead, calendars)


async def calendars_of(unit: Unit, found: Schedule | None = None) -> list[CalendarLayer]:
    """Return how the calendars were read that layers of a schedule, or of all, follow."""
    unit.require("oncall:read")
    known = unit.config(Directory).schedules
    chosen = [found] if found else list(known.values())
    follows = {(one.id, layer.name) for one in chosen for layer in one.layers if layer.source}
    if not follows:
        return []
    rows = await store.calendar_layers(unit.conn, {key for key, _ in follows})
    return [one for one in rows if (one.schedule_id, one.layer) in follows]


async def calendars_said(
    unit: Unit, found: Schedule, start: datetime, end: datetime
) -> dict[str, tuple[TemporaryShift, ...]]:
    """Return the shifts of the calendars that a schedule follows, by `source`, as read last.

    One that was never read is not there: who has it is not known.
    """
    unit.require("oncall:read")
    read = [one for one in await calendars_of(unit, found) if one.read_at is not None]
    if not read:
        return {}
    agreed = await store.overrides(unit.conn, start - AROUND, end + AROUND, [found.id])
    said = said_in(agreed, found.id)
    return {source_of(one.url): said.get(one.layer, ()) for one in read}


async def old_calendars(
    conn: AsyncConnection[Any], now: datetime
) -> tuple[int, list[CalendarLayer]]:
    """Return how many calendars are followed, and those that were not read for a day."""
    rows = [one for one in await store.calendar_layers(conn) if one.due_at >= now - GONE]
    return len(rows), [one for one in rows if is_old(one, now)]


async def feeds(unit: Unit) -> list[Feed]:
    """Return the calendars that the asker has made for programs, newest first."""
    unit.require("oncall:read")
    return await store.feeds_of(unit.conn, unit.actor.person_id) if unit.actor.person_id else []
