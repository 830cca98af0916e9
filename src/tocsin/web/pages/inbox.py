"""The web inbox: what I was paged about, for the screen, for the badge and for the service worker."""

from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct

from tocsin.kernel.errors import NotFound, Refused
from tocsin.kernel.ids import PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions, reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.message import RESTRICTED
from tocsin.oncall.model import PageState, Show
from tocsin.oncall.reads import InboxItem
from tocsin.web.forms import several, stay
from tocsin.web.pages.frame import Context, frame
from tocsin.web.services import Services
from tocsin.web.templating import MANIFEST, assets
from tocsin.web.units import AnAsking, AnyRequest

NEWEST = 5
MANY_MAX = 100
CHANNEL = "web inbox"
TEST = "Test message"


class ItemView(Struct, frozen=True, kw_only=True):
    """One message on the screen. `state` is the page's, or `test`."""

    id: UUID
    title: str
    reference: str
    state: str
    by: str
    at: datetime
    is_new: bool
    can_ack: bool


class Newest(Struct, frozen=True, kw_only=True):
    """A message that was not opened; `ack_path` takes a plain POST, no cookie needed."""

    id: UUID
    title: str
    reference: str
    at: datetime
    url: str
    ack_path: str | None
    ringing: bool


class Unseen(Struct, frozen=True, kw_only=True):
    """How many messages were not opened, and the newest of them."""

    count: int
    items: tuple[Newest, ...]


def item_view(item: InboxItem, directory: Directory) -> ItemView:
    """Show a message; of what is restricted nothing but that it is there."""
    by = directory.name_of(item.acknowledged_by) if item.acknowledged_by else ""
    return ItemView(
        id=item.id, title=_title(item), reference=_reference(item),
        state=str(item.page_state or ("notice" if item.title else "test")),
        by=by if item.page_state is PageState.ACKNOWLEDGED else "", at=item.queued_at,
        is_new=item.seen_at is None, can_ack=item.is_ringing and item.page_id is not None,
    )  # fmt: skip


def _title(item: InboxItem) -> str:
    if item.page_id is None:
        return item.title or TEST
    return item.title if item.is_visible else RESTRICTED


def _reference(item: InboxItem) -> str:
    return f"INC-{item.number}" if item.number is not None else ""


@get("/inbox")
async def inbox(asking: AnAsking, request: AnyRequest) -> Template:
    """Show my messages, newest first. Looking opens none of them."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="inbox", title="Inbox")
        directory = unit.config(Directory)
        items = [item_view(one, directory) for one in await reads.inbox(unit)]
        is_person = unit.actor.person_id in directory.people
        return context | {"items": items, "is_person": is_person}

    return Template("inbox.html", context=await asking.run(read))


@get("/inbox/unseen")
async def unseen(asking: AnAsking) -> Unseen:
    """Say what is new, for the badge, the sound and the browser's own notification."""

    async def read(unit: Unit) -> tuple[int, list[InboxItem]]:
        count = await reads.unseen_count(unit)
        found = await reads.inbox(unit, limit=4 * NEWEST) if count else []
        return count, [one for one in found if one.seen_at is None][:NEWEST]

    count, found = await asking.run(read)
    person_id = asking.actor.person_id
    items = [await _newest(asking.services, person_id, one) for one in found if person_id]
    return Unseen(count=count, items=tuple(items))


async def _newest(services: Services, person_id: UUID, item: InboxItem) -> Newest:
    ack_path = None
    if item.is_ringing and item.page_id is not None:
        link = await services.ack_link(person_id, item.page_id)
        # the browser may have come by another name than the links carry
        ack_path = link.removeprefix(services.settings.base_url) + "?via=inbox"
    is_told = item.page_id is None or item.show is not Show.REFERENCE
    return Newest(
        id=item.id, title=_title(item) if is_told else "", reference=_reference(item),
        at=item.queued_at, url=f"/incidents/{_reference(item)}" if item.number else "/inbox",
        ack_path=ack_path, ringing=item.is_ringing,
    )  # fmt: skip


@post("/inbox/seen", status_code=303)
async def see_all(posting: AnAsking) -> Redirect:
    """Mark everything as opened."""

    async def act(unit: Unit) -> None:
        await actions.open_messages(unit)

    await posting.run(act)
    return Redirect("/inbox", status_code=303)


@post("/inbox/{item_id:uuid}/open", status_code=303)
async def open_one(posting: AnAsking, item_id: FromPath[UUID]) -> Redirect:
    """Mark a message as opened, and lead to its incident."""

    async def act(unit: Unit) -> str:
        item = await _own(unit, item_id)
        await actions.open_messages(unit, [item.id])
        is_shown = item.number is not None and item.is_visible
        return f"/incidents/{_reference(item)}" if is_shown else "/inbox"

    return Redirect(await posting.run(act), status_code=303)


@post("/inbox/{item_id:uuid}/acknowledge", status_code=303)
async def acknowledge_one(posting: AnAsking, item_id: FromPath[UUID]) -> Redirect:
    """Take the page that a message is about."""
    await posting.run(lambda unit: _take(unit, item_id))
    return Redirect("/inbox", status_code=303)


@post("/inbox/acknowledge", status_code=303)
async def acknowledge_all(posting: AnAsking, request: AnyRequest) -> Response[Any]:
    """Take the pages of all messages that stood on the screen, and of none that came since.

    One by one: what is refused stops nothing else. Raises the first refusal once all are done.
    """
    chosen = several(await request.form(), "id")[:MANY_MAX]
    refusals: list[Refused] = []
    for item_id in chosen:
        try:
            await posting.run(partial(_take, item_id=_id(item_id)))
        except Refused as refused:
            refusals.append(refused)
    if refusals:
        raise refusals[0]
    return stay(request, "/inbox")


async def _take(unit: Unit, item_id: UUID) -> None:
    item = await _own(unit, item_id)
    if item.page_id is not None:
        await actions.acknowledge(unit, PageId(item.page_id), channel=CHANNEL)
    await actions.open_messages(unit, [item.id])


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("this message is not in your inbox") from error


async def _own(unit: Unit, item_id: UUID) -> InboxItem:
    for item in await reads.inbox(unit):
        if item.id == item_id:
            return item
    raise NotFound("this message is not in your inbox")


@get("/sw.js")
async def service_worker() -> Response[bytes]:
    """Serve the service worker from the root, where alone it may speak for every page."""
    built = MANIFEST.parent / assets()["sw.ts"]
    if not built.is_file():
        raise NotFound("the service worker was not built")
    headers = {"cache-control": "no-cache"}
    return Response(built.read_bytes(), media_type="text/javascript", headers=headers)


ROUTES: Final = (
    inbox, unseen, see_all, open_one, acknowledge_one, acknowledge_all, service_worker,
)  # fmt: skip
