"""Access over JSON: tokens, sign-in links, who am I."""

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, SkipValidation

import tocsin.governance.actions as governance
from tocsin.kernel.access import PERMISSIONS, Role, decide
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Conflict, Forbidden, Invalid
from tocsin.kernel.unit import Unit
from tocsin.web.api.shapes import LinkShape, Me, NewLink, NewToken, TokenShape, problems
from tocsin.web.units import Asking

AnAsking = NamedDependency[SkipValidation[Asking]]
_PROMETHEUS = {"name": "prometheus", "role": "integration", "rate": 500}


@post("/tokens", tags=["access"], responses=problems(Invalid, Conflict))
async def create_token(
    asking: AnAsking,
    data: Annotated[
        NewToken, Body(examples=[Example(summary="for a Prometheus", value=_PROMETHEUS)])
    ],
) -> TokenShape:
    """Create a token. The secret is in this answer and nowhere else."""

    async def act(unit: Unit) -> str:
        return await governance.create_token(unit, data.name, data.role, data.rate)

    secret = await asking.run(act)
    return TokenShape(name=data.name, role=data.role, rate=data.rate, token=secret)


@post("/links/sign-in", tags=["access"], responses=problems(Invalid))
async def issue_sign_in(
    asking: AnAsking,
    data: Annotated[NewLink, Body(examples=[Example(summary="for an admin", value={})])],
) -> LinkShape:
    """Make a one-time sign-in link. Who may create tokens may do this."""
    if not decide(asking.actor.role, "token:create"):
        raise Forbidden(f"{asking.actor.name} ({asking.actor.role}) may not token:create")
    if data.role is Role.SYSTEM:
        raise Invalid("the role system cannot be granted", field="role")

    async def act(unit: Unit) -> str:
        return await governance.issue_sign_in(unit, data.role)

    # links are Tocsin's own to issue; the permission above is the asker's
    secret = await asking.services.units.run(SYSTEM, act)
    return LinkShape(url=f"{asking.services.settings.base_url}/sign-in/{secret}")


@get("/me", tags=["access"], responses=problems())
async def show_me(asking: AnAsking) -> Me:
    """Say who is asking."""
    actor = asking.actor
    return Me(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        role=actor.role,
        permissions=tuple(sorted(PERMISSIONS[actor.role])),
    )


ROUTES = [create_token, issue_sign_in, show_me]
