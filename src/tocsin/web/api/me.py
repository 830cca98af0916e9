"""Oneself over JSON: who am I, where am I signed in, my tokens, my password."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, PathParameter

import tocsin.governance.actions as governance
from tocsin.governance import reads
from tocsin.governance.model import Token
from tocsin.kernel.access import PERMISSIONS
from tocsin.kernel.errors import Conflict, Invalid, NotFound, TooMany
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.web.api.access_shapes import (
    Ended,
    Me,
    NewOwnToken,
    NewPassword,
    SessionList,
    TeamRole,
    TokenList,
    TokenRow,
    TokenShape,
    scope_of,
    session_shape,
    token_row,
    token_shape,
)
from tocsin.web.api.idempotency import SECRET
from tocsin.web.api.shapes import problems
from tocsin.web.identity import COOKIE
from tocsin.web.signing_in import change_password, visitor
from tocsin.web.units import AnAsking, AnyRequest

TokenRef = Annotated[str, PathParameter(max_length=100)]
_LAPTOP = {"name": "laptop", "expires_in": "90d"}
_NEW = {"current": "correct horse battery staple", "new": "seven green parrots at noon"}


@get("/me", tags=["me"], responses=problems())
async def show_me(asking: AnAsking) -> Me:
    """Say who is asking."""
    actor = asking.actor
    directory = asking.services.store.current.part(Directory)
    return Me(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        role=actor.role,
        permissions=tuple(sorted(PERMISSIONS[actor.role])),
        person=directory.name_of(actor.person_id) if actor.person_id else None,
        teams=tuple(TeamRole(team, role) for team, role in sorted(actor.teams.items())),
    )


@get("/me/sessions", tags=["me"], responses=problems())
async def list_sessions(asking: AnAsking, request: AnyRequest) -> SessionList:
    """List the browsers in which one is signed in."""
    secret = _session(request)
    found = await asking.run(lambda unit: reads.own_sessions(unit, secret))
    return SessionList(items=tuple(map(session_shape, found)))


@delete("/me/sessions", status_code=200, tags=["me"], responses=problems())
async def end_other_sessions(asking: AnAsking, request: AnyRequest) -> Ended:
    """Sign out every browser but the one that asks."""
    secret = _session(request)
    return Ended(await asking.run(lambda unit: governance.end_other_sessions(unit, secret)))


@delete(
    "/me/sessions/{session_id:uuid}",
    status_code=204,
    tags=["me"],
    responses=problems(NotFound),
)
async def end_session(asking: AnAsking, session_id: FromPath[UUID]) -> None:
    """Sign one browser out."""
    await asking.run(lambda unit: governance.end_session(unit, session_id))


@get("/me/tokens", tags=["me"], responses=problems())
async def list_own_tokens(asking: AnAsking) -> TokenList:
    """List one's own tokens, without their secrets."""

    async def read(unit: Unit) -> TokenList:
        directory = unit.config(Directory)
        found = await reads.own_tokens(unit)
        return TokenList(items=tuple(token_row(one, directory) for one in found))

    return await asking.run(read)


@post("/me/tokens", tags=["me"], opt=SECRET, responses=problems(Invalid, Conflict))
async def create_own_token(
    asking: AnAsking, data: Annotated[NewOwnToken, Body(examples=[Example(value=_LAPTOP)])]
) -> TokenShape:
    """Create a token by which one's scripts act as oneself, with one's own role or less."""
    scope = scope_of(data)

    async def act(unit: Unit) -> TokenShape:
        role = data.role or unit.actor.role
        made = await governance.make_own_token(unit, data.name, role, scope)
        return token_shape(made.token, made.secret, unit.config(Directory))

    return await asking.run(act)


@delete(
    "/me/tokens/{reference:str}", status_code=200, tags=["me"], responses=problems(NotFound)
)
async def revoke_own_token(asking: AnAsking, reference: TokenRef) -> TokenRow:
    """Revoke a token of one's own, by its id or its name."""

    async def act(unit: Unit) -> tuple[Token, Directory]:
        return await governance.revoke_own_token(unit, reference), unit.config(Directory)

    token, directory = await asking.run(act)
    asking.services.identity.forget()
    return token_row(token, directory)


@post(
    "/me/password",
    status_code=204,
    tags=["me"],
    opt=SECRET,
    responses=problems(Invalid, Conflict, TooMany),
)
async def set_password(
    asking: AnAsking,
    request: AnyRequest,
    data: Annotated[NewPassword, Body(examples=[Example(value=_NEW)])],
) -> None:
    """Change one's own password. Every other session of one's own ends."""
    await change_password(asking, visitor(request), data.current, data.new)


def _session(request: AnyRequest) -> str:
    return request.cookies.get(COOKIE) or ""


ROUTES = [
    show_me,
    list_sessions,
    end_other_sessions,
    end_session,
    list_own_tokens,
    create_own_token,
    revoke_own_token,
    set_password,
]
