"""How a route gets at its services, its actor and its unit."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from litestar import Request
from litestar.datastructures import State

from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Forbidden, Unauthenticated
from tocsin.kernel.unit import Unit
from tocsin.web.identity import COOKIE
from tocsin.web.services import Services

T = TypeVar("T")


def services_of(state: State) -> Services:
    """Return what `app.py` put there."""
    found: Services = state["services"]
    return found


async def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Return who asks. Raises Unauthenticated."""
    services = services_of(request.app.state)
    actor = await services.identity.of(
        authorization=request.headers.get("authorization"), session=request.cookies.get(COOKIE)
    )
    if actor is None:
        raise Unauthenticated("send `Authorization: Bearer <token>`, or sign in")
    _refuse_other_sites(request)
    return actor


def _refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """Refuse a write that a browser sends with our cookie from a page that is not ours.

    Forms of ours carry a proof as well; a write to the JSON API has only this.
    """
    by_cookie = COOKIE in request.cookies and "authorization" not in request.headers
    if not by_cookie or request.method in ("GET", "HEAD"):
        return
    origin = request.headers.get("sec-fetch-site")
    if origin not in (None, "same-origin", "none"):
        raise Forbidden("this came from a page of another site; open Tocsin itself")
    if origin is None and request.url.path.startswith("/api/"):
        raise Forbidden("to write with a session, send a token instead of the cookie")


class Asking:
    """One request's way to the product: `await asking.run(lambda unit: …)`."""

    def __init__(self, services: Services, actor: Actor) -> None:
        self.services = services
        self.actor = actor

    async def run(self, act: Callable[[Unit], Awaitable[T]]) -> T:
        """Run `act` in a unit of the asking actor."""
        return await self.services.units.run(self.actor, act)


async def asking(request: Request[Any, Any, Any]) -> Asking:
    """Litestar dependency. Raises Unauthenticated."""
    return Asking(services_of(request.app.state), await actor_of(request))
