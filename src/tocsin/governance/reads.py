"""Who is behind a secret; SELECT only."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.governance import store
from tocsin.governance.model import Link, Session, Token


async def token(conn: AsyncConnection[Any], digest: bytes) -> Token | None:
    """Return the token behind a hash. Identity comes before permission, so nothing is required."""
    return await store.token_by_hash(conn, digest)


async def session(conn: AsyncConnection[Any], digest: bytes, now: datetime) -> Session | None:
    """Return the session behind a hash."""
    return await store.session_by_hash(conn, digest, now)


async def link(conn: AsyncConnection[Any], digest: bytes) -> Link | None:
    """Return the link behind a hash, without using it: mail scanners open links."""
    return await store.link(conn, digest, lock=False)


async def is_first_start(conn: AsyncConnection[Any]) -> bool:
    """Say whether nobody has ever been given access."""
    cursor = await conn.execute(
        """
        SELECT NOT EXISTS (SELECT 1 FROM governance.tokens)
           AND NOT EXISTS (SELECT 1 FROM governance.sessions)
        """
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
