"""Write a schedule by a form that shows, before anything is saved, who would be on call."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct, convert
from msgspec.structs import replace

from tocsin.governance.core.config import Teams
from tocsin.kernel.resources import Applied, Managed, Store
from tocsin.kernel.resources import reads as resources
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory, ScheduleSpec
from tocsin.oncall.core.config.schedules import WEEK
from tocsin.oncall.model import Advance, HolidayRule, RotationUnit
from tocsin.web.forms import text
from tocsin.web.pages import schedule_drafts as drafts
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.resource_forms import MENDABLE
from tocsin.web.pages.schedule_drafts import LayerForm, ScheduleForm
from tocsin.web.pages.schedule_preview import Preview, preview, refused
from tocsin.web.pages.schedule_reading import zone_of
from tocsin.web.units import AnAsking, AnyRequest

ADVANCES = [
    (Advance.CALENDAR, "every turn counts"),
    (Advance.ACTIVE, "only turns in which it is in force"),
]
HOLIDAYS = [
    (HolidayRule.ANY, "like other days"),
    (HolidayRule.SKIP, "not on public holidays"),
    (HolidayRule.ONLY, "only on public holidays"),
]


class Page(Struct, frozen=True, kw_only=True):
    """What the editor shows; `name` None: a new schedule."""

    name: str | None
    form: ScheduleForm
    by_file: bool = False


@get("/schedules/new")
async def new(asking: AnAsking, request: AnyRequest) -> Template:
    """Offer an empty schedule."""

    async def read(unit: Unit) -> Context:
        unit.require("resource:apply")
        layer = LayerForm(name="rotation", start=f"{unit.now:%Y-%m-%d}T09:00")
        form = ScheduleForm(zone=zone_of(unit), layers=(layer,))
        return await _context(unit, request, Page(name=None, form=form), Preview())

    return Template("schedule_edit.html", context=await asking.run(read))


@get("/schedules/{name:str}/edit")
async def edit(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Show a schedule's layers; who may not change them here sees them. Raises NotFound."""
    store = asking.services.store

    async def read(unit: Unit) -> Context:
        found = await resources.shown(unit, store, "Schedule", name)
        spec = convert(found.document.spec, ScheduleSpec)
        page = Page(
            name=name, form=drafts.written(name, spec, found.known.version),
            by_file=found.known.managed_by == Managed.FILE,
        )  # fmt: skip
        kept = await _kept(unit, store, page.form)
        shown = await preview(unit, store, drafts.document(page.form, kept))
        return await _context(unit, request, page, replace(shown, plan=None))

    return Template("schedule_edit.html", context=await asking.run(read))


@post("/schedules/new", status_code=200)
async def create(posting: AnAsking, request: AnyRequest) -> Response[Any] | Template:
    """Show, rearrange or create what was written."""
    return await _edited(posting, request, None)


@post("/schedules/{name:str}/edit", status_code=200)
async def save(
    posting: AnAsking, request: AnyRequest, name: FromPath[str]
) -> Response[Any] | Template:
    """Show, rearrange or save what was written."""
    return await _edited(posting, request, name)


@post("/schedules/preview", status_code=200)
async def show(posting: AnAsking, request: AnyRequest) -> Template:
    """Show alone who would be on call by what is written so far."""
    form = drafts.read_form(await request.form())
    shown = await _look(posting, form)
    return Template("_schedule_preview.html", context={"preview": shown})


async def _edited(
    posting: AnAsking, request: AnyRequest, name: str | None
) -> Response[Any] | Template:
    data = await request.form()
    form, verb = drafts.read_form(data), text(data, "do")
    if name is not None:
        form = _named(form, name)
    other = drafts.rearranged(form, verb)
    form = other or form
    status, store = 200, posting.services.store
    if verb == "save":

        async def act(unit: Unit) -> Applied:
            document = drafts.document(form, await _kept(unit, store, form))
            return await store.put(unit, document, seen=form.version)

        try:
            await posting.run(act)
        except MENDABLE as error:
            shown, status = refused(error), error.status
        else:
            return Redirect(f"/schedules/{form.name}", status_code=303)
    else:
        shown = await _look(posting, form)

    async def read(unit: Unit) -> Context:
        unit.require("resource:apply")
        return await _context(unit, request, Page(name=name, form=form), shown)

    context = await posting.run(read)
    return Template("schedule_edit.html", context=context, status_code=status)


def _named(form: ScheduleForm, name: str) -> ScheduleForm:
    """Let a schedule keep its name, whatever the form says."""
    return replace(form, name=name)


async def _kept(unit: Unit, store: Store, form: ScheduleForm) -> drafts.Kept:
    """Return the shifts that stand in the document in force, and that the form does not show."""
    if not any(one.shifts_of for one in form.layers):
        return drafts.NO_SHIFTS
    found = await resources.shown(unit, store, "Schedule", form.name)
    return {
        one["name"]: {key: one[key] for key in ("shifts", "calendar") if one.get(key)}
        for one in found.document.spec.get("layers", ())
    }


async def _look(posting: AnAsking, form: ScheduleForm) -> Preview:
    async def read(unit: Unit) -> Preview:
        unit.require("resource:apply")
        store = posting.services.store
        kept = await _kept(unit, store, form)
        return await preview(unit, store, drafts.document(form, kept))

    try:
        return await posting.run(read)
    except MENDABLE as error:
        return refused(error)


async def _context(unit: Unit, request: AnyRequest, page: Page, shown: Preview) -> Context:
    title = f"Layers of {page.name}" if page.name else "New schedule"
    context = await frame(unit, request, page="oncall", title=title)
    people = unit.config(Directory).people.values()
    may = unit.actor.may_on("resource:apply", page.form.team or None)
    return context | {
        "name": page.name, "form": page.form, "by_file": page.by_file,
        "is_locked": page.by_file or not may, "preview": shown,
        "wrong_layer": drafts.layer_of(shown.field),
        "units": [str(one) for one in RotationUnit], "weekdays": [str(one) for one in WEEK],
        "advances": ADVANCES, "holiday_rules": HOLIDAYS,
        "teams": sorted(unit.config(Teams).by_name),
        "people": sorted(one.name for one in people if one.active),
    }  # fmt: skip


ROUTES: Final = (new, edit, create, save, show)
