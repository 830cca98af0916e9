"""Rows of tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import asdict
from psycopg import AsyncConnection

from tocsin.governance.model import Token
from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row

Conn = AsyncConnection[Any]


async def add(conn: Conn, token: Token, digest: bytes) -> bool:
    """Insert a token; False when one of that name exists."""
    cursor = await conn.execute(
        """
        INSERT INTO governance.tokens
               (id, name, role, hash, rate, created_at, expires_at, person_id, teams, integration)
        VALUES (%(id)s, %(name)s, %(role)s, %(hash)s, %(rate)s, %(created_at)s, %(expires_at)s,
                %(person_id)s, %(teams)s, %(integration)s)
            ON CONFLICT (name) DO NOTHING
        """,
        {
            **asdict(token),
            "hash": digest,
            "teams": None if token.teams is None else list(token.teams),
        },
    )
    return cursor.rowcount == 1


async def by_hash(conn: Conn, digest: bytes) -> Token | None:
    """Return the live token whose secret hashes to `digest`, unless its person is disabled."""
    async with conn.cursor(row_factory=struct_row(Token)) as cursor:
        await cursor.execute(
            """
            SELECT t.id, t.name, t.role, t.rate, t.created_at, t.expires_at,
                   t.last_used_at, t.person_id, t.teams, t.integration, u.role AS person_role
              FROM governance.tokens t
              LEFT JOIN governance.users u ON u.person_id = t.person_id
             WHERE t.hash = %(hash)s
               AND t.revoked_at IS NULL
               AND (t.person_id IS NULL OR u.role IS NOT NULL AND u.disabled_at IS NULL)
            """,
            {"hash": digest},
        )
        return await cursor.fetchone()


async def find_for_update(conn: Conn, *, id: UUID | None, name: str | None) -> Token | None:  # noqa: A002 - the column
    """Lock a live token by its id, else by its whole name."""
    async with conn.cursor(row_factory=struct_row(Token)) as cursor:
        await cursor.execute(
            """
            SELECT id, name, role, rate, created_at, expires_at, last_used_at,
                   person_id, teams, integration
              FROM governance.tokens
             WHERE (id = %(id)s OR name = %(name)s) AND revoked_at IS NULL
             ORDER BY id IS NOT DISTINCT FROM %(id)s DESC
             LIMIT 1
               FOR UPDATE
            """,
            {"id": id, "name": name},
        )
        return await cursor.fetchone()


async def revoke(conn: Conn, token_ids: Sequence[UUID], now: datetime) -> None:
    """End tokens and free their names for others."""
    await conn.execute(
        """
        UPDATE governance.tokens
           SET revoked_at = %(now)s, name = name || '~' || id::text
         WHERE id = ANY(%(ids)s) AND revoked_at IS NULL
        """,
        {"ids": list(token_ids), "now": now},
    )


async def of_person_for_update(conn: Conn, person_id: PersonId) -> list[UUID]:
    """Lock the live tokens of a person and return their ids."""
    cursor = await conn.execute(
        """
        SELECT id
          FROM governance.tokens
         WHERE person_id = %(person_id)s AND revoked_at IS NULL
         ORDER BY id
           FOR UPDATE
        """,
        {"person_id": person_id},
    )
    return [row[0] for row in await cursor.fetchall()]


async def note_used(conn: Conn, token_id: UUID, now: datetime, *, every_s: int) -> None:
    """Write down that a token is in use, at most every so many seconds."""
    await conn.execute(
        """
        UPDATE governance.tokens
           SET last_used_at = %(now)s
         WHERE id = %(id)s
           AND (last_used_at IS NULL
                OR last_used_at <= %(now)s - make_interval(secs => %(every_s)s))
        """,
        {"id": token_id, "now": now, "every_s": every_s},
    )
