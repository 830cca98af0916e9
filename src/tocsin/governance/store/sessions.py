"""Rows of sessions and one-time links."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import asdict
from psycopg import AsyncConnection

from tocsin.governance.model import Link, Session
from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row

Conn = AsyncConnection[Any]


async def add_session(conn: Conn, session: Session, digest: bytes) -> None:
    """Insert a session."""
    await conn.execute(
        """
        INSERT INTO governance.sessions
               (id, hash, name, role, actor_id, person_id, created_at, expires_at, last_seen_at,
                browser)
        VALUES (%(id)s, %(hash)s, %(name)s, %(role)s, %(actor_id)s, %(person_id)s,
                %(created_at)s, %(expires_at)s, %(last_seen_at)s, %(browser)s)
        """,
        {**asdict(session), "hash": digest},
    )


async def session_by_hash(
    conn: Conn, digest: bytes, now: datetime, *, idle: timedelta
) -> Session | None:
    """Return the session of a cookie, unless it is over, idle, or its person is disabled.

    A person's role is what it is now, not what it was at the sign-in.
    """
    async with conn.cursor(row_factory=struct_row(Session)) as cursor:
        await cursor.execute(
            """
            SELECT s.id, s.name, coalesce(u.role, s.role) AS role, s.actor_id, s.person_id,
                   s.created_at, s.expires_at,
                   coalesce(s.last_seen_at, s.created_at) AS last_seen_at, s.browser
              FROM governance.sessions s
              LEFT JOIN governance.users u ON u.person_id = s.person_id
             WHERE s.hash = %(hash)s
               AND s.expires_at > %(now)s
               AND coalesce(s.last_seen_at, s.created_at) > %(now)s - %(idle)s
               AND u.disabled_at IS NULL
            """,
            {"hash": digest, "now": now, "idle": idle},
        )
        return await cursor.fetchone()


async def note_seen(conn: Conn, session_id: UUID, now: datetime) -> None:
    """Write down that a browser is in use."""
    await conn.execute(
        "UPDATE governance.sessions SET last_seen_at = %(now)s WHERE id = %(id)s",
        {"id": session_id, "now": now},
    )


async def delete_session(conn: Conn, digest: bytes) -> None:
    """End a session."""
    await conn.execute(
        "DELETE FROM governance.sessions WHERE hash = %(hash)s", {"hash": digest}
    )


async def delete_sessions(
    conn: Conn, actor_id: UUID, *, only: UUID | None = None, keep: bytes | None = None
) -> list[UUID]:
    """End the sessions of somebody, or `only` one, but not the one that hashes to `keep`."""
    cursor = await conn.execute(
        """
        DELETE FROM governance.sessions
         WHERE actor_id = %(actor_id)s
           AND (%(only)s::uuid IS NULL OR id = %(only)s)
           AND (%(keep)s::bytea IS NULL OR hash <> %(keep)s)
        RETURNING id
        """,
        {"actor_id": actor_id, "only": only, "keep": keep},
    )
    return sorted(row[0] for row in await cursor.fetchall())


async def add_link(conn: Conn, link: Link, now: datetime) -> None:
    """Insert a one-time link."""
    await conn.execute(
        """
        INSERT INTO governance.links
               (hash, purpose, person_id, page_id, role, created_at, expires_at)
        VALUES (%(hash)s, %(purpose)s, %(person_id)s, %(page_id)s, %(role)s, %(now)s,
                %(expires_at)s)
        """,
        {**asdict(link), "now": now},
    )


async def link(conn: Conn, digest: bytes, *, lock: bool) -> Link | None:
    """Return a link, locked until the transaction ends if `lock`."""
    query = """
        SELECT hash, purpose, person_id, page_id, role, expires_at, used_at
          FROM governance.links
         WHERE hash = %(hash)s
        """
    async with conn.cursor(row_factory=struct_row(Link)) as cursor:
        await cursor.execute(query + (" FOR UPDATE" if lock else ""), {"hash": digest})
        return await cursor.fetchone()


async def mark_used(conn: Conn, digest: bytes, now: datetime) -> None:
    """Note that a link was used."""
    await conn.execute(
        "UPDATE governance.links SET used_at = %(now)s WHERE hash = %(hash)s",
        {"hash": digest, "now": now},
    )


async def void_password_links(conn: Conn, person_id: PersonId, now: datetime) -> None:
    """End the unused links by which a person could choose a password."""
    await conn.execute(
        """
        UPDATE governance.links
           SET expires_at = %(now)s
         WHERE person_id = %(person_id)s
           AND purpose IN ('invite', 'reset')
           AND used_at IS NULL
           AND expires_at > %(now)s
        """,
        {"person_id": person_id, "now": now},
    )


async def forget_expired(conn: Conn, now: datetime, *, idle: timedelta) -> None:
    """Delete links and sessions that are over for a week or more, and limits that limit nothing."""
    await conn.execute(
        "DELETE FROM governance.links WHERE expires_at < %(now)s - interval '7 d'", {"now": now}
    )
    await conn.execute(
        """
        DELETE FROM governance.sessions
         WHERE expires_at < %(now)s - interval '7 d'
            OR coalesce(last_seen_at, created_at) < %(now)s - %(idle)s - interval '7 d'
        """,
        {"now": now, "idle": idle},
    )
    await conn.execute("DELETE FROM governance.limits WHERE tat < %(now)s", {"now": now})
