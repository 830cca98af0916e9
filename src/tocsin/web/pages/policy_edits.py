"""Write an escalation policy in YAML, and see beside it whom each step would page today."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.durations import written
from tocsin.kernel.errors import Forbidden, Invalid, Refused
from tocsin.kernel.ids import uuid7
from tocsin.kernel.resources import Applied, Document, Managed, Store, yaml_text
from tocsin.kernel.resources import reads as resources
from tocsin.kernel.resources.reading import read as read_documents
from tocsin.kernel.resources.reading import typed
from tocsin.kernel.resources.schema import template
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import CATCH_ALL, Directory
from tocsin.oncall.core.config.policies import to_policies
from tocsin.oncall.model import Policy
from tocsin.web.ladders import PolicyLine, policy_line
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.policies import offset
from tocsin.web.pages.resource_forms import MENDABLE, Form, form_of
from tocsin.web.pages.resource_views import PlanView, plan_view
from tocsin.web.units import AnAsking, AnyRequest

KIND = "EscalationPolicy"
FILE = "line"  # what stands before the number in an error: `line:4`


class Preview(Struct, frozen=True, kw_only=True):
    """What a policy that nobody has saved would do today; else what is wrong with it."""

    line: PolicyLine | None = None
    plan: PlanView | None = None
    error: str = ""


@get("/policies/new")
async def new(asking: AnAsking, request: AnyRequest) -> Template:
    """Offer a policy to be filled in."""
    store = asking.services.store

    async def read(unit: Unit) -> Context:
        unit.require("resource:apply")
        form = Form(text=yaml_text.write([template(store.kinds[KIND])]))
        return await _context(unit, request, None, form, Preview())

    return Template("policy_edit.html", context=await asking.run(read))


@get("/policies/{name:str}/edit")
async def edit(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Show a policy's YAML with whom it pages today. Raises NotFound, Forbidden."""
    store = asking.services.store

    async def read(unit: Unit) -> Context:
        found = await resources.shown(unit, store, KIND, name)
        if found.withheld:
            raise Forbidden(f"{unit.actor.name} may not see all of {KIND}/{name}")
        form = Form(text=yaml_text.write([found.document]), version=found.known.version)
        shown = await _preview(unit, store, found.document)
        by_file = found.known.managed_by == Managed.FILE
        context = await _context(unit, request, name, form, replace(shown, plan=None))
        return context | {"by_file": by_file}

    return Template("policy_edit.html", context=await asking.run(read))


@post("/policies/preview", status_code=200)
async def show(posting: AnAsking, request: AnyRequest) -> Template:
    """Show alone whom what is written so far would page."""
    shown = await _look(posting, await form_of(request), None)
    return Template("_policy_preview.html", context=_words() | {"preview": shown})


@post("/policies/new", status_code=200)
async def create(posting: AnAsking, request: AnyRequest) -> Response[Any] | Template:
    """Preview or create what was written."""
    return await _edited(posting, request, None)


@post("/policies/{name:str}/edit", status_code=200)
async def save(
    posting: AnAsking, request: AnyRequest, name: FromPath[str]
) -> Response[Any] | Template:
    """Preview or save what was written."""
    return await _edited(posting, request, name)


async def _edited(
    posting: AnAsking, request: AnyRequest, name: str | None
) -> Response[Any] | Template:
    form, store, status = await form_of(request), posting.services.store, 200
    placed: list[yaml_text.Placed] = []

    async def act(unit: Unit) -> Applied:
        return await store.put(unit, _document(placed, name), seen=form.version)

    if form.verb == "save":
        try:
            placed += yaml_text.parse(FILE, form.text)
            await posting.run(act)
        except MENDABLE as error:
            shown, status = _refused(error, placed), error.status
        else:
            saved = _document(placed, name).metadata.name
            return Redirect(f"/policies#policy-{saved}", status_code=303)
    else:
        shown = await _look(posting, form, name)

    async def read(unit: Unit) -> Context:
        unit.require("resource:apply")
        return await _context(unit, request, name, form, shown)

    context = await posting.run(read)
    return Template("policy_edit.html", context=context, status_code=status)


async def _look(posting: AnAsking, form: Form, name: str | None) -> Preview:
    placed: list[yaml_text.Placed] = []

    async def read(unit: Unit) -> Preview:
        unit.require("resource:apply")
        return await _preview(unit, posting.services.store, _document(placed, name))

    try:
        placed += yaml_text.parse(FILE, form.text)
        return await posting.run(read)
    except MENDABLE as error:
        return _refused(error, placed)


def _refused(error: Refused, placed: list[yaml_text.Placed]) -> Preview:
    field = error.field if isinstance(error, Invalid) else None
    return Preview(error=yaml_text.located(error.detail, field, placed))


def _document(placed: list[yaml_text.Placed], name: str | None) -> Document:
    documents = [one.document for one in placed]
    if len(documents) != 1 or documents[0].kind != KIND:
        raise Invalid(f"write one document of the kind {KIND}", field="kind")
    if name is not None and documents[0].metadata.name != name:
        raise Invalid(f"a policy keeps its name, {name}", field="metadata.name")
    return documents[0]


async def _preview(unit: Unit, store: Store, document: Document) -> Preview:
    """Walk a policy that is not in force, with the schedules and people that are."""
    plan = await store.plan(unit, [document], managed_by=Managed.SCREEN)
    known = await oncall.directory(unit)
    policy = _compiled(known, store, document)
    meant = replace(known, policies={**known.policies, policy.name: policy})
    return Preview(line=policy_line(policy, meant, unit.now), plan=plan_view(plan))


def _compiled(known: Directory, store: Store, document: Document) -> Policy:
    [wanted] = read_documents([document], store.kinds)
    before = known.policies.get(wanted.name)
    own = Resource(
        before.id if before else uuid7(), KIND, wanted.name, typed(store.kinds[KIND], wanted)
    )
    named = [Resource(one.id, "Person", one.name, None) for one in known.people.values()]
    named += [Resource(one.id, "Schedule", one.name, None) for one in known.schedules.values()]
    policy = to_policies(Resources([own, *named]))[wanted.name]
    last = known.policies.get(CATCH_ALL)
    if policy.catch_all or last is None:
        return policy
    return replace(policy, catch_all=tuple(one for step in last.steps for one in step.targets))


def _words() -> Context:
    return {"offset": offset, "span": written}


async def _context(
    unit: Unit, request: AnyRequest, name: str | None, form: Form, shown: Preview
) -> Context:
    title = f"Edit policy {name}" if name else "New policy"
    context = await frame(unit, request, page="policies", title=title)
    may = unit.actor.may("resource:apply")
    return context | _words() | {
        "name": name, "form": form, "preview": shown, "by_file": False, "may": may,
    }  # fmt: skip


ROUTES: Final = (new, edit, show, create, save)
