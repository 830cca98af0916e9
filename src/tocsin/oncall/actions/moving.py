"""Whose shifts a change has moved is recorded, whatever changed them; they are told of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from msgspec.structs import replace

from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.moves import WITHIN, Held, held, moves
from tocsin.oncall.model import Schedule

TOLD_MAX = 200  # people whose shifts one change moves in one schedule


def note_moves(unit: Unit, schedule: Schedule, before: Held, after: Held, why: str) -> None:
    """Record who has a schedule when they had not, or no more; `why` is a word of ShiftsMoved."""
    unit.require("oncall:read")
    found = moves(before, after)[:TOLD_MAX]
    if found:
        unit.record(
            events.ShiftsMoved(
                schedule_id=schedule.id,
                schedule=schedule.name,
                people=tuple(one.person_id for one in found),
                slots=tuple(one.slot for one in found),
                starts=tuple(one.start_at for one in found),
                ends=tuple(one.end_at for one in found),
                gained=tuple(one.gained for one in found),
                why=why,
            )
        )


@asynccontextmanager
async def noting(
    unit: Unit, keys: Sequence[ScheduleId], start: datetime, end: datetime, why: str
) -> AsyncIterator[None]:
    """Note what is moved in [start, end) of some schedules by what is agreed in the meantime.

    Looks at 90 days of it: whoever is told of the first change looks at the rest.
    """
    unit.require("oncall:read")
    start = max(start, unit.now)
    end = min(end, start + WITHIN)
    before = await _held(unit, keys, start, end)
    yield
    after = await _held(unit, keys, start, end)
    schedules = unit.config(Directory).schedules
    for key, was in before.items():
        note_moves(unit, schedules[key], was, after[key], why)


async def _held(
    unit: Unit, keys: Sequence[ScheduleId], start: datetime, end: datetime
) -> dict[ScheduleId, Held]:
    agreed = await store.overrides(unit.conn, start, end, keys)
    directory = replace(unit.config(Directory), overrides=agreed)
    found: dict[ScheduleId, Held] = {}
    timelines = directory.timelines(unit.now)
    for key in keys if start < end else ():
        with suppress(ValueError, KeyError):  # broken or gone: nobody is told wrong things
            found[key] = held(timelines[key], start, end)
    return found
