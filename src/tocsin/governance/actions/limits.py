"""How often something may be tried, kept in the database, so that all processes count together."""

import hashlib
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.governance.core import limit as core
from tocsin.governance.core.limit import Limit, Spent, Wait
from tocsin.governance.store import users as store
from tocsin.kernel.errors import TooMany

Conn = AsyncConnection[Any]
# the same words whatever the reason: who guesses learns nothing
REFUSAL = "too many attempts; wait a little, then try again"


async def spend(conn: Conn, limit: Limit, subject: str, now: datetime) -> None:
    """Take one try. Raises TooMany, and says when to come back."""
    found = await _look(conn, limit, subject, now)
    if isinstance(found, Wait):
        raise TooMany(REFUSAL, retry_after_s=found.seconds)
    await store.save_limit(conn, _key(limit, subject), found.tat)


async def is_left(conn: Conn, limit: Limit, subject: str, now: datetime) -> bool:
    """Take one try, or say that there is none."""
    found = await _look(conn, limit, subject, now)
    if isinstance(found, Wait):
        return False
    await store.save_limit(conn, _key(limit, subject), found.tat)
    return True


async def forgive(conn: Conn, limit: Limit, subject: str, now: datetime) -> None:
    """Give one try back: it was a good one."""
    key = _key(limit, subject)
    tat = await store.limit_for_update(conn, key, now)
    await store.save_limit(conn, key, core.forgive(limit, tat))


async def _look(conn: Conn, limit: Limit, subject: str, now: datetime) -> Spent | Wait:
    tat = await store.limit_for_update(conn, _key(limit, subject), now)
    return core.spend(limit, tat, now)


def _key(limit: Limit, subject: str) -> bytes:
    """Name a row without keeping the name or address it is about."""
    return hashlib.sha256(f"{limit.name}\0{subject}".encode()).digest()
