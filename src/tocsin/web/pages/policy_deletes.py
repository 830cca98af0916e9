"""Delete a policy: which routes call by it, whom that pages instead, and then its name to be typed."""

from collections.abc import Iterator
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Conflict
from tocsin.kernel.resources import Applied, Managed
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import CATCH_ALL, DEFAULT, Directory
from tocsin.triage.model import Routing
from tocsin.web.forms import number, text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.policy_drafts import KIND
from tocsin.web.pages.resource_forms import MENDABLE
from tocsin.web.pages.resource_views import PlanView, plan_view
from tocsin.web.pages.resources import known
from tocsin.web.units import AnAsking, AnyRequest

PAGE = "policy_delete.html"


class Use(Struct, frozen=True):
    """What calls by a policy, in words, and where that is changed; "" where nothing has to be."""

    words: str
    href: str


class Deletion(Struct, frozen=True, kw_only=True):
    """What is asked before a policy is deleted; `blocked`: why it cannot be yet."""

    name: str
    version: int
    by_file: bool
    uses: tuple[Use, ...]
    plan: PlanView | None = None
    blocked: str = ""
    error: str = ""
    typed: str = ""
    status: int = 200


@get("/policies/{name:str}/delete")
async def ask(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Say what calls by a policy, and whom its deletion would page instead. Raises NotFound."""
    return await _shown(asking, request, await _deletion(asking, name))


@post("/policies/{name:str}/delete", status_code=200)
async def delete(
    posting: AnAsking, request: AnyRequest, name: FromPath[str]
) -> Response[Any] | Template:
    """Delete a policy whose name was typed."""
    form = await request.form()
    found = await _deletion(posting, name)
    found = replace(
        found,
        typed=text(form, "name").strip(),
        version=number(form, "version") or found.version,
    )
    if found.typed != name:
        wrong = replace(found, error=f"type {name} to delete it", status=422)
        return await _shown(posting, request, wrong)

    async def act(unit: Unit) -> Applied:
        return await posting.services.store.delete(unit, KIND, name, seen=found.version)

    try:
        await posting.run(act)
    except MENDABLE as error:
        refused = replace(found, error=error.detail, status=error.status)
        return await _shown(posting, request, refused)
    return Redirect("/policies", status_code=303)


async def _deletion(asking: AnAsking, name: str) -> Deletion:
    store = asking.services.store

    async def read(unit: Unit) -> Deletion:
        unit.require("resource:apply")
        one = await known(unit, store, KIND, name)
        uses = tuple(_uses(name, unit.config(Routing), unit.config(Directory)))
        found = Deletion(
            name=name, version=one.version, by_file=one.managed_by == Managed.FILE, uses=uses
        )
        try:
            plan = await store.plan_deletion(unit, KIND, name)
        except Conflict as error:
            return replace(found, blocked=error.detail)
        return replace(found, plan=plan_view(plan))

    return await asking.run(read)


def _uses(name: str, routing: Routing, directory: Directory) -> Iterator[Use]:
    """Name the routes that call by a policy, and what else falls back on it."""
    for route in routing.routes:
        if route.policy == name:
            yield Use(f"Route {route.name} calls by it", f"/resources/Route/{route.name}/edit")
        elif directory.policy(route.policy).name == name and route.policy != name:
            yield Use(f"Route {route.name} names no policy and calls by this one", "")
    if directory.policy(routing.default.policy).name == name:
        yield Use("Alerts that no route takes call by it", "")
    if name == CATCH_ALL:
        yield Use("It stands in for the catch-all of every policy that has none", "")
    if name == DEFAULT:
        yield Use("Open pages of a policy that is gone go on by it", "")


async def _shown(asking: AnAsking, request: AnyRequest, found: Deletion) -> Template:
    async def read(unit: Unit) -> Context:
        title = f"Delete policy {found.name}"
        return await frame(unit, request, page="policies", title=title) | {"deletion": found}

    return Template(PAGE, context=await asking.run(read), status_code=found.status)


ROUTES: Final = (ask, delete)
