"""Sign in by password or by a one-time link, choose a password, sign out."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct

from tocsin.governance import actions as governance
from tocsin.governance import reads
from tocsin.governance.core.password import LENGTH_MIN
from tocsin.governance.model import SESSION_LASTS, SETS_PASSWORD, LinkPurpose, User
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Invalid, Refused, TooMany, Unauthenticated
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.web.csrf import check, require_same_site
from tocsin.web.forms import text
from tocsin.web.identity import COOKIE
from tocsin.web.problems import retry_after
from tocsin.web.services import Services
from tocsin.web.signing_in import by_password, set_password, visitor
from tocsin.web.units import AnyRequest, services_of

HOME = "/"


class LinkView(Struct, frozen=True, kw_only=True):
    """What a link to sign in shows. `name`: whose it is; None: there is no such link."""

    name: str | None
    usable: bool
    sets_password: bool


NO_LINK = LinkView(name=None, usable=False, sets_password=False)


@get("/sign-in")
async def show_form() -> Template:
    """Ask for name and password."""
    return _form()


@post("/sign-in", status_code=303)
async def use_form(request: AnyRequest) -> Response[Any]:
    """Sign this browser in by name and password; a new session, whatever it had before."""
    require_same_site(request)
    services, door = _services(request), visitor(request)
    form = await request.form()
    typed, password = text(form, "name"), text(form, "password")

    async def then(unit: Unit, user: User) -> str:
        return await governance.open_session(unit, user, browser=door.browser, old=door.session)

    try:
        session = await by_password(services, door, typed, password, then)
    except (Unauthenticated, TooMany) as error:
        return _form(name=typed[:254], error=error)
    return Redirect(HOME, status_code=303, cookies=[_cookie(services, session)])


@get("/sign-in/{secret:str}")
async def show_link(request: AnyRequest, secret: FromPath[str]) -> Template:
    """Show what a link does, and whether it still works. Looking at it uses nothing."""
    view = await _look(_services(request), secret)
    return _password(view) if view.sets_password else _by_link(view)


@post("/sign-in/{secret:str}", status_code=303)
async def use_link(request: AnyRequest, secret: FromPath[str]) -> Response[Any]:
    """Sign this browser in by a link, which may ask for a new password first."""
    require_same_site(request)
    services = _services(request)
    view = await _look(services, secret)
    if view.sets_password:
        return await _choose_password(request, services, secret, view)
    door = visitor(request)

    async def act(unit: Unit) -> str:
        return await governance.sign_in(unit, secret, browser=door.browser, old=door.session)

    session = await services.units.run(SYSTEM, act)
    return Redirect(HOME, status_code=303, cookies=[_cookie(services, session)])


async def _choose_password(
    request: AnyRequest, services: Services, secret: str, view: LinkView
) -> Response[Any]:
    form = await request.form()
    password, again = text(form, "password"), text(form, "again")
    try:
        require_same(password, again)
        session = await set_password(services, visitor(request), secret, password)
    except (Invalid, TooMany) as error:
        return _password(view, error=error)
    return Redirect(HOME, status_code=303, cookies=[_cookie(services, session)])


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
    gone = _cookie(services, "", lasts_s=0)
    return Redirect("/sign-in", status_code=303, cookies=[gone])


async def _look(services: Services, secret: str) -> LinkView:
    async def read(unit: Unit) -> LinkView:
        link = await reads.link(unit.conn, governance.digest(secret))
        if link is None or link.purpose is LinkPurpose.ACKNOWLEDGE:
            return NO_LINK
        directory = unit.config(Directory)
        return LinkView(
            name=directory.name_of(link.person_id) if link.person_id else link.role,
            usable=link.used_at is None and link.expires_at > unit.now,
            sets_password=link.purpose in SETS_PASSWORD,
        )

    return await services.units.run(SYSTEM, read)


def _cookie(services: Services, value: str, *, lasts_s: int | None = None) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=int(SESSION_LASTS.total_seconds()) if lasts_s is None else lasts_s,
        httponly=True,
        samesite="lax",
        secure=services.settings.base_url.startswith("https:"),
    )


def _services(request: AnyRequest) -> Services:
    return services_of(request.app.state)


def _form(*, name: str = "", error: Refused | None = None) -> Template:
    return _page("sign_in.html", error, title="Sign in", link=None, name=name)


def _by_link(view: LinkView) -> Template:
    return _page("sign_in.html", None, title="Sign in", link=view, name="")


def _password(view: LinkView, *, error: Refused | None = None) -> Template:
    return _page(
        "set_password.html", error, title="Choose a password", link=view, length_min=LENGTH_MIN
    )


def require_same(password: str, again: str) -> None:
    """Refuse a new password that was typed in two ways. Raises Invalid."""
    if password != again:
        raise Invalid("the two are not the same; type the new one again", field="again")


def sentence(error: Refused | None) -> str:
    """Spell a refusal as a sentence of a page; "" for none."""
    return f"{error.detail[:1].upper()}{error.detail[1:]}." if error else ""


def _page(template: str, error: Refused | None, **context: object) -> Template:
    said = {"say": sentence(error), "wrong": getattr(error, "field", None)}
    return Template(
        template,
        context={**context, **said, "csrf": ""},
        status_code=error.status if error else 200,
        headers=retry_after(error) if error else None,
    )


ROUTES: Final = (show_form, use_form, show_link, use_link, sign_out)
