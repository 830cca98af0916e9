"""On-call: who has it, until when, who is next, some weeks of every schedule, and my own turns."""

from datetime import timedelta
from typing import Final

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Plan, Schedule
from tocsin.web.ahead import directories, with_people
from tocsin.web.pages import oncall_views as views
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.oncall_views import Clock
from tocsin.web.pages.schedule_bars import Drawing, RowView, Span, final_pieces, hues_of
from tocsin.web.pages.schedule_reading import (
    MY_AHEAD,
    From,
    coming,
    day_of,
    duties,
    slot_name,
    turns_of,
    zone_of,
)
from tocsin.web.units import AnAsking, AnyRequest

MY_TURNS = 6


@get("/oncall")
async def schedules(
    asking: AnAsking,
    request: AnyRequest,
    start: From = None,
    span: FromQuery[Span] = Span.TWO,
    clock: FromQuery[Clock] = Clock.SCHEDULE,
) -> Template:
    """Show every schedule; the address holds the days and the clock."""
    asked = views.Asked(path="/oncall", span=span, clock=clock, on=day_of(start))

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="oncall", title="On-call")
        mine = zone_of(unit)
        found = await _schedules(unit)
        zones = [mine if clock is Clock.MINE else one.zone for one in found]
        extent = views.extent_at(asked, unit.now, zones[0] if zones else mine)
        until = max(unit.now + MY_AHEAD, extent.instants(mine)[1] + timedelta(days=1))
        ahead = await directories(unit, asking.services.store, until)
        plans = [
            await reads.plan_of(unit, one, *extent.instants(zone), ahead)
            for one, zone in zip(found, zones, strict=True)
        ]
        cards = [
            card
            for one, zone in zip(found, zones, strict=True)
            for card in duties(
                unit, await coming(unit, one, ahead), zone, ahead, href=f"/schedules/{one.name}"
            )
        ]
        people = (who for plan in plans for shift in plan.shifts for who in shift.people)
        drawing = Drawing(
            extent=extent, directory=with_people(unit.config(Directory), ahead),
            hues=hues_of(people), now=unit.now, me=unit.actor.person_id,
        )  # fmt: skip
        has_other_zone = any(one.zone != mine for one in found)
        return context | {
            "my_zone": mine,
            "duties": cards,
            "calendar": views.calendar(
                _rows(drawing, plans, zones), drawing, asked,
                my_zone=mine if has_other_zone else None,
            ),
            "turns": await turns_of(unit, mine, ahead, MY_TURNS),
            "is_person": unit.actor.person_id is not None,
            "can_edit": unit.actor.may("resource:apply"),
        }  # fmt: skip

    return Template("oncall.html", context=await asking.run(read))


async def _schedules(unit: Unit) -> list[Schedule]:
    """Return every schedule, in the order in which the pager names them."""
    found = await reads.on_call_now(unit)
    return list({one.schedule.id: one.schedule for one in found}.values())


def _rows(drawing: Drawing, plans: list[Plan], zones: list[str]) -> list[RowView]:
    return [
        drawing.row(
            slot_name(plan.schedule, slot), zone,
            final_pieces(plan.of(slot).shifts, plan.of(slot).gaps),
            href=f"/schedules/{plan.schedule.name}",
        )
        for plan, zone in zip(plans, zones, strict=True)
        for slot in plan.schedule.slots
    ]  # fmt: skip


ROUTES: Final = (schedules,)
