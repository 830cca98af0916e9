"""Who is asking: a bearer token, a key in the path, or a session cookie."""

import time
from uuid import UUID

from msgspec import Struct

from tocsin.governance import reads
from tocsin.governance.actions import TOKEN_PREFIX, digest
from tocsin.kernel.actor import Actor
from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Unauthenticated

CACHE_S = 5.0  # a revoked token works for at most this long
CACHE_MAX = 10_000
COOKIE = "tocsin_session"


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
        now = time.monotonic()
        self._left = min(self._rate * 10.0, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < min(count, self._rate * 10.0):
            return False
        self._left -= count
        return True


class Caller(Struct, frozen=True):
    """An actor, with the intake limit of its token (None: unlimited)."""

    actor: Actor
    bucket: Bucket | None


class Identity:
    """Turns secrets into actors; hashes are looked up, answers kept for a few seconds."""

    def __init__(self, db: Database, clock: Clock, local: Actor | None = None) -> None:
        self._db = db
        self._clock = clock
        self._local = (
            local  # the actor of a CLI that runs the application inside its own process
        )
        self._known: dict[str, tuple[float, Caller]] = {}
        self._buckets: dict[UUID, tuple[int, Bucket]] = {}

    def known(self, secret: str) -> Caller | None:
        """Return the caller behind a token that was looked up a moment ago."""
        found = self._known.get(secret)
        if found is None or found[0] < time.monotonic():
            return None
        return found[1]

    async def by_token(self, secret: str) -> Caller:
        """Return the caller behind a token. Raises Unauthenticated."""
        found = self.known(secret)
        if found is not None:
            return found
        if not secret.startswith(TOKEN_PREFIX):
            raise Unauthenticated(
                "this is no Tocsin token; make one with `tocsin token create`"
            )
        async with self._db.connection() as conn:
            token = await reads.token(conn, digest(secret))
        if token is None:
            raise Unauthenticated("this token is not known or was revoked")
        caller = Caller(
            Actor(kind="token", id=token.id, name=token.name, role=token.role),
            self._bucket(token.id, token.rate),
        )
        if len(self._known) >= CACHE_MAX:
            self._known.clear()
        self._known[secret] = (time.monotonic() + CACHE_S, caller)
        return caller

    def _bucket(self, token_id: UUID, rate: int | None) -> Bucket | None:
        if rate is None:
            return None
        known = self._buckets.get(token_id)
        if known is None or known[0] != rate:
            known = self._buckets[token_id] = (rate, Bucket(rate))
        return known[1]

    async def by_session(self, secret: str) -> Actor | None:
        """Return who a session cookie belongs to; None when it is not known or over."""
        async with self._db.connection() as conn:
            session = await reads.session(conn, digest(secret), self._clock.now())
        if session is None:
            return None
        return Actor(
            kind="person" if session.person_id else "session", id=session.actor_id,
            name=session.name, role=session.role, person_id=session.person_id,
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
