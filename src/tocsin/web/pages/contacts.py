"""By what I am paged: my methods, whether they wake me, their proof, their test, my browsers."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Template

from tocsin.kernel.errors import Conflict, Invalid, NotFound, Refused, TooMany
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.core.config import Directory
from tocsin.web.api.people import person_named
from tocsin.web.forms import stay, text
from tocsin.web.pages.contact_views import SHOWN, ReachView, kinds, reach_view, written
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.sign_in import sentence
from tocsin.web.problems import retry_after
from tocsin.web.units import AnAsking, AnyRequest, Asking

HERE = "/account/contacts"
MENDABLE = (Invalid, Conflict, NotFound, TooMany)
Act = Callable[[Unit], Awaitable[None]]


async def own_reach(unit: Unit) -> ReachView | None:
    """Gather what is known of the asker's methods; None for who is nobody that can be paged."""
    person_id = unit.actor.person_id
    person = unit.config(Directory).people.get(person_id) if person_id else None
    return await reach_view(unit, person) if person else None


@get(HERE)
async def contacts(asking: AnAsking, request: AnyRequest) -> Template:
    """Show my contact methods."""
    return await _page(asking, request)


@get("/people/{name:str}/contacts")
async def contacts_of(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Show somebody's contact methods to who may see addresses."""

    async def read(unit: Unit) -> Context:
        found = person_named(unit.config(Directory), name)
        title = f"Contact methods of {found.display_name}"
        context = await frame(unit, request, page="people", title=title)
        unit.require("person:read")
        return context | {"person": found, "reach": await reach_view(unit, found)}

    return Template("contacts_of.html", context=await asking.run(read))


@post(HERE + "/{index:int}/test", status_code=303)
async def test_contact(
    posting: AnAsking, request: AnyRequest, index: FromPath[int]
) -> Response[Any] | Template:
    """Send a test to myself; the page that follows says how it went."""

    async def act() -> None:
        await posting.services.try_contact(posting.actor, index)

    return await _done(posting, request, act(), at=index)


@post(HERE + "/{index:int}/code", status_code=303)
async def send_code(
    posting: AnAsking, request: AnyRequest, index: FromPath[int]
) -> Response[Any] | Template:
    """Send a code by one of my methods."""

    async def act() -> None:
        await posting.services.send_code(posting.actor, index)

    return await _done(posting, request, act(), at=index)


@post(HERE + "/{index:int}/verify", status_code=303)
async def verify(
    posting: AnAsking, request: AnyRequest, index: FromPath[int]
) -> Response[Any] | Template:
    """Verify one of my methods by the code that was sent to it."""
    code = text(await request.form(), "code")

    async def act() -> None:
        await posting.services.enter_code(posting.actor, index, code)

    return await _done(posting, request, act(), at=index)


@post(HERE + "/add", status_code=303)
async def add(posting: AnAsking, request: AnyRequest) -> Response[Any] | Template:
    """Add a method of my own."""
    form = await request.form()
    kind, address, secret, show, place = (
        text(form, name) for name in ("type", "address", "secret", "show", "place")
    )
    contact = written(kind, address, secret, show)
    store, is_first = posting.services.store, place == "first"

    async def change(unit: Unit) -> None:
        await actions.add_contact(unit, store, contact, first=is_first)

    return await _done(posting, request, posting.run(change), typed={"type": kind})


@post(HERE + "/{index:int}/remove", status_code=303)
async def remove(
    posting: AnAsking, request: AnyRequest, index: FromPath[int]
) -> Response[Any] | Template:
    """Remove one of my methods."""
    seen = text(await request.form(), "seen")
    store = posting.services.store

    async def change(unit: Unit) -> None:
        await actions.remove_contact(unit, store, index, seen=seen)

    return await _done(posting, request, posting.run(change), at=index)


@post(HERE + "/{index:int}/earlier", status_code=303)
async def put_earlier(
    posting: AnAsking, request: AnyRequest, index: FromPath[int]
) -> Response[Any] | Template:
    """Try one of my methods one place earlier."""
    seen = text(await request.form(), "seen")
    store = posting.services.store

    async def change(unit: Unit) -> None:
        await actions.raise_contact(unit, store, index, seen=seen)

    return await _done(posting, request, posting.run(change), at=index)


@post("/account/push/{device_id:uuid}/rename", status_code=303)
async def rename_device(
    posting: AnAsking, request: AnyRequest, device_id: FromPath[UUID]
) -> Response[Any] | Template:
    """Call one of my browsers otherwise."""
    name = text(await request.form(), "name")

    async def change(unit: Unit) -> None:
        await actions.rename_device(unit, device_id, name)

    return await _done(posting, request, posting.run(change))


@post("/account/push/{device_id:uuid}/remove", status_code=303)
async def remove_device(
    posting: AnAsking, request: AnyRequest, device_id: FromPath[UUID]
) -> Response[Any] | Template:
    """Push reaches one of my browsers no more."""

    async def change(unit: Unit) -> None:
        await actions.remove_device(unit, device_id)

    return await _done(posting, request, posting.run(change))


async def _done(
    posting: Asking,
    request: AnyRequest,
    act: Awaitable[None],
    *,
    at: int | None = None,
    typed: dict[str, str] | None = None,
) -> Response[Any] | Template:
    """Do it and show the page again, or say on the page what is wrong, at the method it is about."""
    try:
        await act
    except MENDABLE as error:
        return await _page(posting, request, error=error, at=at, typed=typed)
    return stay(request, HERE)


async def _page(
    asking: Asking,
    request: AnyRequest,
    *,
    error: Refused | None = None,
    at: int | None = None,
    typed: dict[str, str] | None = None,
) -> Template:
    key = await asking.services.push.application_key()

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="account", title="Contact methods")
        reach = await own_reach(unit)
        is_ours = reach is not None and await actions.contacts_are_ours(unit)
        return context | {"reach": reach, "is_ours": is_ours}

    context = await asking.run(read)
    said = {"say": sentence(error), "say_at": at, "typed": typed or {}, "push_key": key}
    return Template(
        "contacts.html",
        context=context | said | {"kinds": kinds(), "shows": list(SHOWN.items())},
        status_code=error.status if error else 200,
        headers=retry_after(error) if error else None,
    )


ROUTES: Final = (
    contacts, contacts_of, test_contact, send_code, verify, add, remove, put_earlier,
    rename_device, remove_device,
)  # fmt: skip
