"""Low-key messages to people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import Notice


async def add_notice(conn: AsyncConnection[Any], one: Notice) -> None:
    """Write down what somebody ought to know."""
    await conn.execute(
        """
        INSERT INTO oncall.notices (id, person_id, title, body, link, made_at)
        VALUES (%(id)s, %(person_id)s, %(title)s, %(body)s, %(link)s, %(made_at)s)
        """,
        {name: getattr(one, name) for name in one.__struct_fields__},
    )


async def notice(conn: AsyncConnection[Any], notice_id: UUID) -> Notice | None:
    """Return a message, if it is still there."""
    async with conn.cursor(row_factory=struct_row(Notice)) as cursor:
        await cursor.execute(
            """
            SELECT id, person_id, title, body, link, made_at, kind, outcome, error, seen_at
              FROM oncall.notices
             WHERE id = %(id)s
            """,
            {"id": notice_id},
        )
        return await cursor.fetchone()


async def end_notice(
    conn: AsyncConnection[Any], notice_id: UUID, kind: str, outcome: str, error: str
) -> None:
    """Write down by what a message was sent, and how that ended."""
    await conn.execute(
        """
        UPDATE oncall.notices
           SET kind = %(kind)s, outcome = %(outcome)s, error = %(error)s
         WHERE id = %(id)s
        """,
        {"id": notice_id, "kind": kind, "outcome": outcome, "error": error[:300]},
    )


async def mark_notices_seen(
    conn: AsyncConnection[Any], person_id: UUID, ids: Sequence[UUID] | None, now: datetime
) -> None:
    """Note that a person has opened these messages, or all that there are."""
    await conn.execute(
        """
        UPDATE oncall.notices
           SET seen_at = %(now)s
         WHERE person_id = %(person_id)s AND seen_at IS NULL
           AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s))
        """,
        {"person_id": person_id, "ids": list(ids) if ids is not None else None, "now": now},
    )
