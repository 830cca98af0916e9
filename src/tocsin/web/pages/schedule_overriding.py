"""Cover, replace, remove, and leave: forms that ask again at the field."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions, reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Override, OverrideKind
from tocsin.web.forms import stay, text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.incident_forms import people_choices
from tocsin.web.pages.schedule_forms import (
    Typed,
    name_of,
    people_of,
    stretch_of,
    typed,
)
from tocsin.web.pages.schedule_reading import zone_of
from tocsin.web.units import AnAsking, AnyRequest

KINDS = [
    ("cover", "Cover: they have the slot"),
    ("replace", "Replace: they have it wherever somebody else would"),
    ("remove", "Remove: they do not have it; whoever is below does"),
]
SHOWN_AT_FIRST = timedelta(days=7)
LEAVE_USUAL = timedelta(days=7)
Stretch = Annotated[str, QueryParameter(max_length=40)]
Start = Annotated[str, QueryParameter(name="from", max_length=40)]
End = Annotated[str, QueryParameter(name="to", max_length=40)]


class Form(Struct, frozen=True, kw_only=True):
    """What stands in a form, shown again when something is not acceptable."""

    kind: str = "cover"
    slot: str = ""
    person: str = ""
    replaced: str = ""
    start_at: Typed
    end_at: Typed
    reason: str = ""


class Refusal(Struct, frozen=True):
    """What is wrong with a form, and in which field."""

    problem: str = ""
    field: str | None = None


NOTHING: Final = Refusal()


@get("/schedules/{name:str}/override")
async def ask_override(
    asking: AnAsking,
    request: AnyRequest,
    name: FromPath[str],
    slot: Stretch = "",
    start: Start = "",
    end: End = "",
) -> Template:
    """Ask who shall have it, when and why; a stretch of the address is filled in."""

    async def fill(unit: Unit) -> Form:
        zone = (await reads.schedule(unit, name)).zone
        begin, over = stretch_of(start, end, zone, unit.now)
        me = name_of(unit.config(Directory), unit.actor.person_id)
        return Form(slot=slot, person=me, start_at=begin, end_at=over)

    return await _page(asking, request, name, await asking.run(fill), NOTHING)


@post("/schedules/{name:str}/override", status_code=303)
async def add_override(
    posting: AnAsking, request: AnyRequest, name: FromPath[str]
) -> Response[Any] | Template:
    """Agree it, and lead to the calendar; what is not acceptable is asked again."""
    data = await request.form()

    async def read(unit: Unit) -> Form:
        zone = (await reads.schedule(unit, name)).zone
        return Form(
            kind=text(data, "kind"), slot=text(data, "slot"), person=text(data, "person"),
            replaced=text(data, "replaced"), reason=text(data, "reason"),
            start_at=typed(data, "start_at", zone), end_at=typed(data, "end_at", zone),
        )  # fmt: skip

    form = await posting.run(read)

    async def act(unit: Unit) -> tuple[Override, datetime]:
        zone = (await reads.schedule(unit, name)).zone
        if form.kind not in dict(KINDS):
            raise Invalid("choose what it does", field="kind")
        new = actions.NewOverride(
            kind=OverrideKind(form.kind), schedule=name, slot=form.slot or None,
            person=form.person or None,
            replaced=(form.replaced or None) if form.kind == OverrideKind.REPLACE else None,
            start_at=form.start_at.instant(zone, "start_at"),
            end_at=form.end_at.instant(zone, "end_at"), reason=form.reason,
        )  # fmt: skip
        return await actions.add_override(unit, new), unit.now

    try:
        found, now = await posting.run(act)
    except (Invalid, Conflict) as refused:
        return await _page(posting, request, name, form, _refusal(refused))
    return Redirect(_calendar(name, found.start_at, now), status_code=303)


async def _page(
    asking: AnAsking, request: AnyRequest, name: str, form: Form, refusal: Refusal
) -> Template:
    async def read(unit: Unit) -> Context:
        found = await reads.schedule(unit, name)
        context = await frame(unit, request, page="oncall", title=f"Override {name}")
        directory = unit.config(Directory)
        may_all = unit.actor.may_on("schedule:override", found.team)
        me = name_of(directory, unit.actor.person_id)
        people = people_of(directory, found)
        return context | {
            "schedule": found, "form": form, "refusal": refusal, "kinds": KINDS,
            "people": people if may_all else _only(people, me), "replaceable": people,
        }  # fmt: skip

    status = 422 if refusal.problem else 200
    return Template(
        "schedule_override.html", context=await asking.run(read), status_code=status
    )


def _only(
    people: list[tuple[str, list[tuple[str, str]]]], name: str
) -> list[tuple[str, list[tuple[str, str]]]]:
    found = [one for _, group in people for one in group if one[0] == name]
    return [("Yourself", found)] if found else []


@get("/oncall/leave")
async def ask_leave(
    asking: AnAsking, request: AnyRequest, start: Start = "", end: End = ""
) -> Template:
    """Ask who is away, from when until when."""

    async def fill(unit: Unit) -> Form:
        begin, over = stretch_of(start, end, zone_of(unit), unit.now, LEAVE_USUAL)
        me = name_of(unit.config(Directory), unit.actor.person_id)
        return Form(person=me, start_at=begin, end_at=over)

    return await _leave_page(asking, request, await asking.run(fill), NOTHING)


@post("/oncall/leave", status_code=303)
async def take_leave(posting: AnAsking, request: AnyRequest) -> Response[Any] | Template:
    """Let no schedule call somebody for a while, by the clocks where they live."""
    data = await request.form()
    who = text(data, "person")

    async def zone(unit: Unit) -> str:
        found = unit.config(Directory).find_person(who)
        return found.zone if found else zone_of(unit)

    place = await posting.run(zone)
    form = Form(
        person=who, reason=text(data, "reason"),
        start_at=typed(data, "start_at", place), end_at=typed(data, "end_at", place),
    )  # fmt: skip

    async def act(unit: Unit) -> bool:
        start = form.start_at.instant(place, "start_at")
        end = form.end_at.instant(place, "end_at")
        found = await actions.take_leave(unit, form.person or None, start, end, form.reason)
        return found.person_id == unit.actor.person_id

    try:
        is_mine = await posting.run(act)
    except (Invalid, Conflict) as refused:
        return await _leave_page(posting, request, form, _refusal(refused))
    return Redirect("/oncall/me" if is_mine else "/oncall", status_code=303)


async def _leave_page(
    asking: AnAsking, request: AnyRequest, form: Form, refusal: Refusal
) -> Template:
    async def read(unit: Unit) -> Context:
        unit.require("self:write")
        context = await frame(unit, request, page="oncall", title="Leave")
        directory = unit.config(Directory)
        me = name_of(directory, unit.actor.person_id)
        people = people_choices(directory)
        may_all = unit.actor.may("schedule:override")
        found = directory.find_person(form.person) if form.person else None
        return context | {
            "form": form, "refusal": refusal, "zone": found.zone if found else zone_of(unit),
            "people": [one for one in people if may_all or one[0] == me],
        }  # fmt: skip

    status = 422 if refusal.problem else 200
    return Template("schedule_leave.html", context=await asking.run(read), status_code=status)


@post("/oncall/overrides/{override_id:uuid}/end", status_code=303)
async def end_override(
    posting: AnAsking, request: AnyRequest, override_id: FromPath[UUID]
) -> Response[Any]:
    """Take an override or leave back from now on."""
    back = text(await request.form(), "back")
    await posting.run(lambda unit: actions.end_override(unit, override_id))
    return stay(request, back_to(back))


def back_to(name: str) -> str:
    """Return where a button leads back: to a schedule of this name, else to one's own page."""
    return f"/schedules/{name}" if re.fullmatch(r"[a-z0-9-]{1,63}", name) else "/oncall/me"


def _calendar(name: str, start_at: datetime, now: datetime) -> str:
    """Return the calendar's address on which an instant is seen."""
    url = f"/schedules/{quote(name)}"
    if start_at - now < SHOWN_AT_FIRST:
        return url
    return f"{url}?from={start_at.date().isoformat()}"


def _refusal(refused: Invalid | Conflict) -> Refusal:
    field = refused.field if isinstance(refused, Invalid) else None
    return Refusal(refused.detail, field)


ROUTES: Final = (ask_override, add_override, ask_leave, take_leave, end_override)
