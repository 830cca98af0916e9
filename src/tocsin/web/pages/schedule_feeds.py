"""Calendars for programs, on screen: made with one press, shown once, revoked on my own page."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from tocsin.kernel.errors import Invalid
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.actions import NewFeed
from tocsin.oncall.model import FeedKind
from tocsin.web.forms import stay, text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.schedule_overriding import back_to
from tocsin.web.units import AnAsking, AnyRequest, Asking

HERE = "/oncall/calendars"


@get(HERE)
async def lead_back() -> Redirect:
    """Lead whoever loads the answer again to their calendars; the secret is shown once."""
    return Redirect("/oncall/me", status_code=303)


@post(HERE, status_code=200)
async def make(posting: AnAsking, request: AnyRequest) -> Template:
    """Make a calendar's address and show it, this once. Raises Invalid, NotFound, Conflict."""
    data = await request.form()
    name = text(data, "name")
    kind = _kind(text(data, "kind"))

    async def act(unit: Unit) -> NewFeed:
        return await actions.add_feed(unit, kind, name)

    made = await posting.run(act)
    return await _shown(posting, request, made, back_to(name))


@post(HERE + "/{feed_id:uuid}/regenerate", status_code=200)
async def regenerate(
    posting: AnAsking, request: AnyRequest, feed_id: FromPath[UUID]
) -> Template:
    """Give a calendar another address and show it, this once. Raises NotFound, Forbidden."""
    made = await posting.run(lambda unit: actions.regenerate_feed(unit, feed_id))
    return await _shown(posting, request, made, "/oncall/me")


async def _shown(posting: Asking, request: AnyRequest, made: NewFeed, back: str) -> Template:
    name = made.feed.name

    async def read(unit: Unit) -> Context:
        unit.require("oncall:read")
        url = f"{posting.services.settings.base_url}/calendars/{made.token}.ics"
        title = f"Calendar of {name}" if name else "Calendar of my shifts"
        context = await frame(unit, request, page="oncall", title=title)
        return context | {"url": url, "back": back}

    return Template("schedule_feed.html", context=await posting.run(read))


def _kind(said: str) -> FeedKind:
    try:
        return FeedKind(said)
    except ValueError as error:
        raise Invalid("person, schedule or team", field="kind") from error


@post(HERE + "/{feed_id:uuid}/revoke", status_code=303)
async def revoke(
    posting: AnAsking, request: AnyRequest, feed_id: FromPath[UUID]
) -> Response[Any]:
    """Let an address open nothing any more."""
    await posting.run(lambda unit: actions.remove_feed(unit, feed_id))
    return stay(request, "/oncall/me")


ROUTES: Final = (lead_back, make, regenerate, revoke)
