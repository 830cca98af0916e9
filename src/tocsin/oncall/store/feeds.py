"""Calendars behind tokens; of a token only its hash is kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import Feed


async def add_feed(conn: AsyncConnection[Any], one: Feed, token_hash: bytes) -> None:
    """Keep a calendar."""
    await conn.execute(
        """
        INSERT INTO oncall.calendar_feeds
               (id, token_hash, kind, person_id, name, owner_id, author, created_at)
        VALUES (%(id)s, %(token_hash)s, %(kind)s, %(person_id)s, %(name)s, %(owner_id)s,
                %(author)s, %(created_at)s)
        """,
        {
            **{name: getattr(one, name) for name in one.__struct_fields__},
            "token_hash": token_hash,
        },
    )


async def feeds_of(conn: AsyncConnection[Any], owner_id: PersonId) -> list[Feed]:
    """Return the calendars that a person has made, newest first."""
    async with conn.cursor(row_factory=struct_row(Feed)) as cursor:
        await cursor.execute(
            """
            SELECT id, kind, person_id, name, owner_id, author, created_at, used_at,
                   sequence, digest, changed_at
              FROM oncall.calendar_feeds
             WHERE owner_id = %(owner_id)s
             ORDER BY created_at DESC, id DESC
            """,
            {"owner_id": owner_id},
        )
        return await cursor.fetchall()


async def feed_by_token(
    conn: AsyncConnection[Any], token_hash: bytes, now: datetime
) -> Feed | None:
    """Return the calendar behind a token, and note once an hour that it was asked for."""
    async with conn.cursor(row_factory=struct_row(Feed)) as cursor:
        await cursor.execute(
            """
            SELECT id, kind, person_id, name, owner_id, author, created_at, used_at,
                   sequence, digest, changed_at
              FROM oncall.calendar_feeds
             WHERE token_hash = %(token_hash)s
            """,
            {"token_hash": token_hash},
        )
        found = await cursor.fetchone()
    await conn.execute(
        """
        UPDATE oncall.calendar_feeds
           SET used_at = %(now)s
         WHERE token_hash = %(token_hash)s
           AND (used_at IS NULL OR used_at < %(now)s - interval '1 hour')
        """,
        {"token_hash": token_hash, "now": now},
    )
    return found


async def note_feed(conn: AsyncConnection[Any], feed: Feed, digest: str, now: datetime) -> Feed:
    """Count that a calendar says something else than it said before, if it does."""
    async with conn.cursor(row_factory=struct_row(Feed)) as cursor:
        await cursor.execute(
            """
            UPDATE oncall.calendar_feeds
               SET sequence = sequence + (digest <> '')::integer,
                   digest = %(digest)s, changed_at = %(now)s
             WHERE id = %(id)s AND digest <> %(digest)s
            RETURNING id, kind, person_id, name, owner_id, author, created_at, used_at,
                      sequence, digest, changed_at
            """,
            {"id": feed.id, "digest": digest, "now": now},
        )
        return await cursor.fetchone() or feed


async def remove_feed(conn: AsyncConnection[Any], feed_id: UUID) -> Feed:
    """Forget a calendar: its token opens nothing any more. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(Feed)) as cursor:
        await cursor.execute(
            """
            DELETE FROM oncall.calendar_feeds
             WHERE id = %(id)s
            RETURNING id, kind, person_id, name, owner_id, author, created_at, used_at,
                   sequence, digest, changed_at
            """,
            {"id": feed_id},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no calendar {feed_id}")
    return found
