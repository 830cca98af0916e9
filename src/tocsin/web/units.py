"""How a route gets at its services, its actor and its unit."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from psycopg.errors import UniqueViolation

from tocsin.kernel.actor import Actor
from tocsin.kernel.db import is_transient
from tocsin.kernel.errors import Forbidden, Unauthenticated, Unavailable
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.web.identity import COOKIE
from tocsin.web.services import Services

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]
JOINED = "tocsin.joined"
ASKER = "tocsin.asker"
READING = ("GET", "HEAD")
LOOKUP_LIMIT_S = 5.0  # for who asks
LOCK_LIMIT_S = 1.5  # that a reader waits for a lock: rather an answer that says so


def services_of(state: State) -> Services:
    """Return what `app.py` put there."""
    found: Services = state["services"]
    return found


async def actor_of(request: AnyRequest) -> Actor:
    """Return who asks. Raises Unauthenticated, and Unavailable where a reader waits too long."""
    services = services_of(request.app.state)
    services.database_watch.require()
    limit_s = LOOKUP_LIMIT_S if request.method in READING else None
    try:
        async with asyncio.timeout(limit_s):
            actor = await services.identity.of(
                authorization=request.headers.get("authorization"),
                session=request.cookies.get(COOKIE),
            )
    except TimeoutError as error:
        raise Unavailable("the database did not say in time who asks") from error
    if actor is None:
        raise Unauthenticated("send `Authorization: Bearer <token>`, or sign in")
    request.scope["state"][ASKER] = actor  # for who records what was refused
    _refuse_other_sites(request)
    return actor


def _refuse_other_sites(request: AnyRequest) -> None:
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


class Joined:
    """The one open unit in which everything is done that a request with a key asks for."""

    def __init__(self, unit: Unit, units: Units) -> None:
        self.failure: Exception | None = None  # after which the whole unit is to start again
        self._unit = unit
        self._units = units

    async def run(self, act: Callable[[Unit], Awaitable[T]]) -> T:
        """Run `act` in it, all or nothing."""
        try:
            return await self._units.join(self._unit, act)
        except Exception as error:
            if is_transient(error) or isinstance(error, UniqueViolation):
                self.failure = error
                raise Unavailable("the database asks for another try") from error
            raise


class Asking:
    """One request's way to the product: `await asking.run(lambda unit: …)`."""

    def __init__(
        self,
        services: Services,
        actor: Actor,
        joined: Joined | None = None,
        *,
        only_reads: bool = False,
    ) -> None:
        self.services = services
        self.actor = actor
        self._joined = joined
        limit_s = LOCK_LIMIT_S if only_reads else None
        self._units = services.units.on(services.db, lock_limit_s=limit_s)

    async def run(self, act: Callable[[Unit], Awaitable[T]]) -> T:
        """Run `act` in a unit of the asking actor."""
        if self._joined is not None:
            return await self._joined.run(act)
        return await self._units.run(self.actor, act)


AnAsking = NamedDependency[SkipValidation[Asking]]


async def asking(request: AnyRequest) -> Asking:
    """Litestar dependency. Raises Unauthenticated."""
    joined: Joined | None = request.scope["state"].get(JOINED)
    return Asking(
        services_of(request.app.state), await actor_of(request), joined,
        only_reads=request.method in READING,
    )  # fmt: skip
