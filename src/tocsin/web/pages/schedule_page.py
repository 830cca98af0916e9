"""One schedule: who has each slot, the layers below, what was agreed beside them, what to look at."""

from datetime import timedelta
from typing import Final

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from tocsin.kernel.resources import Managed
from tocsin.kernel.resources import reads as resources
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import OverrideKind, Plan, Schedule
from tocsin.web.ahead import Ahead, directories, with_people
from tocsin.web.pages import oncall_views as views
from tocsin.web.pages import schedule_bars as bars
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.oncall_views import Clock
from tocsin.web.pages.schedule_agreed import override_pieces, planned, swap_lines
from tocsin.web.pages.schedule_bars import Span
from tocsin.web.pages.schedule_reading import (
    COVERED_AHEAD,
    From,
    coming,
    day_of,
    duties,
    zone_of,
)
from tocsin.web.pages.schedule_trouble import trouble_lines
from tocsin.web.units import AnAsking, AnyRequest


@get("/schedules/{name:str}")
async def schedule(
    asking: AnAsking,
    request: AnyRequest,
    name: FromPath[str],
    start: From = None,
    span: FromQuery[Span] = Span.TWO,
    clock: FromQuery[Clock] = Clock.SCHEDULE,
) -> Template:
    """Show one schedule with everything that decides who has it. Raises NotFound."""
    path = f"/schedules/{name}"
    asked = views.Asked(path=path, span=span, clock=clock, on=day_of(start))

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="oncall", title=name)
        found = await reads.schedule(unit, name)
        mine = zone_of(unit)
        zone = mine if clock is Clock.MINE else found.zone
        extent = views.extent_at(asked, unit.now, zone)
        until = max(unit.now + COVERED_AHEAD, extent.instants(zone)[1])
        ahead = await directories(unit, asking.services.store, until + timedelta(days=1))
        calendar = await _calendar(unit, found, asked, (extent, zone), ahead)
        known = await resources.shown(unit, asking.services.store, "Schedule", name)
        plan = await coming(unit, found, ahead)
        free = sum((gap.end_at - gap.start_at for gap in plan.gaps), timedelta())
        return context | {
            "schedule": found,
            "my_zone": mine,
            "duties": duties(unit, plan, zone, ahead),
            "calendar": calendar,
            "gaps": len(plan.gaps),
            "free": free,
            "planned": await planned(unit, found, zone),
            "swaps": await swap_lines(unit, zone, found),
            "trouble": await trouble_lines(unit, found, zone),
            "may_override": unit.actor.may_on("schedule:override", found.team)
            or unit.actor.person_id in found.people,
            "is_person": unit.actor.person_id is not None,
            "is_mine": unit.actor.person_id in found.people,
            "may_edit": unit.actor.may_on("resource:apply", found.team),
            "by_file": known.known.managed_by == Managed.FILE,
        }

    return Template("schedule.html", context=await asking.run(read))


async def _calendar(
    unit: Unit,
    found: Schedule,
    asked: views.Asked,
    where: tuple[bars.Extent, str],
    ahead: Ahead,
) -> views.CalendarView:
    extent, zone = where
    start, end = extent.instants(zone)
    plan = await reads.plan_of(unit, found, start, end, ahead)
    layers = await reads.layers_of(unit, found, start, end, ahead)
    agreed = [
        one
        for one in await reads.overrides_of(unit, found, start)
        if one.start_at < end
        and (one.kind is not OverrideKind.LEAVE or one.person_id in found.people)
    ]
    directory = with_people(unit.config(Directory), ahead)
    drawn = [shift for row in layers for shift in row.shifts]
    drawing = bars.Drawing(
        extent=extent, directory=directory, now=unit.now, me=unit.actor.person_id,
        hues=bars.hues_of(
            who for shift in (*plan.shifts, *drawn) for who in shift.people
        ),
    )  # fmt: skip
    rows = _final_rows(drawing, plan, zone)
    for layer in reversed(layers):
        slot = f" ({layer.slot})" if len(found.slots) > 1 else ""
        rows.append(
            drawing.row(
                f"{layer.name}{slot}", zone, bars.layer_pieces(layer.shifts), kind="layer"
            )
        )
    if agreed:
        pieces = override_pieces(agreed, directory)
        rows.append(drawing.row("Overrides", zone, pieces, kind="override"))
    return views.calendar(
        rows, drawing, asked, my_zone=zone_of(unit) if zone_of(unit) != found.zone else None,
        holidays=await reads.holidays_of(unit, found, start, end),
    )  # fmt: skip


def _final_rows(drawing: bars.Drawing, plan: Plan, zone: str) -> list[bars.RowView]:
    schedule = plan.schedule
    many = len(schedule.slots) > 1
    return [
        drawing.row(
            f"Final, {slot}" if many else "Final schedule", zone,
            bars.final_pieces(plan.of(slot).shifts, plan.of(slot).gaps),
            ask=f"/schedules/{schedule.name}/override?slot={slot}",
        )
        for slot in schedule.slots
    ]  # fmt: skip


ROUTES: Final = (schedule,)
