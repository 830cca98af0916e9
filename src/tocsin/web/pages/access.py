"""One-time links from a page: GET shows and POST acknowledges, for mail scanners open links."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from tocsin.command import reads as command
from tocsin.governance import actions as governance
from tocsin.governance import reads as links
from tocsin.governance.model import Link, LinkPurpose
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Forbidden, NotFound
from tocsin.kernel.ids import PageId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncalls
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.audience import may_see, person_entry
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.message import RESTRICTED
from tocsin.oncall.model import Page, PageState
from tocsin.web.forecasts import Forecast, forecast
from tocsin.web.services import Services
from tocsin.web.takers import taker
from tocsin.web.units import AnyRequest, services_of

CHANNEL = "e-mail link"
VIA = {
    "ntfy": "ntfy",
    "inbox": "web inbox",
    "push": "push",
    "apprise": "Apprise link",
    "webhook": "webhook link",
    "sms": "SMS link",
    "mattermost": "Mattermost link",
    "teams": "Teams link",
}
Via = Annotated[str, QueryParameter(max_length=20)]
All = Annotated[UUID | None, QueryParameter(name="all")]


class LinkView(Struct, frozen=True, kw_only=True):
    """What a one-time link from a page shows. `state` is one of link.html's."""

    title: str
    number: str
    person: str
    state: str
    message: str


def outcome(
    page: Page,
    link: Link,
    ahead: Forecast,
    *,
    number: str,
    directory: Directory,
    now: datetime,
) -> tuple[str, str]:
    """Say what a link is still good for, and in words what became of its page. Pure."""
    if page.state is PageState.RESOLVED:
        when = f" since {page.resolved_at:%H:%M} UTC" if page.resolved_at else ""
        return "resolved", f"{number} is over{when}. There is nothing left to do."
    if page.state is PageState.ACKNOWLEDGED:
        by = page.acknowledged_by
        who = taker(by, page.acknowledged_via, directory)
        who = who[:1].upper() + who[1:]
        is_mine = by is not None and by == link.person_id
        when = f" at {page.acknowledged_at:%H:%M} UTC" if page.acknowledged_at else ""
        said = (
            f"{'You' if is_mine else who} acknowledged {number}{when}. Nobody else is called."
        )
        return ("acknowledged" if is_mine else "used"), said
    if link.expires_at <= now:
        return "expired", "This link has expired. Sign in to acknowledge."
    if ahead.at is None:
        return "usable", ""
    coming = ahead.people or "The last resort"
    return "usable", f"{coming} is called at {ahead.at:%H:%M} UTC unless you acknowledge."


@get("/a/{secret:str}")
async def show_link(request: AnyRequest, secret: FromPath[str]) -> Template:
    """Show what a link would acknowledge, and change nothing. Raises NotFound."""

    async def read(unit: Unit) -> LinkView:
        link = await links.link(unit.conn, governance.digest(secret))
        if link is None or link.purpose is not LinkPurpose.ACKNOWLEDGE:
            raise NotFound("this link is not known")
        return await _view(unit, link, "")

    return _link_page(await _services(request).units.run(SYSTEM, read))


@post("/a/{secret:str}", status_code=200)
async def use_link(
    request: AnyRequest, secret: FromPath[str], via: Via = "", bundle: All = None
) -> Template:
    """Acknowledge as the person the link was sent to. Twice or too late changes nothing.

    The secret is the authorization, so nobody needs to be signed in. `via` is by what the link
    was sent; it stands in the timeline. `all` takes every page of the message it stood in.
    """

    async def act(unit: Unit) -> LinkView:
        link = await governance.use_acknowledge(unit, secret)
        page = await oncall.page(unit, str(link.page_id))
        was_taken = page.state is PageState.ACKNOWLEDGED
        person = unit.config(Directory).people.get(PersonId(link.person_id or UUID(int=0)))
        if person is None or not person.active:
            raise Forbidden("this link belongs to somebody who is not a member any more")
        # from here on the person acts, not Tocsin
        unit.actor = unit.asker = governance.actor_of_link(link, person.display_name)
        channel = VIA.get(via, CHANNEL)
        own = PageId(page.id)
        if bundle is None:
            await oncalls.acknowledge(unit, own, channel=channel)
        else:
            await oncalls.acknowledge_bundle(unit, own, bundle, channel=channel)
        unit.actor = SYSTEM  # who was called may not see all of it: `_view` says what they may
        is_second = was_taken and page.acknowledged_by != link.person_id
        return await _view(unit, link, " You are noted as co-responder." if is_second else "")

    return _link_page(await _services(request).units.run(SYSTEM, act))


async def _view(unit: Unit, link: Link, addition: str) -> LinkView:
    directory = await oncall.directory(unit)
    page = await oncall.page(unit, str(link.page_id))
    incident = await command.incident(unit, str(page.incident_id))
    waiting = await oncall.waiting_for(unit, [page])
    ahead = forecast(page, waiting.get(page.id, ()), directory)
    state, message = outcome(
        page, link, ahead, number=incident.reference, directory=directory, now=unit.now
    )
    entry = person_entry(link.person_id) if link.person_id else ""
    return LinkView(
        title=incident.title if may_see(page, (entry,)) else RESTRICTED,
        number=incident.reference,
        person=directory.name_of(link.person_id) if link.person_id else "",
        state=state,
        message=message + addition,
    )


def _link_page(view: LinkView) -> Template:
    context = {"link": view, "title": f"Acknowledge {view.number}", "csrf": ""}
    return Template("link.html", context=context)


def _services(request: AnyRequest) -> Services:
    return services_of(request.app.state)


ROUTES: Final = (show_link, use_link)
