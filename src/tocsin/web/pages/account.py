"""One's own account: password, sessions, tokens."""

from collections.abc import Mapping
from typing import Final

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from tocsin.governance import actions as governance
from tocsin.governance import reads
from tocsin.governance.core.password import LENGTH_MIN
from tocsin.governance.core.scope import PERSON_ROLES, is_within
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused, TooMany
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.web.forms import role_of, text
from tocsin.web.identity import COOKIE
from tocsin.web.pages.contacts import own_reach
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.people_views import role_choices, token_view
from tocsin.web.pages.sign_in import require_same, sentence
from tocsin.web.pages.tokens import LASTS, scope_of, typed
from tocsin.web.problems import retry_after
from tocsin.web.signing_in import change_password, visitor
from tocsin.web.units import AnAsking, AnyRequest, Asking


@get("/account")
async def account(asking: AnAsking, request: AnyRequest) -> Template:
    """Show one's own account."""
    return await _page(asking, request)


@post("/account/password", status_code=200)
async def password(posting: AnAsking, request: AnyRequest) -> Template:
    """Change one's own password; other sessions end."""
    form = await request.form()
    current, new, again = (text(form, name) for name in ("current", "new", "again"))
    try:
        require_same(new, again)
        await change_password(posting, visitor(request), current, new)
    except (Invalid, Conflict, TooMany) as error:
        return await _page(posting, request, error=error, at="password")
    done = "Your password is changed, and your other sessions have ended."
    return await _page(posting, request, done=done)


@post("/account/sessions/end", status_code=303)
async def end_session(posting: AnAsking, request: AnyRequest) -> Redirect:
    """End one session of one's own, or without an id all but this one."""
    chosen = text(await request.form(), "id")
    secret = request.cookies.get(COOKIE) or ""

    async def act(unit: Unit) -> None:
        if not chosen:
            await governance.end_other_sessions(unit, secret)
            return
        known = {str(one.id): one.id for one in await reads.own_sessions(unit, secret)}
        if chosen not in known:
            raise NotFound("you have no such session; it may have ended already")
        await governance.end_session(unit, known[chosen])

    await posting.run(act)
    return Redirect("/account#sessions", status_code=303)


@post("/account/tokens", status_code=200)
async def create_token(posting: AnAsking, request: AnyRequest) -> Template:
    """Create a token of one's own and show its secret, this once."""
    form = await request.form()

    async def act(unit: Unit) -> str:
        name = text(form, "name").strip()
        made = await governance.make_own_token(unit, name, role_of(form), scope_of(form))
        return made.secret

    try:
        secret = await posting.run(act)
    except (Invalid, Conflict, Forbidden) as error:
        return await _page(posting, request, error=error, at="tokens", shown=typed(form))
    return await _page(posting, request, secret=secret)


@post("/account/tokens/{token_id:str}/revoke", status_code=303)
async def revoke_token(posting: AnAsking, token_id: FromPath[str]) -> Redirect:
    """Revoke a token of one's own."""
    await posting.run(lambda unit: governance.revoke_own_token(unit, token_id))
    posting.services.identity.forget()
    return Redirect("/account#tokens", status_code=303)


async def _page(  # noqa: PLR0913 - what a form said, and where
    asking: Asking,
    request: AnyRequest,
    *,
    error: Refused | None = None,
    at: str = "",
    done: str = "",
    secret: str = "",
    shown: Mapping[str, str] | None = None,
) -> Template:
    session = request.cookies.get(COOKIE) or ""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="account", title="Account")
        actor, directory = unit.actor, unit.config(Directory)
        user = await reads.own_user(unit)
        own = [role for role in PERSON_ROLES if is_within(role, actor.role)]
        in_teams = {role for role in actor.teams.values() if role not in own}
        return context | {
            "user": user,
            "is_person": actor.person_id is not None,
            "reach": await own_reach(unit),
            "sessions": await reads.own_sessions(unit, session),
            "tokens": [
                token_view(one, directory, unit.now) for one in await reads.own_tokens(unit)
            ],
            "roles": role_choices([*own, *sorted(in_teams)]),
            "teams": sorted(actor.teams.items()),
            "lasts": LASTS[:3],
            "length_min": LENGTH_MIN,
        }

    context = await asking.run(read)
    said = {"say": sentence(error), "say_at": at, "done": done, "secret": secret}
    return Template(
        "account.html",
        context=context | said | {"typed": dict(shown or {})},
        status_code=error.status if error else 200,
        headers=retry_after(error) if error else None,
    )


ROUTES: Final = (account, password, end_session, create_token, revoke_token)
