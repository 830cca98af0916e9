"""Rows of the connections by which replies are heard: who has one, and where it goes on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.ids import IncidentId, PersonId
from tocsin.kernel.rows import struct_row


class ReplyWord(Struct, frozen=True, kw_only=True):
    """For whom a secret was made that came back, about what, and whether it was used before."""

    person_id: PersonId
    incident_id: IncidentId
    kind: str
    expires_at: datetime
    used_at: datetime | None


async def hold_listener(
    conn: AsyncConnection[Any], name: str, holder: UUID, now: datetime, until: datetime
) -> str | None:
    """Take or keep a connection's lease; return where it goes on, None where another has it."""
    cursor = await conn.execute(
        """
        INSERT INTO oncall.listeners (name, holder, leased_until, changed_at)
        VALUES (%(name)s, %(holder)s, %(until)s, %(now)s)
            ON CONFLICT (name) DO UPDATE
           SET holder = excluded.holder, leased_until = excluded.leased_until,
               connected_at = CASE WHEN listeners.holder = excluded.holder
                                   THEN listeners.connected_at END
         WHERE listeners.holder IS NULL OR listeners.holder = excluded.holder
            OR listeners.leased_until < %(now)s
        RETURNING position
        """,
        {"name": name, "holder": holder, "until": until, "now": now},
    )
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def let_listener_go(conn: AsyncConnection[Any], name: str, holder: UUID) -> None:
    """Give a lease back, so that another process takes it at once."""
    await conn.execute(
        """
        UPDATE oncall.listeners
           SET holder = NULL, leased_until = NULL, connected_at = NULL
         WHERE name = %(name)s AND holder = %(holder)s
        """,
        {"name": name, "holder": holder},
    )


async def note_listener(
    conn: AsyncConnection[Any], name: str, holder: UUID, now: datetime, error: str
) -> None:
    """Note that a connection stands, or why it does not."""
    await conn.execute(
        """
        UPDATE oncall.listeners
           SET connected_at = CASE WHEN %(error)s = '' THEN %(now)s::timestamptz END,
               error = %(error)s, changed_at = %(now)s
         WHERE name = %(name)s AND holder = %(holder)s
        """,
        {"name": name, "holder": holder, "now": now, "error": error[:500]},
    )


async def keep_position(
    conn: AsyncConnection[Any], name: str, holder: UUID, position: str
) -> None:
    """Remember where a connection goes on; nothing where another process has it by now."""
    await conn.execute(
        """
        UPDATE oncall.listeners
           SET position = %(position)s
         WHERE name = %(name)s AND holder = %(holder)s
        """,
        {"name": name, "holder": holder, "position": position},
    )


async def add_word(conn: AsyncConnection[Any], digest: bytes, word: ReplyWord) -> None:
    """Keep the digest of a new secret."""
    await conn.execute(
        """
        INSERT INTO oncall.reply_words (hash, kind, person_id, incident_id, expires_at)
        VALUES (%(hash)s, %(kind)s, %(person_id)s, %(incident_id)s, %(expires_at)s)
        """,
        {
            "hash": digest,
            "kind": word.kind,
            "person_id": word.person_id,
            "incident_id": word.incident_id,
            "expires_at": word.expires_at,
        },
    )


async def use_word(
    conn: AsyncConnection[Any], digest: bytes, now: datetime
) -> ReplyWord | None:
    """Note that a secret came back; return it as it was before, None for one that is not known."""
    async with conn.cursor(row_factory=struct_row(ReplyWord)) as cursor:
        await cursor.execute(
            """
            SELECT person_id, incident_id, kind, expires_at, used_at
              FROM oncall.reply_words
             WHERE hash = %(hash)s
               FOR UPDATE
            """,
            {"hash": digest},
        )
        found = await cursor.fetchone()
    if found is not None:
        await conn.execute(
            "UPDATE oncall.reply_words SET used_at = coalesce(used_at, %(now)s) WHERE hash = %(hash)s",
            {"hash": digest, "now": now},
        )
    return found
