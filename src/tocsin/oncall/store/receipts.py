"""Rows of what became of attempts, and of the messages that somebody answers by telephone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.core.receipt import Trail
from tocsin.oncall.model import MethodKind, PageState


class Phoned(Struct, frozen=True, kw_only=True):
    """A message by telephone, and the page that it is about; `bundle` is what it left with."""

    id: NotificationId
    page_id: PageId
    incident_id: IncidentId
    person_id: PersonId
    number: int
    state: PageState
    bundle: NotificationId | None


class Unasked(Struct, frozen=True, kw_only=True):
    """An attempt for which a receipt is still to be asked for."""

    notification_id: NotificationId
    number: int
    provider_id: str
    kind: MethodKind


async def trail(
    conn: AsyncConnection[Any], notification_id: NotificationId, number: int
) -> Trail | None:
    """Return all that is known of one attempt; its page's lock guards it. None: there is none."""
    async with conn.cursor(row_factory=struct_row(Trail)) as cursor:
        await cursor.execute(
            """
            SELECT started_at, ended_at, outcome, delivered_at, seen_at, acked_at, failed_at
              FROM oncall.attempts
             WHERE notification_id = %(id)s AND number = %(number)s
            """,
            {"id": notification_id, "number": number},
        )
        return await cursor.fetchone()


async def left_together(
    conn: AsyncConnection[Any], notification_id: NotificationId
) -> list[NotificationId]:
    """Return a message and those that left with it as one, in the order of their pages."""
    cursor = await conn.execute(
        """
        WITH led AS (
            SELECT coalesce(bundle, id) AS id FROM oncall.notifications WHERE id = %(id)s
        )
        SELECT id
          FROM oncall.notifications
         WHERE id = (SELECT id FROM led) OR bundle = (SELECT id FROM led)
         ORDER BY page_id, id
        """,
        {"id": notification_id},
    )
    return [NotificationId(row[0]) for row in await cursor.fetchall()]


async def save_trail(
    conn: AsyncConnection[Any],
    notification_id: NotificationId,
    number: int,
    trail: Trail,
    receipt: str,
) -> None:
    """Write what a receipt has told of an attempt."""
    await conn.execute(
        """
        UPDATE oncall.attempts
           SET delivered_at = %(delivered_at)s, seen_at = %(seen_at)s, acked_at = %(acked_at)s,
               failed_at = %(failed_at)s, receipt = %(receipt)s
         WHERE notification_id = %(id)s AND number = %(number)s
        """,
        {
            "id": notification_id,
            "number": number,
            "delivered_at": trail.delivered_at,
            "seen_at": trail.seen_at,
            "acked_at": trail.acked_at,
            "failed_at": trail.failed_at,
            "receipt": receipt[:200],
        },
    )


async def skipped_count(conn: AsyncConnection[Any], notification_id: NotificationId) -> int:
    """Return how many attempts of a message asked no provider, since it was left alone."""
    cursor = await conn.execute(
        """
        SELECT count(*)
          FROM oncall.attempts
         WHERE notification_id = %(id)s AND outcome = 'skipped'
        """,
        {"id": notification_id},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def is_overtaken(conn: AsyncConnection[Any], notification_id: NotificationId) -> bool:
    """Say whether a message waited for a provider until its page called the phone as urgently."""
    cursor = await conn.execute(
        """
        SELECT 1
          FROM oncall.notifications n
          JOIN oncall.notifications later
            ON later.page_id = n.page_id AND later.epoch = n.epoch
           AND later.person_id = n.person_id AND later.method = n.method
           AND later.kind = n.kind AND later.queued_at > n.queued_at
         WHERE n.id = %(id)s AND later.state IN ('queued', 'sending', 'sent')
           AND (later.due_at IS NULL OR later.attempt_count > 0)
           AND (later.urgency = n.urgency OR later.urgency = 'high')
           AND EXISTS (SELECT FROM oncall.attempts a
                        WHERE a.notification_id = n.id AND a.outcome = 'skipped')
         LIMIT 1
        """,
        {"id": notification_id},
    )
    return await cursor.fetchone() is not None


async def mark_answered(
    conn: AsyncConnection[Any],
    page_id: PageId,
    person_id: PersonId,
    kind: MethodKind,
    now: datetime,
) -> None:
    """Note that a person acknowledged a page by the newest message of this kind to them."""
    await conn.execute(
        """
        UPDATE oncall.attempts
           SET acked_at = coalesce(acked_at, %(now)s)
         WHERE (notification_id, number) IN (
               SELECT a.notification_id, a.number
                 FROM oncall.notifications n
                 JOIN oncall.attempts a ON a.notification_id = n.id
                WHERE n.page_id = %(page_id)s AND n.person_id = %(person_id)s
                  AND n.kind = %(kind)s
                ORDER BY a.started_at DESC
                LIMIT 1)
        """,
        {"page_id": page_id, "person_id": person_id, "kind": kind, "now": now},
    )


async def mark_opened(
    conn: AsyncConnection[Any], ids: Sequence[NotificationId], now: datetime
) -> None:
    """Note that messages were opened, with the attempt that brought each."""
    await conn.execute(
        """
        UPDATE oncall.attempts
           SET seen_at = coalesce(seen_at, %(now)s)
         WHERE notification_id = ANY(%(ids)s) AND outcome = 'sent'
        """,
        {"ids": list(ids), "now": now},
    )


async def unconfirmed(conn: AsyncConnection[Any], since: datetime, limit: int) -> list[Unasked]:
    """Return the attempts by telephone, queued since then, whose receipt has not come."""
    async with conn.cursor(row_factory=struct_row(Unasked)) as cursor:
        await cursor.execute(
            """
            SELECT a.notification_id, a.number, a.provider_id, n.kind
              FROM oncall.attempts a
              JOIN oncall.notifications n ON n.id = a.notification_id
             WHERE a.outcome = 'sent' AND a.provider_id <> '' AND a.delivered_at IS NULL
               AND a.seen_at IS NULL AND a.acked_at IS NULL AND a.failed_at IS NULL
               AND n.queued_at > %(since)s AND n.kind IN ('sms', 'voice')
             ORDER BY a.ended_at
             LIMIT %(limit)s
            """,
            {"since": since, "limit": limit},
        )
        return await cursor.fetchall()


async def phoned(
    conn: AsyncConnection[Any], people: Sequence[PersonId], since: datetime
) -> list[Phoned]:
    """Return the messages by telephone to these people since then, newest first, at most 50."""
    async with conn.cursor(row_factory=struct_row(Phoned)) as cursor:
        await cursor.execute(
            """
            SELECT n.id, n.page_id, p.incident_id, n.person_id, p.state, n.bundle,
                   (p.brief->>'number')::integer AS number
              FROM oncall.notifications n
              JOIN oncall.pages p ON p.id = n.page_id
             WHERE n.person_id = ANY(%(people)s) AND n.kind IN ('sms', 'voice')
               AND n.queued_at > %(since)s AND n.attempt_count > 0
             ORDER BY n.queued_at DESC, n.id DESC
             LIMIT 50
            """,
            {"people": list(people), "since": since},
        )
        return await cursor.fetchall()
