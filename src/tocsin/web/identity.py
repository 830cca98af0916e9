"""Who is asking: a bearer token, a key in the path, or a session cookie."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection, errors

from tocsin.governance import actions, reads
from tocsin.governance.core.config import Teams
from tocsin.governance.core.scope import capped, capped_teams, is_within, more_of
from tocsin.governance.core.token_text import PREFIX, digest, is_token
from tocsin.governance.model import Session, Token
from tocsin.kernel.access import Role
from tocsin.kernel.actor import NO_TEAMS, Actor
from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Unauthenticated
from tocsin.kernel.ids import PersonId
from tocsin.kernel.resources import Store
from tocsin.oncall.core.config import Directory

CACHE_S = 5.0  # a revoked token works for at most this long
CACHE_MAX = 10_000
COOKIE = "tocsin_session"
# who may look may look while nothing can be written
_UNNOTED = suppress(errors.ReadOnlySqlTransaction, errors.DiskFull)


class Bucket:
    """A token bucket: `rate` alerts a second, with a burst of ten seconds' worth."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = rate * 10.0
        self._at = time.monotonic()

    def take(self, count: int) -> bool:
        """Take `count` from the bucket; False when it does not hold so many.

        A full bucket gives more than it holds and stays in debt: a sender whose batches are
        larger than the bucket is slowed down, not shut out.
        """
        self._fill()
        if self._left < min(count, self._rate * 10.0):
            return False
        self._left -= count
        return True

    def is_spent(self) -> bool:
        """Say whether not even one would be given now."""
        self._fill()
        return self._left < 1

    def _fill(self) -> None:
        now = time.monotonic()
        self._left = min(self._rate * 10.0, self._left + (now - self._at) * self._rate)
        self._at = now


class Caller(Struct, frozen=True):
    """An actor, with the intake limit of its token (None: unlimited) and what it sends for."""

    actor: Actor
    bucket: Bucket | None
    integration: str = ""


class Lapsed(Unauthenticated):
    """A token was ours; `integration`: what it sent for, if it was a machine's."""

    def __init__(self, detail: str, integration: str) -> None:
        super().__init__(detail)
        self.integration = integration


class Identity:
    """Turns secrets into actors; hashes are looked up, answers kept for a few seconds."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        local: Actor | None = None,
        *,
        store: Store | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._clock = clock
        self._local = (
            local  # the actor of a CLI that runs the application inside its own process
        )
        self._store = store
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Caller]] = {}
        self._looking: dict[str, asyncio.Lock] = {}
        self._buckets: dict[UUID, tuple[int, Bucket]] = {}

    def known(self, secret: str) -> Caller | None:
        """Return the caller behind a token that was looked up a moment ago."""
        found = self._known.get(secret)
        if found is None or found[0] < self._monotonic():
            return None
        return found[1]

    def forget(self) -> None:
        """Look every token up again: in this process a revoked one ends at once."""
        self._known.clear()

    async def by_token(self, secret: str) -> Caller:
        """Return the caller behind a token. Raises Unauthenticated."""
        found = self.known(secret)
        if found is not None:
            return found
        _require_token(secret)
        # many connections send one token: one of them looks it up
        looking = self._looking.setdefault(secret, asyncio.Lock())
        try:
            async with looking:
                return self.known(secret) or await self._look_up(secret)
        finally:
            if not looking.locked():
                self._looking.pop(secret, None)

    async def _look_up(self, secret: str) -> Caller:
        now = self._clock.now()
        async with self._db.connection() as conn:
            token = await reads.token(conn, digest(secret))
            if token is None:
                raise Unauthenticated("this token is not known or was revoked")
            if token.expires_at is not None and token.expires_at <= now:
                raise Lapsed(
                    "this token has expired; make a new one",
                    "" if token.person_id else token.integration or token.label,
                )
            if token.person_id and not await self._is_active(conn, token.person_id):
                raise Unauthenticated("this belongs to somebody who is not a member any more")
            with _UNNOTED:
                await actions.note_used(conn, token, now)
        caller = Caller(
            self._actor_of_token(token),
            self._bucket(token.id, token.rate),
            token.integration or token.label,
        )
        if len(self._known) >= CACHE_MAX:
            self._known.clear()
        self._known[secret] = (self._monotonic() + CACHE_S, caller)
        return caller

    def _actor_of_token(self, token: Token) -> Actor:
        """Say what a token may do: in its teams alone if it has any, never more than its person."""
        role, teams = token.role, NO_TEAMS
        if token.teams is not None:
            role, teams = Role.VIEWER, dict.fromkeys(token.teams, token.role)
        if token.person_id is not None:
            role, teams = self._within(token, role, token.person_role or Role.VIEWER)
        return Actor(
            kind="token", id=token.id, name=token.label, role=role, teams=teams,
            person_id=token.person_id, is_narrow=_is_narrow(token),
        )  # fmt: skip

    def _within(
        self, token: Token, role: Role, person_role: Role
    ) -> tuple[Role, Mapping[str, Role]]:
        everywhere = capped(role, person_role)
        if everywhere is None:
            raise Unauthenticated("this token is for more than its person may do")
        own = self._teams(token.person_id)
        if token.teams is not None:
            own = {one: more_of(own.get(one, person_role), person_role) for one in token.teams}
        return everywhere, capped_teams(own, token.role)

    def _teams(self, person_id: PersonId | None) -> Mapping[str, Role]:
        return self._store.current.part(Teams).roles_of(person_id) if self._store else NO_TEAMS

    async def _is_active(self, conn: AsyncConnection[Any], person_id: PersonId) -> bool:
        """Say whether somebody is a member; who is not known here may be new in the database."""
        if self._store is None:
            return True
        known = PersonId(person_id)
        people = self._store.current.part(Directory).people
        if known not in people:
            people = (await self._store.refresh(conn)).part(Directory).people
        person = people.get(known)
        return person is not None and person.active

    def _bucket(self, token_id: UUID, rate: int | None) -> Bucket | None:
        if rate is None:
            return None
        known = self._buckets.get(token_id)
        if known is None or known[0] != rate:
            known = self._buckets[token_id] = (rate, Bucket(rate))
        return known[1]

    async def by_session(self, secret: str) -> Actor | None:
        """Return who a session cookie belongs to; None when it is not known or over."""
        now = self._clock.now()
        async with self._db.connection() as conn:
            session = await self._session(conn, secret)
            if session is None:
                return None
            with _UNNOTED:
                await actions.note_seen(conn, session, now)
        return self._actor_of_session(session)

    async def _session(self, conn: AsyncConnection[Any], secret: str) -> Session | None:
        session = await reads.session(conn, digest(secret), self._clock.now())
        if session is None or session.person_id is None:
            return session
        return session if await self._is_active(conn, session.person_id) else None

    def _actor_of_session(self, session: Session) -> Actor:
        return Actor(
            kind="person" if session.person_id else "session", id=session.actor_id,
            name=session.name, role=session.role, person_id=session.person_id,
            teams=self._teams(session.person_id),
        )  # fmt: skip

    async def of(self, *, authorization: str | None, session: str | None) -> Actor | None:
        """Return who asks, token before cookie; None: nobody. Raises Unauthenticated."""
        if self._local is not None:
            return self._local
        if authorization:
            scheme, _, secret = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("send `Authorization: Bearer <token>`")
            return (await self.by_token(secret.strip())).actor
        return await self.by_session(session) if session else None

    async def anew(self, *, authorization: str | None, session: str | None) -> Actor | None:
        """Return who `of` would return if it remembered nothing; asking so is no use of a session.

        Raises Unauthenticated.
        """
        if self._local is not None:
            return self._local
        async with self._db.connection() as conn:
            if self._store is not None:
                await self._store.refresh(conn)
            found = await self._session(conn, session) if session else None
        if authorization:
            return (await self._look_up(authorization.partition(" ")[2].strip())).actor
        return None if found is None else self._actor_of_session(found)


def _is_narrow(token: Token) -> bool:
    if token.person_id is None:
        return False
    return token.teams is not None or not is_within(token.person_role or token.role, token.role)


def _require_token(secret: str) -> None:
    """Refuse what cannot be a token before the database is asked."""
    if not secret.startswith(PREFIX):
        raise Unauthenticated("this is no Tocsin token; make one with `tocsin token create`")
    if not is_token(secret):
        raise Unauthenticated("this token is mistyped or cut off: its checksum does not fit")
