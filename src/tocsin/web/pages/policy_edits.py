"""The policy editor: steps as rows or as YAML, and beside them whom they would page today."""

from typing import Annotated, Any, Final, cast

import msgspec
from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec.structs import replace

from tocsin.kernel.errors import Forbidden, Invalid, NotFound, PreconditionFailed, TooLarge
from tocsin.kernel.resources import Applied, Document, Managed, yaml_text
from tocsin.kernel.resources import reads as resources
from tocsin.kernel.resources.reading import read as read_documents
from tocsin.kernel.resources.reading import typed
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config.policies import PolicySpec
from tocsin.web.forms import DIGITS_MAX, number, text
from tocsin.web.pages import policy_drafts as drafts
from tocsin.web.pages.policy_drafts import KIND, PolicyForm, StepForm
from tocsin.web.pages.policy_pages import FORM, YAML, Page, context_of
from tocsin.web.pages.policy_previews import Preview, look_of, preview, problem_of
from tocsin.web.pages.resource_forms import MENDABLE, TEXT_MAX, Flag
from tocsin.web.units import AnAsking, AnyRequest

FILE = "line"  # what stands before the number in an error: `line:4`
PREVIEW = "_policy_preview.html"
UNNAMED = "new-policy"  # what a draft is called until somebody names it
View = Annotated[str, QueryParameter(max_length=10)]


@get("/policies/new")
async def new(asking: AnAsking, request: AnyRequest, view: View = FORM) -> Template:
    """Offer a policy to be filled in."""

    async def read(unit: Unit) -> dict[str, object]:
        unit.require("resource:apply")
        page = Page(form=PolicyForm(steps=(StepForm(),)), focus="name")
        return await context_of(unit, request, _seen_as(page, view))

    return Template("policy_edit.html", context=await asking.run(read))


@get("/policies/{name:str}/edit")
async def edit(
    asking: AnAsking,
    request: AnyRequest,
    name: FromPath[str],
    view: View = FORM,
    take_over: Flag = False,  # noqa: FBT002 - a query parameter
) -> Template:
    """Show a policy with whom it pages today. Raises NotFound, Forbidden."""
    services = asking.services

    async def read(unit: Unit) -> dict[str, object]:
        found = await resources.shown(unit, services.store, KIND, name)
        if found.withheld:
            raise Forbidden(f"{unit.actor.name} may not see all of {KIND}/{name}")
        page = Page(
            name=name, form=drafts.written(name, msgspec.convert(found.document.spec, PolicySpec)),
            version=found.known.version, take_over=take_over,
            by_file=found.known.managed_by == Managed.FILE, owner=found.document.spec.get("team"),
        )  # fmt: skip
        if view == YAML:  # as it is stored, and not what its form would make of it
            page = replace(page, view=YAML, text=yaml_text.write([found.document]))
        try:
            shown = await preview(unit, services, found.document, page.look)
        except MENDABLE as error:  # what is in force can have lost what it points at
            shown = Preview(problem=problem_of(error))
        return await context_of(unit, request, replace(page, preview=replace(shown, plan=None)))

    return Template("policy_edit.html", context=await asking.run(read))


@post("/policies/preview", status_code=200)
async def show(posting: AnAsking, request: AnyRequest) -> Template:
    """Show alone whom what is written so far would page."""
    page = _read(await request.form(), None)
    return Template(PREVIEW, context={"editor": await _looked(posting, page)})


@post("/policies/new", status_code=200)
async def create(posting: AnAsking, request: AnyRequest) -> Response[Any] | Template:
    """Show, rearrange or create what was written."""
    return await _edited(posting, request, None)


@post("/policies/{name:str}/edit", status_code=200)
async def save(
    posting: AnAsking, request: AnyRequest, name: FromPath[str]
) -> Response[Any] | Template:
    """Show, rearrange or save what was written."""
    return await _edited(posting, request, name)


async def _edited(
    posting: AnAsking, request: AnyRequest, name: str | None
) -> Response[Any] | Template:
    data = await request.form()
    page, verb = _read(data, name), text(data, "do")
    if verb == "save":
        saved = await _saved(posting, page)
        if isinstance(saved, str):
            return Redirect(f"/policies#policy-{saved}", status_code=303)
        page = saved
    else:
        page = await _looked(posting, _turned(posting, page, verb))

    async def read(unit: Unit) -> dict[str, object]:
        unit.require("resource:apply")
        return await context_of(unit, request, await _known(unit, posting, page))

    context = await posting.run(read)
    status = page.preview.problem.status if verb == "save" and page.preview.problem else 200
    return Template("policy_edit.html", context=context, status_code=status)


async def _known(unit: Unit, posting: AnAsking, page: Page) -> Page:
    """Add what is in force by that name: its version, and who manages it."""
    if page.name is None:
        return page
    try:
        found = await resources.shown(unit, posting.services.store, KIND, page.name)
    except NotFound:
        return replace(page, current=0)
    by_file, owner = found.known.managed_by == Managed.FILE, found.document.spec.get("team")
    return replace(page, current=found.known.version, by_file=by_file, owner=owner)


async def _saved(posting: AnAsking, page: Page) -> str | Page:
    """Save a draft and return its name; else the page that says why not."""
    placed: list[yaml_text.Placed] = []

    async def act(unit: Unit) -> Applied:
        return await posting.services.store.put(
            unit, _document(page, placed), seen=page.version, take_over=page.take_over
        )

    try:
        await posting.run(act)
        return _document(page, placed).metadata.name
    except MENDABLE as error:
        problem = problem_of(error, _located(error, placed))
        outdated = isinstance(error, PreconditionFailed)
        if outdated and page.name is None:
            cure = "there is a policy of that name already; choose another name"
            problem = replace(problem, words=cure, place="name")
        return replace(
            page, preview=Preview(problem=problem), outdated=outdated, focus=problem.place
        )


async def _looked(posting: AnAsking, page: Page) -> Page:
    """Add to a draft whom it would page, or what is wrong with it."""
    if page.preview.problem:
        return page
    placed: list[yaml_text.Placed] = []
    is_unnamed = page.view == FORM and not page.form.name
    form = replace(page.form, name=UNNAMED) if is_unnamed else page.form
    meant = replace(page, form=form)

    async def read(unit: Unit) -> Preview:
        unit.require("resource:apply")
        shown = await preview(unit, posting.services, _document(meant, placed), page.look)
        return replace(shown, plan=None) if is_unnamed else shown

    try:
        shown = await posting.run(read)
    except MENDABLE as error:
        shown = Preview(problem=problem_of(error, _located(error, placed)))
    return replace(page, preview=shown)


def _located(error: Exception, placed: list[yaml_text.Placed]) -> str:
    """Say on which line of the YAML something is wrong; "" where there is none."""
    detail = getattr(error, "detail", str(error))
    if not placed:
        return detail if detail.startswith(f"{FILE}:") else ""
    return yaml_text.located(detail, getattr(error, "field", None), placed)


def _read(data: FormMultiDict, name: str | None) -> Page:
    """Read a draft as it was posted. Raises TooLarge."""
    said = text(data, "text")
    if len(said) > TEXT_MAX:
        raise TooLarge(f"more than {TEXT_MAX} characters; use `tocsin apply`")
    is_yaml = text(data, "view") == YAML or ("text" in data and "view" not in data)
    form = drafts.read_form(data)
    return Page(
        name=name, view=YAML if is_yaml else FORM, text=said.replace("\r\n", "\n"),
        form=replace(form, name=name) if name else form, look=look_of(data),
        version=number(data, "version") or 0, take_over=text(data, "take_over") == "yes",
    )  # fmt: skip


def _turned(posting: AnAsking, page: Page, verb: str) -> Page:
    """Do to a draft what a button says: rearrange, show it the other way, put it on top."""
    what, _, version = verb.partition("-")
    if what == "rebase" and version.isascii() and version.isdigit():
        return replace(page, version=int(version[:DIGITS_MAX]))
    if page.view == FORM and (moved := drafts.rearranged(page.form, verb)):
        return replace(page, form=moved.form, focus=moved.focus)
    placed: list[yaml_text.Placed] = []
    try:
        if verb == YAML and page.view == FORM:
            return _seen_as(replace(page, form=drafts.added(page.form)), YAML)
        if verb == FORM and page.view == YAML:
            found = _document(page, placed)
            kinds = posting.services.store.kinds
            [wanted] = read_documents([found], kinds)
            spec = cast("PolicySpec", typed(kinds[KIND], wanted))
            form = drafts.written(found.metadata.name, spec)
            from_ = found.metadata.effective_from
            form = replace(form, effective_from=from_.isoformat() if from_ else "")
            return replace(page, view=FORM, form=form)
    except MENDABLE as error:
        problem = problem_of(error, _located(error, placed))
        return replace(page, preview=Preview(problem=problem))
    return page


def _seen_as(page: Page, view: str) -> Page:
    """Show a draft as YAML where that is asked for; an empty one as what has to be filled in."""
    if view != YAML:
        return page
    form = page.form
    if not any(one.called for one in form.steps):
        blank = (
            replace(form.steps[0], targets=("schedule:my-schedule",))
            if form.steps
            else StepForm()
        )
        form = replace(form, name=form.name or "my-policy", steps=(blank, *form.steps[1:]))
    return replace(page, view=YAML, text=yaml_text.write([drafts.document(form)]))


def _document(page: Page, placed: list[yaml_text.Placed]) -> Document:
    """Return what a draft means; of YAML it is noted where it stands. Raises Invalid."""
    if page.view == FORM:
        return drafts.document(page.form)
    placed[:] = yaml_text.parse(FILE, page.text)
    documents = [one.document for one in placed]
    if len(documents) != 1 or documents[0].kind != KIND:
        raise Invalid(f"write one document of the kind {KIND}", field="kind")
    if page.name is not None and documents[0].metadata.name != page.name:
        raise Invalid(f"a policy keeps its name, {page.name}", field="metadata.name")
    return documents[0]


ROUTES: Final = (new, edit, show, create, save)
