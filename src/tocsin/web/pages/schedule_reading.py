"""What the on-call screens read alike: the address, whose clock, a slot's card, one's own turns."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter

from tocsin.kernel.errors import Invalid
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.coverage import covered_share
from tocsin.oncall.model import Plan, Schedule
from tocsin.web.ahead import Ahead, with_people
from tocsin.web.pages import oncall_views as views

COVERED_AHEAD = timedelta(days=28)
MY_AHEAD = timedelta(days=60)
YEARS = range(2000, 2100)

From = Annotated[str | None, QueryParameter(name="from", max_length=20)]


def day_of(text: str | None) -> date | None:
    """Read a day of an address; None where it names none. Raises Invalid."""
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if found.year not in YEARS:
        raise Invalid(f"{text!r} is no day; write e.g. 2026-03-30", field="from")
    return found


def zone_of(unit: Unit) -> str:
    """Return by whose clocks the asker lives; UTC for who is nobody."""
    if unit.actor.person_id is None:
        return "UTC"
    person = unit.config(Directory).people.get(unit.actor.person_id)
    return person.zone if person else "UTC"


def slot_name(schedule: Schedule, slot: str) -> str:
    """Name a slot for people: by its schedule alone where that has no other."""
    return f"{schedule.name}, {slot}" if len(schedule.slots) > 1 else schedule.name


async def coming(unit: Unit, schedule: Schedule, ahead: Ahead) -> Plan:
    """Return the shifts and gaps of the weeks that a card speaks of."""
    return await reads.plan_of(unit, schedule, unit.now, unit.now + COVERED_AHEAD, ahead)


def duties(
    unit: Unit, plan: Plan, zone: str, ahead: Ahead, *, href: str = ""
) -> list[views.DutyView]:
    """Show a card of each slot of a schedule."""
    found = []
    for slot in plan.schedule.slots:
        own = plan.of(slot)
        now = next((one for one in own.shifts if one.start_at <= unit.now), None)
        found.append(
            views.duty(
                slot_name(plan.schedule, slot), now,
                [one for one in own.shifts if one.start_at > unit.now],
                with_people(unit.config(Directory), ahead), zone=zone, href=href,
                covered=covered_share(own.gaps, unit.now, unit.now + COVERED_AHEAD),
            )
        )  # fmt: skip
    return found


async def turns_of(
    unit: Unit, zone: str, ahead: Ahead, most: int
) -> tuple[views.TurnView, ...]:
    """Return the asker's next turns in all schedules, by their own clock."""
    who = unit.actor.person_id or UUID(int=0)
    found = await reads.shifts_of(unit, who, unit.now, unit.now + MY_AHEAD, ahead)
    return views.turns(found[:most], now=unit.now, zone=zone)
