"""Rows around what people reply: which incidents call them, what was heard, what was posted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.ids import IncidentId, PageId, PersonId
from tocsin.kernel.rows import struct_row


class Called(Struct, frozen=True, kw_only=True):
    """An incident that people are or were called for; `is_open`: a page still waits for somebody."""

    incident_id: IncidentId
    number: int
    is_open: bool


class Posted(Struct, frozen=True, kw_only=True):
    """A message of a page that a provider took, as it is known there; `show`: how much left."""

    notification_id: UUID
    person_id: PersonId
    kind: str
    method: int
    provider_id: str
    show: str


async def called_by_number(conn: AsyncConnection[Any], number: int) -> list[Called]:
    """Return the incident of this number that people were called for, if there is one."""
    async with conn.cursor(row_factory=struct_row(Called)) as cursor:
        await cursor.execute(
            """
            SELECT incident_id, (brief->>'number')::integer AS number,
                   bool_or(state IN ('triggered', 'escalating')) AS is_open
              FROM oncall.pages
             WHERE brief->>'number' = %(number)s
             GROUP BY incident_id, brief->>'number'
             ORDER BY incident_id
             LIMIT 2
            """,
            {"number": str(number)},
        )
        return await cursor.fetchall()


async def called_for(conn: AsyncConnection[Any], incident_id: IncidentId) -> list[Called]:
    """Return an incident by its id, if people were called for it."""
    async with conn.cursor(row_factory=struct_row(Called)) as cursor:
        await cursor.execute(
            """
            SELECT incident_id, max((brief->>'number')::integer) AS number,
                   bool_or(state IN ('triggered', 'escalating')) AS is_open
              FROM oncall.pages
             WHERE incident_id = %(incident_id)s
             GROUP BY incident_id
            """,
            {"incident_id": incident_id},
        )
        return await cursor.fetchall()


async def calling(conn: AsyncConnection[Any], person_id: PersonId, limit: int) -> list[Called]:
    """Return the incidents that are not over and for which this person was called, oldest first."""
    async with conn.cursor(row_factory=struct_row(Called)) as cursor:
        await cursor.execute(
            """
            SELECT p.incident_id, max((p.brief->>'number')::integer) AS number,
                   bool_or(p.state IN ('triggered', 'escalating')) AS is_open
              FROM oncall.pages p
             WHERE p.state <> 'resolved'
               AND EXISTS (SELECT FROM oncall.notifications n
                            WHERE n.page_id = p.id AND n.person_id = %(person_id)s)
             GROUP BY p.incident_id
             ORDER BY min(p.opened_at)
             LIMIT %(limit)s
            """,
            {"person_id": person_id, "limit": limit},
        )
        return await cursor.fetchall()


async def incident_of_posted(
    conn: AsyncConnection[Any], kind: str, provider_ids: Sequence[str]
) -> IncidentId | None:
    """Return the incident that a message was about, by any of the ids a provider gave it."""
    cursor = await conn.execute(
        """
        SELECT p.incident_id
          FROM oncall.attempts a
          JOIN oncall.notifications n ON n.id = a.notification_id
          JOIN oncall.pages p ON p.id = n.page_id
         WHERE a.provider_id = ANY(%(ids)s) AND a.provider_id <> '' AND n.kind = %(kind)s
         LIMIT 1
        """,
        {"ids": list(provider_ids), "kind": kind},
    )
    row = await cursor.fetchone()
    return None if row is None else IncidentId(row[0])


async def posted_about(
    conn: AsyncConnection[Any], incident_id: IncidentId, kind: str, limit: int
) -> list[str]:
    """Return how a provider calls the messages about an incident that it took, oldest first."""
    cursor = await conn.execute(
        """
        SELECT a.provider_id
          FROM oncall.pages p
          JOIN oncall.notifications n ON n.page_id = p.id
          JOIN oncall.attempts a ON a.notification_id = n.id
         WHERE p.incident_id = %(incident_id)s AND n.kind = %(kind)s
           AND a.outcome = 'sent' AND a.provider_id <> ''
         ORDER BY a.started_at
         LIMIT %(limit)s
        """,
        {"incident_id": incident_id, "kind": kind, "limit": limit},
    )
    return [row[0] for row in await cursor.fetchall()]


async def posted_of(
    conn: AsyncConnection[Any], page_id: PageId, kinds: Sequence[str], limit: int
) -> list[Posted]:
    """Return the newest messages of a page that providers of these kinds took."""
    async with conn.cursor(row_factory=struct_row(Posted)) as cursor:
        await cursor.execute(
            """
            SELECT n.id AS notification_id, n.person_id, n.kind, n.method, a.provider_id, a.show
              FROM oncall.notifications n
              JOIN oncall.attempts a ON a.notification_id = n.id
             WHERE n.page_id = %(page_id)s AND n.kind = ANY(%(kinds)s)
               AND a.outcome = 'sent' AND a.provider_id <> ''
             ORDER BY a.started_at DESC
             LIMIT %(limit)s
            """,
            {"page_id": page_id, "kinds": list(kinds), "limit": limit},
        )
        return await cursor.fetchall()


async def note_heard(
    conn: AsyncConnection[Any], source: str, message: str, now: datetime
) -> bool:
    """Note that a message was acted on; False where it was before."""
    cursor = await conn.execute(
        """
        INSERT INTO oncall.heard (source, message, heard_at)
        VALUES (%(source)s, %(message)s, %(now)s)
            ON CONFLICT (source, message) DO NOTHING
        """,
        {"source": source, "message": message, "now": now},
    )
    return cursor.rowcount == 1


async def forget_heard(conn: AsyncConnection[Any], before: datetime) -> None:
    """Forget what was heard long ago, and words that have expired."""
    await conn.execute("DELETE FROM oncall.heard WHERE heard_at < %(at)s", {"at": before})
    await conn.execute(
        "DELETE FROM oncall.reply_words WHERE expires_at < %(at)s", {"at": before}
    )


async def was_told_of(
    conn: AsyncConnection[Any], incident_id: IncidentId, person_id: PersonId
) -> bool:
    """Say whether a person has been called for a page of an incident."""
    cursor = await conn.execute(
        """
        SELECT 1
          FROM oncall.notifications n
          JOIN oncall.pages p ON p.id = n.page_id
         WHERE p.incident_id = %(incident_id)s AND n.person_id = %(person_id)s
         LIMIT 1
        """,
        {"incident_id": incident_id, "person_id": person_id},
    )
    return await cursor.fetchone() is not None
