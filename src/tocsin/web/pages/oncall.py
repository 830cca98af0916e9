"""On-call: who has it, until when, who is next, two weeks of every schedule, and my own turns."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Template

from tocsin.kernel.errors import Invalid
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core import coverage
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.rotation import Shift
from tocsin.oncall.model import Rotation
from tocsin.web.ahead import Ahead, directories, with_people
from tocsin.web.pages import oncall_views as views
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

COVERED_AHEAD = timedelta(days=28)
MY_AHEAD = timedelta(days=60)
MY_TURNS = 6
YEARS = range(2000, 2100)


class Clock(StrEnum):
    """By whose clock times are shown."""

    SCHEDULE = "schedule"
    MINE = "mine"


From = Annotated[str | None, QueryParameter(name="from", max_length=20)]


@get("/oncall")
async def schedules(
    asking: AnAsking,
    request: AnyRequest,
    start: From = None,
    clock: FromQuery[Clock] = Clock.SCHEDULE,
) -> Template:
    """Show every schedule; the address holds the week and the clock."""
    wanted = _day(start)

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="oncall", title="On-call")
        mine = _my_zone(unit)
        found = await reads.on_call_now(unit)
        zones = [mine if clock is Clock.MINE else one.zone for one, _ in found]
        until = unit.now + MY_AHEAD
        if wanted is not None:
            until = max(until, views.stretch(mine, wanted)[1] + timedelta(days=1))
        ahead = await directories(unit, asking.services.store, until)
        first = wanted or unit.now.astimezone(ZoneInfo(zones[0] if zones else mine)).date()
        return context | {
            "clock": clock,
            "my_zone": mine,
            "has_other_zone": any(one.zone != mine for one, _ in found),
            "duties": [
                await _duty(unit, one, shift, zone, ahead)
                for (one, shift), zone in zip(found, zones, strict=True)
            ],
            "calendar": await _calendar(unit, found, zones, views.monday(first), ahead),
            "turns": await _turns(unit, mine, ahead),
            "is_person": unit.actor.person_id is not None,
        }

    return Template("oncall.html", context=await asking.run(read))


def _day(text: str | None) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if found.year not in YEARS:
        raise Invalid(f"{text!r} is no day; write e.g. 2026-03-30", field="from")
    return found


def _my_zone(unit: Unit) -> str:
    if unit.actor.person_id is None:
        return "UTC"
    person = unit.config(Directory).people.get(unit.actor.person_id)
    return person.zone if person else "UTC"


async def _duty(
    unit: Unit, one: Rotation, shift: Shift | None, zone: str, ahead: Ahead
) -> views.DutyView:
    end = unit.now + COVERED_AHEAD
    plan = await reads.plan_of(unit, one, unit.now, end, ahead)
    if shift is not None and plan.shifts:
        shift = plan.shifts[0]  # which ends where another version comes into force
    return views.duty(
        one, shift, [other for other in plan.shifts if other.start_at > unit.now],
        with_people(unit.config(Directory), ahead), zone=zone,
        covered=coverage.covered_share(plan.gaps, unit.now, end),
    )  # fmt: skip


async def _calendar(
    unit: Unit,
    found: list[tuple[Rotation, Shift | None]],
    zones: list[str],
    start_on: date,
    ahead: Ahead,
) -> views.CalendarView:
    plans = [
        (await reads.plan_of(unit, one, *views.stretch(zone, start_on), ahead), zone)
        for (one, _), zone in zip(found, zones, strict=True)
    ]
    return views.calendar(
        plans, with_people(unit.config(Directory), ahead),
        start_on=start_on, now=unit.now, me=unit.actor.person_id,
    )  # fmt: skip


async def _turns(unit: Unit, zone: str, ahead: Ahead) -> tuple[views.TurnView, ...]:
    who = unit.actor.person_id or UUID(int=0)
    found = await reads.shifts_of(unit, who, unit.now, unit.now + MY_AHEAD, ahead)
    return views.turns(found[:MY_TURNS], now=unit.now, zone=zone)


ROUTES: Final = (schedules,)
