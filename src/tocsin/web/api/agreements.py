"""What people agree beside schedules, over JSON: overrides, leave, swaps; layers, and coverage."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

import tocsin.oncall.actions as acting
import tocsin.oncall.reads as oncall
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall.core import local_time
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Shift, Swap
from tocsin.web.ahead import directories, with_people
from tocsin.web.api.oncall import shift_shape
from tocsin.web.api.page_shapes import ShiftShape
from tocsin.web.api.schedule_shapes import (
    CoverageReport,
    HolidayShape,
    LayerList,
    LayerShape,
    LeaveWanted,
    OverrideList,
    OverrideShape,
    OverrideWanted,
    SwapList,
    SwapShape,
    SwapWanted,
    finding_shape,
    followed_shape,
    override_shape,
    swap_shape,
)
from tocsin.web.api.schedules import AHEAD, From, Name, To, instant_of
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking, Asking

COVER = {
    "kind": "cover", "schedule": "primary", "person": "maya",
    "start_at": "2026-03-30T09:00", "end_at": "2026-03-30T18:00", "reason": "Jonas is at a wedding",
}  # fmt: skip
LEAVE = {"start_at": "2026-07-01T00:00", "end_at": "2026-07-15T00:00", "reason": "holiday"}
SWAP = {"schedule": "primary", "turn": 12, "partner": "jonas", "reason": "my sister marries"}
AnOverride = Annotated[OverrideWanted, Body(examples=[Example(value=COVER)])]
ALeave = Annotated[LeaveWanted, Body(examples=[Example(value=LEAVE)])]
ASwap = Annotated[SwapWanted, Body(examples=[Example(value=SWAP)])]
Id = Annotated[UUID, PathParameter(description="Its id.")]
OfSchedule = Annotated[
    str | None,
    QueryParameter(name="schedule", max_length=100, description="Of this one alone."),
]
Days = Annotated[int, QueryParameter(ge=1, le=366, description="How far ahead, in days.")]
Slot = Annotated[
    str | None, QueryParameter(max_length=100, description="The first, if left out.")
]


@get("/oncall/overrides", tags=["on-call"], responses=problems(NotFound))
async def list_overrides(asking: AnAsking, of: OfSchedule = None) -> OverrideList:
    """List the overrides and leave that are not over, newest first."""

    async def read(unit: Unit) -> OverrideList:
        found = await oncall.schedule(unit, of) if of else None
        directory = unit.config(Directory)
        listed = await oncall.overrides_of(unit, found)
        return OverrideList(items=tuple(override_shape(directory, one) for one in listed))

    return await asking.run(read)


@post("/oncall/overrides", tags=["on-call"], responses=problems(NotFound, Invalid, Forbidden))
async def add_override(asking: AnAsking, data: AnOverride) -> OverrideShape:
    """Let others have a schedule for a while, from now on at the earliest.

    Whoever takes turns there may take shifts over, and step aside, themselves.
    """

    async def act(unit: Unit) -> OverrideShape:
        directory = unit.config(Directory)
        zone = (await oncall.schedule(unit, data.schedule)).zone
        return override_shape(directory, await acting.add_override(unit, data.read(zone)))

    return await asking.run(act)


@delete(
    "/oncall/overrides/{override_id:uuid}",
    tags=["on-call"],
    responses=problems(NotFound, Forbidden, Conflict),
)
async def end_override(asking: AnAsking, override_id: Id) -> None:
    """Take an override or leave back from now on; what it has done stays as it was."""
    await asking.run(lambda unit: acting.end_override(unit, override_id))


@post("/oncall/leave", tags=["on-call"], responses=problems(Invalid, Forbidden))
async def take_leave(asking: AnAsking, data: ALeave) -> OverrideShape:
    """Let no schedule call a person for a while; whoever is below has their shifts, or nobody."""

    async def act(unit: Unit) -> OverrideShape:
        directory = unit.config(Directory)
        me = unit.actor.person_id
        who = directory.find_person(data.person) if data.person else None
        who = who or (directory.people.get(me) if me and not data.person else None)
        zone = who.zone if who else "UTC"
        start = local_time.typed_instant(data.start_at, zone, field="start_at")
        end = local_time.typed_instant(data.end_at, zone, field="end_at")
        found = await acting.take_leave(unit, data.person, start, end, data.reason)
        return override_shape(directory, found)

    return await asking.run(act)


@get("/oncall/swaps", tags=["on-call"], responses=problems(NotFound))
async def list_swaps(asking: AnAsking, of: OfSchedule = None) -> SwapList:
    """List the swaps that wait for an answer or were accepted, newest first."""

    async def read(unit: Unit) -> SwapList:
        found = await oncall.schedule(unit, of) if of else None
        directory = unit.config(Directory)
        listed = await oncall.swaps_of(unit, found)
        return SwapList(items=tuple(swap_shape(directory, one) for one in listed))

    return await asking.run(read)


@post(
    "/oncall/swaps",
    tags=["on-call"],
    responses=problems(NotFound, Invalid, Forbidden, Conflict),
)
async def request_swap(asking: AnAsking, data: ASwap) -> SwapShape:
    """Ask somebody to take one of my shifts, by its turn: it moves along when the shift does."""

    async def act(unit: Unit) -> SwapShape:
        wanted = {name: getattr(data, name) for name in data.__struct_fields__}
        found = await acting.request_swap(unit, acting.NewSwap(**wanted))
        return swap_shape(unit.config(Directory), found)

    return await asking.run(act)


@post(
    "/oncall/swaps/{swap_id:uuid}/accept",
    tags=["on-call"],
    status_code=200,
    responses=problems(NotFound, Forbidden, Conflict),
)
async def accept_swap(asking: AnAsking, swap_id: Id) -> SwapShape:
    """Take the shift that somebody wants to give me."""
    return await _answer(asking, lambda unit: acting.accept_swap(unit, swap_id))


@post(
    "/oncall/swaps/{swap_id:uuid}/decline",
    tags=["on-call"],
    status_code=200,
    responses=problems(NotFound, Forbidden, Conflict),
)
async def decline_swap(asking: AnAsking, swap_id: Id) -> SwapShape:
    """Leave the shift with whoever has it."""
    return await _answer(asking, lambda unit: acting.decline_swap(unit, swap_id))


@post(
    "/oncall/swaps/{swap_id:uuid}/withdraw",
    tags=["on-call"],
    status_code=200,
    responses=problems(NotFound, Forbidden, Conflict),
)
async def withdraw_swap(asking: AnAsking, swap_id: Id) -> SwapShape:
    """Take a request back that nobody has answered."""
    return await _answer(asking, lambda unit: acting.withdraw_swap(unit, swap_id))


async def _answer(asking: Asking, act: Callable[[Unit], Awaitable[Swap]]) -> SwapShape:
    async def answer(unit: Unit) -> SwapShape:
        return swap_shape(unit.config(Directory), await act(unit))

    return await asking.run(answer)


@get(
    "/oncall/schedules/{name:str}/layers",
    tags=["on-call"],
    responses=problems(NotFound, Invalid),
)
async def list_layers(
    asking: AnAsking, name: Name, start: From = None, end: To = None
) -> LayerList:
    """List what each layer says by itself, the lowest first, and the public holidays."""

    async def read(unit: Unit) -> LayerList:
        found = await oncall.schedule(unit, name)
        start_at = instant_of(start, "from") or unit.now
        end_at = instant_of(end, "to") or start_at + AHEAD
        ahead = await directories(unit, asking.services.store, end_at)
        await oncall.plan_of(unit, found, start_at, end_at)  # refuses what is no stretch
        directory = with_people(unit.config(Directory), ahead)
        rows = await oncall.layers_of(unit, found, start_at, end_at, ahead)
        followed = {one.layer: one for one in await oncall.calendars_of(unit, found)}
        return LayerList(
            layers=tuple(
                LayerShape(
                    name=one.name, slot=one.slot, zone=one.zone,
                    shifts=tuple(shift_shape(directory, shift) for shift in one.shifts),
                    calendar=followed_shape(followed[one.name])
                    if one.name in followed else None,
                )
                for one in rows
            ),
            holidays=tuple(
                HolidayShape(on, called)
                for on, called in await oncall.holidays_of(unit, found, start_at, end_at)
            ),
        )  # fmt: skip

    return await asking.run(read)


@get(
    "/oncall/schedules/{name:str}/next", tags=["on-call"], responses=problems(NotFound, Invalid)
)
async def show_next(asking: AnAsking, name: Name, slot: Slot = None) -> ShiftShape | None:
    """Say who has a slot after those who have it now; null: nobody else within a year."""

    async def read(unit: Unit) -> ShiftShape | None:
        found = await oncall.schedule(unit, name)
        if slot is not None and slot not in found.slots:
            raise Invalid(f"{name} has no slot {slot!r}", field="slot")
        shift: Shift | None = await oncall.next_of(unit, found, slot or found.slots[0])
        return shift_shape(unit.config(Directory), shift) if shift else None

    return await asking.run(read)


@get("/oncall/coverage", tags=["on-call"], responses=problems(NotFound))
async def show_coverage(
    asking: AnAsking, of: OfSchedule = None, days: Days = 90
) -> CoverageReport:
    """Say what to look at before it happens: gaps, who cannot be woken, leavers, single points.

    Never of the past.
    """

    async def read(unit: Unit) -> CoverageReport:
        found = await oncall.schedule(unit, of) if of else None
        directory = unit.config(Directory)
        listed = await oncall.coverage(unit, found, timedelta(days=days))
        return CoverageReport(
            start_at=unit.now, end_at=unit.now + timedelta(days=days),
            zones=local_time.tzdata_version(),
            items=tuple(finding_shape(directory, one) for one in listed),
        )  # fmt: skip

    return await asking.run(read)


ROUTES = [
    list_overrides, add_override, end_override, take_leave, list_swaps, request_swap, accept_swap,
    decline_swap, withdraw_swap, list_layers, show_next, show_coverage,
]  # fmt: skip
