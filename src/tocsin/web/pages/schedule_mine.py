"""My on-call: am I on call, until when, who is with me, my next shifts, my swaps and my leave."""

from typing import Final
from zoneinfo import ZoneInfo

from litestar import get
from litestar.response import Template
from msgspec import Struct

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.web.ahead import directories
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.schedule_agreed import planned_of, swap_lines
from tocsin.web.pages.schedule_reading import MY_AHEAD, turns_of, zone_of
from tocsin.web.units import AnAsking, AnyRequest

TURNS_SHOWN = 20


class Beside(Struct, frozen=True, kw_only=True):
    """Who has another slot, or mine with me, while I am on call; nobody: a gap."""

    name: str
    people: str
    until: str


@get("/oncall/me")
async def mine(asking: AnAsking, request: AnyRequest) -> Template:
    """Show what on-call means for the asker in the next weeks."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="oncall", title="My on-call")
        zone = zone_of(unit)
        me = unit.actor.person_id
        ahead = await directories(unit, asking.services.store, unit.now + MY_AHEAD)
        reach = (await reads.reachability(unit)).get(me) if me else None
        return context | {
            "zone": zone,
            "is_person": me is not None,
            "why_not": reach.why_not if reach and not reach.is_reachable else "",
            "turns": await turns_of(unit, zone, ahead, TURNS_SHOWN),
            "beside": await _beside(unit, zone),
            "planned": await planned_of(unit, me, zone) if me else [],
            "feeds": await reads.feeds(unit) if me else [],
            "swaps": await swap_lines(unit, zone, person_id=me) if me else [],
        }

    return Template("oncall_me.html", context=await asking.run(read))


async def _beside(unit: Unit, zone: str) -> list[Beside]:
    """Return who else is on call now, of the schedules in which the asker takes turns."""
    directory, place, me = unit.config(Directory), ZoneInfo(zone), unit.actor.person_id
    found = []
    for one in await reads.on_call_now(unit):
        if me not in one.schedule.people:
            continue
        others = [who for who in one.shift.people if who != me] if one.shift else []
        if one.shift and not others:
            continue
        until = one.shift.end_at.astimezone(place) if one.shift else None
        found.append(
            Beside(
                name=one.name, people=directory.names_of(others),
                until=f"until {until:%a %-d %b %H:%M}" if until else "a gap",
            )
        )  # fmt: skip
    return found


ROUTES: Final = (mine,)
