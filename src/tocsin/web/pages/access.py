"""One-time links: acknowledge from a page, sign in. GET shows and POST acts: scanners open links."""

from datetime import datetime
from typing import Final
from uuid import UUID

from litestar import get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect, Template
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
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Page, PageState
from tocsin.web.csrf import check
from tocsin.web.identity import COOKIE
from tocsin.web.pages.frame import AnyRequest
from tocsin.web.pages.page_views import Forecast, forecast
from tocsin.web.services import Services
from tocsin.web.units import services_of

CHANNEL = "e-mail link"


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
        who = directory.name_of(by) if by else "Somebody with a token"
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
async def use_link(request: AnyRequest, secret: FromPath[str]) -> Template:
    """Acknowledge as the person the link was sent to. Twice or too late changes nothing.

    The secret is the authorization, so nobody needs to be signed in.
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
        await oncalls.acknowledge(unit, PageId(page.id), channel=CHANNEL)
        is_second = was_taken and page.acknowledged_by != link.person_id
        return await _view(unit, link, " You are noted as co-responder." if is_second else "")

    return _link_page(await _services(request).units.run(SYSTEM, act))


async def _view(unit: Unit, link: Link, addition: str) -> LinkView:
    directory = unit.config(Directory)
    page = await oncall.page(unit, str(link.page_id))
    incident = await command.incident(unit, str(page.incident_id))
    waiting = await oncall.waiting_for(unit, [page])
    ahead = forecast(page, waiting.get(page.id, ()), directory)
    state, message = outcome(
        page, link, ahead, number=incident.reference, directory=directory, now=unit.now
    )
    return LinkView(
        title=incident.title,
        number=incident.reference,
        person=directory.name_of(link.person_id) if link.person_id else "",
        state=state,
        message=message + addition,
    )


def _link_page(view: LinkView) -> Template:
    context = {"link": view, "title": f"Acknowledge {view.number}", "csrf": ""}
    return Template("link.html", context=context)


@get("/sign-in")
async def explain() -> Template:
    """Say how to get a link."""
    return _sign_in_page(usable=False, name=None)


@get("/sign-in/{secret:str}")
async def show_sign_in(request: AnyRequest, secret: FromPath[str]) -> Template:
    """Show the button of a sign-in link, and whether it still works."""

    async def read(unit: Unit) -> tuple[bool, str | None]:
        link = await links.link(unit.conn, governance.digest(secret))
        if link is None or link.purpose is not LinkPurpose.SIGN_IN:
            return False, None
        name = unit.config(Directory).name_of(link.person_id) if link.person_id else link.role
        return link.used_at is None and link.expires_at > unit.now, name

    usable, name = await _services(request).units.run(SYSTEM, read)
    return _sign_in_page(usable=usable, name=name)


@post("/sign-in/{secret:str}", status_code=303)
async def sign_in(request: AnyRequest, secret: FromPath[str]) -> Redirect:
    """Sign this browser in. Raises NotFound or Forbidden for a link that does not work."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("another site tried to sign you in; open the link itself")
    services = _services(request)

    async def act(unit: Unit) -> str:
        return await governance.sign_in(unit, secret)

    session = await services.units.run(SYSTEM, act)
    cookie = _cookie(services, session, int(governance.SESSION_LASTS.total_seconds()))
    return Redirect("/", status_code=303, cookies=[cookie])


@post("/sign-out", status_code=303)
async def sign_out(request: AnyRequest) -> Redirect:
    """End the session of this browser, if it has one."""
    await check(request)
    services = _services(request)
    session = request.cookies.get(COOKIE)
    actor = await services.identity.by_session(session) if session else None
    if session and actor:
        secret = session

        async def act(unit: Unit) -> None:
            await governance.sign_out(unit, secret)

        await services.units.run(actor, act)
    return Redirect("/sign-in", status_code=303, cookies=[_cookie(services, "", 0)])


def _cookie(services: Services, value: str, lasts_s: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=lasts_s,
        httponly=True,
        samesite="lax",
        secure=services.settings.base_url.startswith("https:"),
    )


def _services(request: AnyRequest) -> Services:
    return services_of(request.app.state)


def _sign_in_page(*, usable: bool, name: str | None) -> Template:
    context = {"usable": usable, "name": name, "title": "Sign in", "csrf": ""}
    return Template("sign_in.html", context=context)


ROUTES: Final = (show_link, use_link, explain, show_sign_in, sign_in, sign_out)
