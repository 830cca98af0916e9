"""Delete a resource, roll it back, cancel what is scheduled: each asks first and says what comes."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec.structs import replace

from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.resources import Applied, Managed, reads
from tocsin.kernel.unit import Unit
from tocsin.web.pages.resource_forms import MENDABLE, Asks, Form, form_of, shown
from tocsin.web.pages.resource_views import plan_view
from tocsin.web.pages.resources import Version, known
from tocsin.web.units import AnAsking, AnyRequest


@get("/resources/{kind:str}/{name:str}/delete")
async def ask_delete(
    asking: AnAsking, request: AnyRequest, kind: FromPath[str], name: FromPath[str]
) -> Template:
    """Ask before a deletion, and say what would come of it."""
    found = await _deletion(asking, kind, name, Form())
    return await shown(asking, request, found, "resource_delete.html")


@post("/resources/{kind:str}/{name:str}/delete", status_code=200)
async def delete(
    posting: AnAsking, request: AnyRequest, kind: FromPath[str], name: FromPath[str]
) -> Response[Any] | Template:
    """Delete a resource whose name was typed."""
    form = await form_of(request)
    asks = await _deletion(posting, kind, name, form)
    if form.name != name:
        wrong = replace(asks, error=f"type {name} to delete it", status=Invalid.status)
        return await shown(posting, request, wrong, "resource_delete.html")

    async def act(unit: Unit) -> Applied:
        return await posting.services.store.delete(
            unit, kind, name, seen=form.version, take_over=form.take_over
        )

    return await _do(posting, request, asks, act, "resource_delete.html")


async def _deletion(asking: AnAsking, kind: str, name: str, form: Form) -> Asks:
    store = asking.services.store
    url = f"/resources/{kind}/{name}"
    asks = Asks(title=f"Delete {kind}/{name}", action=f"{url}/delete", back=url, form=form)

    async def look(unit: Unit) -> Asks:
        unit.require("resource:apply")
        one = await known(unit, store, kind, name)
        version = form.version or one.version
        return replace(
            asks,
            form=replace(form, version=version),
            by_file=one.managed_by == Managed.FILE,
            plan=plan_view(await store.plan_deletion(unit, kind, name)),
        )

    try:
        return await asking.run(look)
    except Conflict as error:
        return replace(asks, error=error.detail)


@get("/resources/{kind:str}/{name:str}/rollback")
async def ask_rollback(
    asking: AnAsking,
    request: AnyRequest,
    kind: FromPath[str],
    name: FromPath[str],
    to: Version = None,
) -> Template:
    """Ask before a rollback, and say what would come of it."""
    found = await _return(asking, kind, name, Form(to=to or 0))
    return await shown(asking, request, found, "resource_rollback.html")


@post("/resources/{kind:str}/{name:str}/rollback", status_code=200)
async def rollback(
    posting: AnAsking, request: AnyRequest, kind: FromPath[str], name: FromPath[str]
) -> Response[Any] | Template:
    """Make an older version a new one."""
    form = await form_of(request)
    asks = await _return(posting, kind, name, form)

    async def act(unit: Unit) -> Applied:
        return await posting.services.store.rollback(
            unit, kind, name, to=form.to, seen=form.version, take_over=form.take_over
        )

    return await _do(posting, request, asks, act, "resource_rollback.html")


async def _return(asking: AnAsking, kind: str, name: str, form: Form) -> Asks:
    store = asking.services.store
    url = f"/resources/{kind}/{name}"
    title = f"Roll {kind}/{name} back to version {form.to}"
    asks = Asks(title=title, action=f"{url}/rollback", back=url, form=form)

    async def look(unit: Unit) -> Asks:
        document = await store.older(unit, kind, name, form.to)
        found = (await reads.history(unit, store, kind, name)).known
        is_there = found is not None and not found.deleted
        version = found.version if found and is_there else 0
        plan = await store.plan(unit, [document], managed_by=Managed.SCREEN)
        return replace(
            asks,
            form=replace(form, version=form.version or version),
            by_file=bool(found and is_there and found.managed_by == Managed.FILE),
            plan=plan_view(plan),
        )

    try:
        return await asking.run(look)
    except (Invalid, Conflict) as error:
        return replace(asks, error=error.detail)


@post("/resources/{kind:str}/{name:str}/cancel", status_code=303)
async def cancel(posting: AnAsking, kind: FromPath[str], name: FromPath[str]) -> Redirect:
    """Cancel what is scheduled for a resource."""

    async def act(unit: Unit) -> Applied:
        return await posting.services.store.cancel(unit, kind, name)

    await posting.run(act)
    return Redirect(f"/resources/{kind}/{name}", status_code=303)


async def _do(
    posting: AnAsking,
    request: AnyRequest,
    asks: Asks,
    act: Callable[[Unit], Awaitable[Applied]],
    page: str,
) -> Response[Any] | Template:
    try:
        await posting.run(act)
    except MENDABLE as error:
        return await shown(
            posting, request, replace(asks, error=error.detail, status=error.status), page
        )
    return Redirect(asks.back, status_code=303)


ROUTES: Final = (ask_delete, delete, ask_rollback, rollback, cancel)
