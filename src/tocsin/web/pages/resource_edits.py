"""Write a resource on screen: a form with its YAML that shows first what would come of it."""

from typing import Annotated, Any, Final

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec.structs import replace

from tocsin.kernel.errors import Forbidden, Invalid, NotFound, Refused
from tocsin.kernel.resources import Applied, Document, Managed, Plan, reads, yaml_text
from tocsin.kernel.resources.schema import template
from tocsin.kernel.unit import Unit
from tocsin.web.pages.frame import Context
from tocsin.web.pages.resource_forms import MENDABLE, Asks, Flag, Form, form_of, page_of, shown
from tocsin.web.pages.resource_views import plan_view
from tocsin.web.units import AnAsking, AnyRequest

FILE = "line"  # what stands before the number in an error: `line:4`
KindName = Annotated[str, QueryParameter(max_length=63)]


@get("/resources/new")
async def new(asking: AnAsking, request: AnyRequest, kind: KindName = "Route") -> Template:
    """Offer a form for a new resource of a kind."""
    store = asking.services.store

    async def read(unit: Unit) -> Context:
        unit.require("resource:apply")
        if kind not in store.kinds:
            raise NotFound(f"unknown kind; known: {', '.join(sorted(store.kinds))}")
        asks = _new(Form(text=yaml_text.write([template(store.kinds[kind])])))
        return await page_of(unit, request, asks)

    return Template("resource_edit.html", context=await asking.run(read))


@post("/resources/new", status_code=200)
async def create(posting: AnAsking, request: AnyRequest) -> Response[Any] | Template:
    """Preview or create what was written."""
    form = await form_of(request)
    return await _edited(posting, request, _new(form), None)


def _new(form: Form) -> Asks:
    return Asks(title="New resource", action="/resources/new", back="/resources", form=form)


@get("/resources/{kind:str}/{name:str}/edit")
async def edit(
    asking: AnAsking,
    request: AnyRequest,
    kind: FromPath[str],
    name: FromPath[str],
    take_over: Flag = False,  # noqa: FBT002 - a query parameter
) -> Template:
    """Offer a form with the YAML of a resource. Raises NotFound, Forbidden."""

    async def read(unit: Unit) -> Context:
        unit.require("resource:apply")
        found = await reads.shown(unit, asking.services.store, kind, name)
        if found.withheld:
            raise Forbidden(f"{unit.actor.name} may not see all of {kind}/{name}")
        form = Form(
            text=yaml_text.write([found.document]),
            version=found.known.version,
            take_over=take_over,
        )
        by_file = found.known.managed_by == Managed.FILE
        return await page_of(unit, request, _edit(kind, name, form, by_file=by_file))

    return Template("resource_edit.html", context=await asking.run(read))


@post("/resources/{kind:str}/{name:str}/edit", status_code=200)
async def save(
    posting: AnAsking, request: AnyRequest, kind: FromPath[str], name: FromPath[str]
) -> Response[Any] | Template:
    """Preview or save what was written."""
    asks = _edit(kind, name, await form_of(request), by_file=False)
    return await _edited(posting, request, asks, (kind, name))


def _edit(kind: str, name: str, form: Form, *, by_file: bool) -> Asks:
    url = f"/resources/{kind}/{name}"
    title = f"Edit {kind}/{name}"
    return Asks(title=title, action=f"{url}/edit", back=url, form=form, by_file=by_file)


async def _edited(
    posting: AnAsking, request: AnyRequest, asks: Asks, key: tuple[str, str] | None
) -> Response[Any] | Template:
    form, store = asks.form, posting.services.store
    placed: list[yaml_text.Placed] = []

    async def act(unit: Unit) -> Applied:
        document = _document(placed, key)
        seen = form.version
        return await store.put(unit, document, seen=seen, take_over=form.take_over)

    async def look(unit: Unit) -> Plan:
        unit.require("resource:apply")
        return await store.plan(unit, [_document(placed, key)], managed_by=Managed.SCREEN)

    try:
        placed += yaml_text.parse(FILE, form.text)
        if form.verb == "save":
            await posting.run(act)
            kind, name = _document(placed, key).key
            return Redirect(f"/resources/{kind}/{name}", status_code=303)
        plan = plan_view(await posting.run(look))
    except MENDABLE as error:
        detail = yaml_text.located(error.detail, error.field, placed)
        return await _again(posting, request, asks, error, detail)
    return await shown(posting, request, replace(asks, plan=plan), "resource_edit.html")


def _document(placed: list[yaml_text.Placed], key: tuple[str, str] | None) -> Document:
    if len(placed) != 1:
        raise Invalid(f"there are {len(placed)} documents; write one")
    found = placed[0].document
    if key is not None and found.key != key:
        raise Invalid(
            f"{'/'.join(found.key)}: metadata.name: this is {'/'.join(key)}; a resource keeps"
            " its kind and its name",
            field="metadata.name",
        )
    return found


async def _again(
    posting: AnAsking, request: AnyRequest, asks: Asks, error: Refused, detail: str
) -> Template:
    asks = replace(asks, error=detail, status=error.status)
    return await shown(posting, request, asks, "resource_edit.html")


ROUTES: Final = (new, create, edit, save)
