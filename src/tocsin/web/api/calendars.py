"""Calendars for programs: made and revoked by people, read by whoever has the address."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter
from msgspec import Meta, Struct

import tocsin.oncall.actions as acting
import tocsin.oncall.reads as oncall
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall.model import Feed, FeedKind
from tocsin.web.api.idempotency import SECRET
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking, AnyRequest, Asking, services_of

MEDIA = "text/calendar"
SUFFIX = ".ics"


class CalendarWanted(Struct, frozen=True, kw_only=True):
    """`person`: my own shifts, or of who is named; `schedule` and `team` by name."""

    kind: FeedKind = FeedKind.PERSON
    name: Annotated[str, Meta(max_length=100)] = ""


class CalendarShape(Struct, frozen=True, kw_only=True):
    """A calendar that programs read."""

    id: UUID
    kind: FeedKind
    name: str
    created_at: datetime
    used_at: datetime | None


class CalendarMade(Struct, frozen=True, kw_only=True):
    """`url` holds the secret, and is shown this once."""

    calendar: CalendarShape
    url: str


class CalendarList(Struct, frozen=True, kw_only=True):
    """My own, newest first."""

    items: tuple[CalendarShape, ...]


ACalendar = Annotated[
    CalendarWanted, Body(examples=[Example(value={"kind": "schedule", "name": "primary"})])
]
Id = Annotated[UUID, PathParameter(description="Its id.")]
Secret = Annotated[str, PathParameter(max_length=200, description="The secret, and .ics")]


def _shape(one: Feed) -> CalendarShape:
    return CalendarShape(
        id=one.id, kind=one.kind, name=one.name, created_at=one.created_at, used_at=one.used_at
    )


@get("/oncall/calendars", tags=["on-call"], responses=problems())
async def list_calendars(asking: AnAsking) -> CalendarList:
    """List the calendars that I have made for programs."""

    async def read(unit: Unit) -> CalendarList:
        return CalendarList(items=tuple(_shape(one) for one in await oncall.feeds(unit)))

    return await asking.run(read)


@post(
    "/oncall/calendars",
    tags=["on-call"],
    opt=SECRET,
    responses=problems(Invalid, NotFound, Conflict),
)
async def add_calendar(asking: AnAsking, data: ACalendar) -> CalendarMade:
    """Make an address at which programs read a person's shifts, a schedule's or a team's.

    What is read is an iCalendar (RFC 5545).
    """
    made = await asking.run(lambda unit: acting.add_feed(unit, data.kind, data.name))
    return _made(asking, made)


@post(
    "/oncall/calendars/{feed_id:uuid}/regenerate",
    tags=["on-call"],
    opt=SECRET,
    responses=problems(NotFound, Forbidden),
)
async def regenerate_calendar(asking: AnAsking, feed_id: Id) -> CalendarMade:
    """Give a calendar of mine another address and id: the old address opens nothing any more."""
    made = await asking.run(lambda unit: acting.regenerate_feed(unit, feed_id))
    return _made(asking, made)


def _made(asking: Asking, made: acting.NewFeed) -> CalendarMade:
    url = f"{asking.services.settings.base_url}/calendars/{made.token}{SUFFIX}"
    return CalendarMade(calendar=_shape(made.feed), url=url)


@delete(
    "/oncall/calendars/{feed_id:uuid}",
    tags=["on-call"],
    responses=problems(NotFound, Forbidden),
)
async def remove_calendar(asking: AnAsking, feed_id: Id) -> None:
    """Revoke a calendar: its address opens nothing any more."""
    await asking.run(lambda unit: acting.remove_feed(unit, feed_id))


@get("/calendars/{secret:str}", include_in_schema=False)
async def show_calendar(request: AnyRequest, secret: Secret) -> Response[str]:
    """Answer a calendar program: who has the address may read, and an ETag spares the rest."""
    services = services_of(request.app.state)
    services.database_watch.require()
    token = secret.removesuffix(SUFFIX)
    text = await services.units.run(SYSTEM, lambda unit: acting.read_feed(unit, token))
    tag = f'"{sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, max-age=300"}
    if request.headers.get("if-none-match") == tag:
        return Response("", status_code=304, headers=headers)
    return Response(text, media_type=MEDIA, headers=headers)


ROUTES = [list_calendars, add_calendar, regenerate_calendar, remove_calendar]
OPEN_ROUTES = [show_calendar]
