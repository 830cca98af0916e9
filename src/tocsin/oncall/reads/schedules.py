"""Schedules over time, as the pager itself sees them; no row is read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.unit import Unit
from tocsin.oncall.core import coverage
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.coverage import Plan
from tocsin.oncall.core.rotation import Shift
from tocsin.oncall.model import Rotation

Ahead = Sequence[tuple[datetime, Directory]]  # from when, soonest first
STRETCH_MAX = timedelta(days=366)


async def schedule(unit: Unit, name: str) -> Rotation:
    """Return the schedule of this name. Raises NotFound."""
    unit.require("oncall:read")
    for found in unit.config(Directory).rotations.values():
        if found.name == name:
            return found
    raise NotFound(f"no schedule {name!r}; GET /oncall/schedules lists them")


async def plan_of(
    unit: Unit, found: Rotation, start: datetime, end: datetime, ahead: Ahead = ()
) -> Plan:
    """Return a schedule's shifts and gaps in [start, end). Raises Invalid.

    `ahead` is what comes into force later, and decides from then on.
    """
    unit.require("oncall:read")
    if not start < end:
        raise Invalid("`to` comes after `from`", field="to")
    if end - start > STRETCH_MAX:
        raise Invalid(f"ask for {STRETCH_MAX.days} days at most", field="to")
    return coverage.plan(found, start, end, _versions(found.id, ahead))


async def shifts_of(
    unit: Unit, person_id: UUID, start: datetime, end: datetime, ahead: Ahead = ()
) -> list[tuple[Rotation, Shift]]:
    """Return a person's shifts that touch [start, end) in all schedules, soonest first."""
    unit.require("oncall:read")
    now = unit.config(Directory).rotations
    known = {key: one for _, later in ahead for key, one in later.rotations.items()} | dict(now)
    found = [
        (one, shift)
        for key, one in known.items()
        for shift in coverage.shifts_over(
            [(start, now.get(key)), *_versions(key, ahead)], start, end
        )
        if shift.person_id == person_id
    ]
    return sorted(found, key=lambda pair: (pair[1].start_at, pair[0].name))


def _versions(key: ScheduleId, ahead: Ahead) -> list[tuple[datetime, Rotation | None]]:
    return [(since, later.rotations.get(key)) for since, later in ahead]
