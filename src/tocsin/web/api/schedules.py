"""Schedules over JSON: who has it when, where nobody has it, and when it is my turn."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter
from msgspec import Struct

import tocsin.oncall.reads as oncall
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.coverage import covered_share
from tocsin.web.ahead import directories, with_people
from tocsin.web.api.oncall import on_call, shift_shape
from tocsin.web.api.page_shapes import OnCall, ScheduleShape, ShiftShape
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking

AHEAD = timedelta(days=14)
MY_AHEAD = timedelta(days=60)
YEARS = range(1970, 2200)
Name = Annotated[
    str,
    PathParameter(
        description="The schedule's name.",
        examples=[Example(summary="a name", value="primary")],
    ),
]
From = Annotated[
    str | None,
    QueryParameter(
        name="from",
        max_length=40,
        description="An instant, ISO 8601, in UTC if it names no offset; now if left out.",
    ),
]
To = Annotated[
    str | None,
    QueryParameter(
        name="to",
        max_length=40,
        description="Until just before this instant, 366 days later at most; else 14 days later.",
    ),
]


class GapShape(Struct, frozen=True, kw_only=True):
    """Nobody has the slot from `start_at` until just before `end_at`."""

    slot: str
    start_at: datetime
    end_at: datetime


class SchedulePlan(Struct, frozen=True, kw_only=True):
    """Shifts that touch the stretch, uncut, and its gaps; `covered`, from 0 to 1, of the first slot."""

    id: UUID
    name: str
    zone: str
    start_at: datetime
    end_at: datetime
    covered: float
    shifts: tuple[ShiftShape, ...]
    gaps: tuple[GapShape, ...]


class ScheduleList(Struct, frozen=True, kw_only=True):
    """Every schedule, by name."""

    items: tuple[ScheduleShape, ...]


class MyShift(Struct, frozen=True, kw_only=True):
    """A turn of the person who asks."""

    schedule: str
    zone: str
    slot: str
    layer: str
    turn: int
    start_at: datetime
    end_at: datetime


class MyOnCall(Struct, frozen=True, kw_only=True):
    """`until`: when the present turn ends, null: not on call; the turns of the next 60 days."""

    at: datetime
    until: datetime | None
    shifts: tuple[MyShift, ...]


@get("/oncall/now", tags=["on-call"], responses=problems())
async def show_now(asking: AnAsking) -> OnCall:
    """Say for every schedule who is on call now, until when, and who comes next."""
    return await on_call(asking)


@get("/oncall/schedules", tags=["on-call"], responses=problems())
async def list_schedules(asking: AnAsking) -> ScheduleList:
    """List the schedules with who is on call now and next."""
    found = await on_call(asking)
    return ScheduleList(items=tuple(sorted(found.schedules, key=lambda one: one.name)))


@get(
    "/oncall/schedules/{name:str}/shifts",
    tags=["on-call"],
    responses=problems(NotFound, Invalid),
)
async def list_shifts(
    asking: AnAsking, name: Name, start: From = None, end: To = None
) -> SchedulePlan:
    """List who has a schedule when, and where nobody has it.

    What is scheduled to come into force decides from its instant on.
    """

    async def read(unit: Unit) -> SchedulePlan:
        found = await oncall.schedule(unit, name)
        start_at = instant_of(start, "from") or unit.now
        end_at = instant_of(end, "to") or start_at + AHEAD
        ahead = await directories(unit, asking.services.store, end_at)
        plan = await oncall.plan_of(unit, found, start_at, end_at, ahead)
        directory = with_people(unit.config(Directory), ahead)
        return SchedulePlan(
            id=found.id, name=found.name, zone=found.zone, start_at=start_at, end_at=end_at,
            covered=round(covered_share(plan.of(found.slots[0]).gaps, start_at, end_at), 6),
            shifts=tuple(shift_shape(directory, one) for one in plan.shifts),
            gaps=tuple(
                GapShape(slot=one.slot, start_at=one.start_at, end_at=one.end_at)
                for one in plan.gaps
            ),
        )  # fmt: skip

    return await asking.run(read)


@get("/oncall/me", tags=["on-call"], responses=problems())
async def show_my_shifts(asking: AnAsking) -> MyOnCall:
    """Say until when the asking person is on call, and when it is their turn again.

    A token that stands for nobody has no turns.
    """

    async def read(unit: Unit) -> MyOnCall:
        who = unit.actor.person_id or UUID(int=0)
        ahead = await directories(unit, asking.services.store, unit.now + MY_AHEAD)
        found = await oncall.shifts_of(unit, who, unit.now, unit.now + MY_AHEAD, ahead)
        running = [shift.end_at for _, shift in found if shift.start_at <= unit.now]
        return MyOnCall(
            at=unit.now,
            until=max(running, default=None),
            shifts=tuple(
                MyShift(
                    schedule=one.name, zone=one.zone, slot=shift.slot, layer=shift.layer,
                    turn=shift.k, start_at=shift.start_at, end_at=shift.end_at,
                )
                for one, shift in found
            ),
        )  # fmt: skip

    return await asking.run(read)


def instant_of(text: str | None, field: str) -> datetime | None:
    """Read an instant of a query; None stays None. Raises Invalid."""
    if text is None:
        return None
    found: datetime | None = None
    with suppress(ValueError, OverflowError):
        given = datetime.fromisoformat(text)
        found = (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    if found is None or found.year not in YEARS:
        raise Invalid(
            f"{text!r} is no instant of our time; write e.g. 2026-03-30T09:00:00Z", field=field
        )
    return found


ROUTES = [show_now, list_schedules, list_shifts, show_my_shifts]
