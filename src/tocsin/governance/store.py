"""Governance's rows. The only module that names the tables of schema `governance` for writing."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.governance.model import Link, Session, Token
from tocsin.kernel.rows import struct_row


async def add_token(conn: AsyncConnection[Any], token: Token, digest: bytes) -> bool:
    """Insert a token; False when one of that name exists."""
    cursor = await conn.execute(
        """
        INSERT INTO governance.tokens (id, name, role, hash, rate, created_at)
        VALUES (%(id)s, %(name)s, %(role)s, %(hash)s, %(rate)s, %(created_at)s)
            ON CONFLICT (name) DO NOTHING
        """,
        {
            "id": token.id,
            "name": token.name,
            "role": token.role,
            "hash": digest,
            "rate": token.rate,
            "created_at": token.created_at,
        },
    )
    return cursor.rowcount == 1


async def token_by_hash(conn: AsyncConnection[Any], digest: bytes) -> Token | None:
    """Return the live token whose secret hashes to `digest`."""
    async with conn.cursor(row_factory=struct_row(Token)) as cursor:
        await cursor.execute(
            """
            SELECT id, name, role, rate, created_at, revoked_at
              FROM governance.tokens
             WHERE hash = %(hash)s AND revoked_at IS NULL
            """,
            {"hash": digest},
        )
        return await cursor.fetchone()


async def add_session(
    conn: AsyncConnection[Any], session: Session, digest: bytes, now: datetime
) -> None:
    """Insert a session."""
    await conn.execute(
        """
        INSERT INTO governance.sessions
               (hash, name, role, actor_id, person_id, created_at, expires_at)
        VALUES (%(hash)s, %(name)s, %(role)s, %(actor_id)s, %(person_id)s, %(now)s, %(expires_at)s)
        """,
        {
            "hash": digest,
            "name": session.name,
            "role": session.role,
            "actor_id": session.actor_id,
            "person_id": session.person_id,
            "now": now,
            "expires_at": session.expires_at,
        },
    )


async def session_by_hash(
    conn: AsyncConnection[Any], digest: bytes, now: datetime
) -> Session | None:
    """Return the session of a cookie, unless it has expired."""
    async with conn.cursor(row_factory=struct_row(Session)) as cursor:
        await cursor.execute(
            """
            SELECT name, role, actor_id, person_id, expires_at
              FROM governance.sessions
             WHERE hash = %(hash)s AND expires_at > %(now)s
            """,
            {"hash": digest, "now": now},
        )
        return await cursor.fetchone()


async def delete_session(conn: AsyncConnection[Any], digest: bytes) -> None:
    """End a session."""
    await conn.execute(
        "DELETE FROM governance.sessions WHERE hash = %(hash)s", {"hash": digest}
    )


async def add_link(conn: AsyncConnection[Any], link: Link, now: datetime) -> None:
    """Insert a one-time link."""
    await conn.execute(
        """
        INSERT INTO governance.links
               (hash, purpose, person_id, page_id, role, created_at, expires_at)
        VALUES (%(hash)s, %(purpose)s, %(person_id)s, %(page_id)s, %(role)s, %(now)s,
                %(expires_at)s)
        """,
        {
            "hash": link.hash,
            "purpose": link.purpose,
            "person_id": link.person_id,
            "page_id": link.page_id,
            "role": link.role,
            "now": now,
            "expires_at": link.expires_at,
        },
    )


async def link(conn: AsyncConnection[Any], digest: bytes, *, lock: bool) -> Link | None:
    """Return a link, locked until the transaction ends if `lock`."""
    query = """
        SELECT hash, purpose, person_id, page_id, role, expires_at, used_at
          FROM governance.links
         WHERE hash = %(hash)s
        """
    async with conn.cursor(row_factory=struct_row(Link)) as cursor:
        await cursor.execute(query + (" FOR UPDATE" if lock else ""), {"hash": digest})
        return await cursor.fetchone()


async def mark_used(conn: AsyncConnection[Any], digest: bytes, now: datetime) -> None:
    """Note that a link was used."""
    await conn.execute(
        "UPDATE governance.links SET used_at = %(now)s WHERE hash = %(hash)s",
        {"hash": digest, "now": now},
    )


async def forget_expired(conn: AsyncConnection[Any], now: datetime) -> None:
    """Delete links and sessions that are over for a week or more."""
    await conn.execute(
        "DELETE FROM governance.links WHERE expires_at < %(now)s - interval '7 d'", {"now": now}
    )
    await conn.execute(
        "DELETE FROM governance.sessions WHERE expires_at < %(now)s - interval '7 d'",
        {"now": now},
    )
