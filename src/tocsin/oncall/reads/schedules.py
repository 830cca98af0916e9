"""Schedules over time, as the pager itself sees them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule import final, shift_at
from tocsin.oncall.core.schedule.versions import Edit, succeed
from tocsin.oncall.model import Plan, Schedule, Shift, Timeline, Version

Ahead = Sequence[tuple[datetime, Directory]]  # from when, soonest first
STRETCH_MAX = timedelta(days=366)
AROUND = timedelta(days=32)
"""How far around a stretch shifts are looked at, so that they are shown as a whole."""


class SlotNow(Struct, frozen=True, kw_only=True):
    """One slot of a schedule, and who has it; None: nobody."""

    schedule: Schedule
    slot: str
    shift: Shift | None

    @property
    def name(self) -> str:
        """Name the slot for people: by its schedule alone where that has no other."""
        many = len(self.schedule.slots) > 1
        return f"{self.schedule.name}, {self.slot}" if many else self.schedule.name


async def directory(
    unit: Unit, start: datetime | None = None, end: datetime | None = None
) -> Directory:
    """Return the directory with what was agreed for [start, end): else from now on for a month."""
    unit.require("oncall:read")
    known = unit.config(Directory)
    if not known.schedules:
        return known
    begin, over = start or unit.now, end or unit.now
    agreed = await store.overrides(unit.conn, begin - AROUND, over + AROUND)
    return replace(known, overrides=agreed) if agreed else known


async def schedule(unit: Unit, name: str) -> Schedule:
    """Return the schedule of this name. Raises NotFound."""
    unit.require("oncall:read")
    for found in unit.config(Directory).schedules.values():
        if found.name == name:
            return found
    raise NotFound(f"no schedule {name!r}; GET /oncall/schedules lists them")


async def on_call_now(unit: Unit) -> list[SlotNow]:
    """Return every slot of every schedule with its shift at this instant."""
    unit.require("oncall:read")
    known = await directory(unit)
    return [
        SlotNow(schedule=one.schedule, slot=slot, shift=shift_at(one, slot, unit.now))
        for one in known.timelines(unit.now).values()
        for slot in one.schedule.slots
    ]


async def timeline_of(
    unit: Unit, found: Schedule, start: datetime, end: datetime, ahead: Ahead = ()
) -> Timeline:
    """Return all that decides who has a schedule in [start, end).

    `ahead` is what comes into force later, and decides from then on.
    """
    unit.require("oncall:read")
    known = unit.config(Directory)
    agreed = await store.overrides(unit.conn, start - AROUND, end + AROUND, [found.id])
    known = replace(known, overrides=agreed, schedules={found.id: found, **known.schedules})
    return _with_later(known.timeline(found, unit.now), ahead)


async def plan_of(
    unit: Unit, found: Schedule, start: datetime, end: datetime, ahead: Ahead = ()
) -> Plan:
    """Return a schedule's shifts and gaps in [start, end), as it will be. Raises Invalid."""
    unit.require("oncall:read")
    if not start < end:
        raise Invalid("`to` comes after `from`", field="to")
    if end - start > STRETCH_MAX:
        raise Invalid(f"ask for {STRETCH_MAX.days} days at most", field="to")
    return final(await timeline_of(unit, found, start, end, ahead), start, end)


async def shifts_of(
    unit: Unit, person_id: UUID, start: datetime, end: datetime, ahead: Ahead = ()
) -> list[tuple[Schedule, Shift]]:
    """Return a person's shifts that touch [start, end) in all schedules, soonest first."""
    unit.require("oncall:read")
    known = await directory(unit, start, end)
    timelines = list(known.timelines(unit.now).values())
    later = {key: one for _, other in ahead for key, one in other.schedules.items()}
    timelines += [_not_yet(one) for key, one in later.items() if key not in known.schedules]
    found = [
        (one.schedule, shift)
        for one in timelines
        for shift in final(_with_later(one, ahead), start, end).shifts
        if person_id in shift.people
    ]
    return sorted(found, key=lambda pair: (pair[1].start_at, pair[0].name))


def _not_yet(schedule: Schedule) -> Timeline:
    nobody = (Version(slot=slot, since=None, layers=()) for slot in schedule.slots)
    return Timeline(schedule=schedule, versions=tuple(nobody))


def _with_later(timeline: Timeline, ahead: Ahead) -> Timeline:
    """Let what comes into force later decide from its instant on."""
    for at, later in ahead:
        before, after = timeline.schedule, later.schedules.get(timeline.schedule.id)
        there = {key for key, one in later.people.items() if one.active}
        edit = Edit(before=before, after=after, at=at, exact=True, there=there)
        versions = succeed(timeline.versions, edit)
        timeline = replace(
            timeline, schedule=after or before, versions=versions,
            absent=timeline.absent - there,
        )  # fmt: skip
    return timeline
