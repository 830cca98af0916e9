"""Access over JSON: tokens, sign-in links, and a token for a password."""

from typing import Annotated

from litestar import Request, delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter

import tocsin.governance.actions as governance
from tocsin.governance import reads
from tocsin.governance.model import MadeToken, Token, User
from tocsin.kernel.errors import (
    Conflict,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
)
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.web.api.access_shapes import (
    LinkShape,
    Login,
    NewLink,
    NewToken,
    TokenList,
    TokenRow,
    TokenShape,
    scope_of,
    token_row,
    token_shape,
)
from tocsin.web.api.idempotency import SECRET
from tocsin.web.api.shapes import problems
from tocsin.web.signing_in import by_password, visitor
from tocsin.web.units import AnAsking, services_of

TokenRef = Annotated[str, PathParameter(max_length=100)]
_PROMETHEUS = {"name": "prometheus", "role": "integration", "rate": 500, "expires_in": "365d"}
_LOGIN = {"name": "maya", "password": "correct horse battery staple", "token": "laptop"}


@get("/tokens", tags=["access"], responses=problems())
async def list_tokens(asking: AnAsking) -> TokenList:
    """List the tokens that work, without their secrets."""

    async def read(unit: Unit) -> TokenList:
        directory = unit.config(Directory)
        found = await reads.tokens(unit)
        return TokenList(items=tuple(token_row(one, directory) for one in found))

    return await asking.run(read)


@post("/tokens", tags=["access"], opt=SECRET, responses=problems(Invalid, Conflict))
async def create_token(
    asking: AnAsking,
    data: Annotated[
        NewToken, Body(examples=[Example(summary="for a Prometheus", value=_PROMETHEUS)])
    ],
) -> TokenShape:
    """Create a token. The secret is in this answer and nowhere else."""
    scope = scope_of(data)

    async def act(unit: Unit) -> TokenShape:
        made = await governance.make_token(unit, data.name, data.role, data.rate, scope)
        return token_shape(made.token, made.secret, unit.config(Directory))

    return await asking.run(act)


@delete(
    "/tokens/{reference:str}",
    status_code=200,
    tags=["access"],
    responses=problems(NotFound),
)
async def revoke_token(asking: AnAsking, reference: TokenRef) -> TokenRow:
    """Revoke a token, by its id, or by its name if it is a machine's. It ends within 5 seconds."""

    async def act(unit: Unit) -> tuple[Token, Directory]:
        return await governance.revoke_token(unit, reference), unit.config(Directory)

    token, directory = await asking.run(act)
    asking.services.identity.forget()
    return token_row(token, directory)


@post("/links/sign-in", tags=["access"], opt=SECRET, responses=problems(Invalid))
async def issue_sign_in(
    asking: AnAsking,
    data: Annotated[NewLink, Body(examples=[Example(summary="for an admin", value={})])],
) -> LinkShape:
    """Make a one-time sign-in link. Who may create tokens may do this."""

    async def act(unit: Unit) -> str:
        return await governance.give_sign_in(unit, data.role)

    secret = await asking.run(act)
    return LinkShape(url=f"{asking.services.settings.base_url}/sign-in/{secret}")


@post(
    "/login",
    tags=["access"],
    security=[{}],
    responses=problems(Invalid, Unauthenticated, TooMany),
)
async def login(
    request: Request,  # type: ignore[type-arg]
    data: Annotated[Login, Body(examples=[Example(summary="from a terminal", value=_LOGIN)])],
) -> TokenShape:
    """Give a token of one's own for name (or e-mail address) and password.

    It replaces one of the same name. After too many tries: 429, with Retry-After.
    """
    scope = scope_of(data)

    async def then(unit: Unit, user: User) -> tuple[MadeToken, Directory]:
        made = await governance.replace_own_token(
            unit, user.person_id, data.token, user.role, scope
        )
        return made, unit.config(Directory)

    services = services_of(request.app.state)
    made, directory = await by_password(
        services, visitor(request), data.name, data.password, then
    )
    services.identity.forget()
    return token_shape(made.token, made.secret, directory)


ROUTES = [list_tokens, create_token, revoke_token, issue_sign_in]
# nobody is signed in yet, so there is nobody whose repeat an Idempotency-Key could tell
OPEN_ROUTES = [login]
