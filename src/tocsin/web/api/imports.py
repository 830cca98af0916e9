"""Another calendar as a layer of a schedule: read, matched with people, and written out."""

from datetime import UTC, timedelta
from typing import Annotated

from litestar import post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

import tocsin.oncall.reads as oncall
from tocsin.kernel.errors import Invalid, NotFound, TooLarge, Unavailable
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.importing import imported
from tocsin.oncall.model import Schedule
from tocsin.web.api.schedules import Name
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking

TEXT_MAX = 1024 * 1024
DAYS = 180


class CalendarSource(Struct, frozen=True, kw_only=True):
    """An iCalendar text, or the address of one, which must not be in a network of our own."""

    layer: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    slot: Annotated[str, Meta(max_length=100)] | None = None
    text: Annotated[str, Meta(max_length=TEXT_MAX)] = ""
    url: Annotated[str, Meta(max_length=2000)] = ""
    days: Annotated[int, Meta(ge=1, le=366)] = DAYS


class ImportedShift(Struct, frozen=True, rename={"start": "from"}):
    """One shift, as a schedule's resource has it."""

    people: tuple[str, ...]
    start: str
    to: str
    turn: int | None = None


class ImportedLayer(Struct, frozen=True):
    """A layer, as a schedule's resource has it."""

    name: str
    slot: str
    shifts: tuple[ImportedShift, ...]


class CalendarRead(Struct, frozen=True, kw_only=True):
    """The layer to put under `spec.layers`, and what was left out.

    `unknown` are events whose people nobody here is; `overlapping` counts those that another one
    hides; `left_out` names rules that match too rarely to be read, or never.
    """

    layer: ImportedLayer
    unknown: tuple[str, ...]
    overlapping: int
    left_out: tuple[str, ...]


ASource = Annotated[
    CalendarSource,
    Body(
        examples=[
            Example(value={"layer": "vendor", "url": "https://calendar.example.org/a.ics"})
        ]
    ),
]


@post(
    "/oncall/schedules/{name:str}/import",
    tags=["on-call"],
    status_code=200,
    responses=problems(NotFound, Invalid, TooLarge, Unavailable),
)
async def import_calendar(asking: AnAsking, name: Name, data: ASource) -> CalendarRead:
    """Read a calendar as a layer of a schedule. Nothing is kept: apply the layer it answers.

    People are matched by their e-mail addresses, else by their names in the summary.
    """
    if bool(data.text) is bool(data.url):
        raise Invalid("send either text or url", field="text")

    async def look(unit: Unit) -> tuple[Schedule, Directory]:
        found = await oncall.schedule(unit, name)
        unit.require_on("resource:apply", found.team)
        return found, unit.config(Directory)

    schedule, directory = await asking.run(look)
    slot = data.slot or schedule.slots[0]
    if slot not in schedule.slots:
        raise Invalid(f"{name} has no slot {slot!r}", field="slot")
    reader, now = asking.services.calendars, asking.services.clock.now()
    text = data.text.encode() if data.text else (await reader.fetch(data.url)).text or b""
    end = now + timedelta(days=data.days)
    expanded = await reader.read(text, schedule.zone, now, end)
    found = imported(expanded.shifts, directory.people)
    return CalendarRead(
        layer=ImportedLayer(
            data.layer,
            slot,
            tuple(
                ImportedShift(
                    one.people,
                    one.start_at.astimezone(UTC).isoformat(),
                    one.end_at.astimezone(UTC).isoformat(),
                    one.turn,
                )
                for one in found.shifts
            ),
        ),
        unknown=found.unknown,
        overlapping=found.overlapping,
        left_out=expanded.left_out,
    )


ROUTES = [import_calendar]
