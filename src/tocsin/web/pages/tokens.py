"""Tokens: what machines sign in with; the secret of a new one is shown once."""

from collections.abc import Mapping
from typing import Final

from litestar import get, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath
from litestar.response import Redirect, Template

from tocsin.governance import actions as governance
from tocsin.governance import reads
from tocsin.governance.core.config import Teams
from tocsin.governance.model import TokenScope
from tocsin.kernel.access import Role
from tocsin.kernel.durations import seconds
from tocsin.kernel.errors import Conflict, Invalid, Refused
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.web.forms import number, role_of, several, text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.people_views import role_choices, token_view
from tocsin.web.pages.sign_in import sentence
from tocsin.web.units import AnAsking, AnyRequest, Asking

LASTS = (("30d", "30 days"), ("90d", "90 days"), ("365d", "A year"), ("", "Until revoked"))
GRANTED = (
    Role.INTEGRATION, Role.VIEWER, Role.RESPONDER, Role.MANAGER, Role.ADMIN, Role.AUDITOR,
)  # fmt: skip


@get("/tokens")
async def tokens(asking: AnAsking, request: AnyRequest) -> Template:
    """Show every token that works."""
    return await _page(asking, request)


@post("/tokens", status_code=200)
async def create(posting: AnAsking, request: AnyRequest) -> Template:
    """Create a token and show its secret, this once."""
    form = await request.form()

    async def act(unit: Unit) -> str:
        name = text(form, "name").strip()
        made = await governance.make_token(
            unit, name, role_of(form), _rate(form), scope_of(form)
        )
        return made.secret

    try:
        secret = await posting.run(act)
    except (Invalid, Conflict) as error:
        return await _page(posting, request, error=error, shown=typed(form))
    return await _page(posting, request, secret=secret)


@post("/tokens/{token_id:str}/revoke", status_code=303)
async def revoke(posting: AnAsking, token_id: FromPath[str]) -> Redirect:
    """Revoke a token."""
    await posting.run(lambda unit: governance.revoke_token(unit, token_id))
    posting.services.identity.forget()
    return Redirect("/tokens", status_code=303)


async def _page(
    asking: Asking,
    request: AnyRequest,
    *,
    secret: str = "",
    error: Refused | None = None,
    shown: Mapping[str, str] | None = None,
) -> Template:
    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="tokens", title="Tokens")
        directory = unit.config(Directory)
        found = await reads.tokens(unit)
        return context | {
            "tokens": [token_view(one, directory, unit.now) for one in found],
            "teams": sorted(unit.config(Teams).by_name),
            "can_create": unit.actor.may_on("token:create", None),
            "can_revoke": unit.actor.may_on("token:revoke", None),
            "roles": role_choices(GRANTED),
            "lasts": LASTS,
            "secret": secret,
            "say": sentence(error),
            "typed": dict(shown or {}),
        }

    context = await asking.run(read)
    return Template("tokens.html", context=context, status_code=error.status if error else 200)


def typed(form: FormMultiDict) -> dict[str, str]:
    """Return what was typed, so that a form that is refused can be shown again."""
    return {name: text(form, name).strip() for name in form}


def scope_of(form: FormMultiDict) -> TokenScope:
    """Read how far a token in a form reaches. Raises Invalid."""
    lasts = text(form, "expires_in").strip()
    return TokenScope(
        lasts_s=seconds(lasts, field="expires_in") if lasts else None,
        teams=tuple(one for one in several(form, "team") if one),
        integration=text(form, "integration").strip() or None,
    )


def _rate(form: FormMultiDict) -> int | None:
    found = number(form, "rate")
    if found is None and text(form, "rate").strip():
        raise Invalid("rate: a whole number of alerts a second, or nothing", field="rate")
    return found


ROUTES: Final = (tokens, create, revoke)
