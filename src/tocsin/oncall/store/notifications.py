"""Rows of messages and of the attempts to deliver them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.core.bundling import Told
from tocsin.oncall.model import Notification, NotificationState, RungKey


class Opened(Struct, frozen=True, kw_only=True):
    """A message that its person has opened just now."""

    id: NotificationId
    page_id: PageId
    incident_id: IncidentId


async def add_notification(conn: AsyncConnection[Any], notification: Notification) -> bool:
    """Queue a message; False when one of the same key was queued before."""
    cursor = await conn.execute(
        """
        INSERT INTO oncall.notifications
               (id, page_id, epoch, loop, step, catch, person_id, rule, method, kind, state,
                attempt_count, queued_at, due_at, urgency, bundle, tried_at)
        VALUES (%(id)s, %(page_id)s, %(epoch)s, %(loop)s, %(step)s, %(catch)s, %(person_id)s,
                %(rule)s, %(method)s, %(kind)s, %(state)s, %(attempt_count)s, %(queued_at)s,
                %(due_at)s, %(urgency)s, %(bundle)s, %(tried_at)s)
            ON CONFLICT (page_id, epoch, loop, step, catch, person_id, rule, method) DO NOTHING
        """,
        {name: getattr(notification, name) for name in Notification.__struct_fields__},
    )
    return cursor.rowcount == 1


async def notification(
    conn: AsyncConnection[Any], notification_id: NotificationId
) -> Notification:
    """Return a message; its page's lock guards it. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(Notification)) as cursor:
        await cursor.execute(
            """
            SELECT id, page_id, epoch, loop, step, catch, person_id, rule, method, kind, state,
                   attempt_count, queued_at, due_at, urgency, bundle, tried_at, again_at
              FROM oncall.notifications
             WHERE id = %(id)s
            """,
            {"id": notification_id},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no notification {notification_id}")
    return found


async def siblings(
    conn: AsyncConnection[Any], page_id: PageId, rung: RungKey
) -> tuple[Notification, ...]:
    """Return all messages of one call of one rung."""
    async with conn.cursor(row_factory=struct_row(Notification)) as cursor:
        await cursor.execute(
            """
            SELECT id, page_id, epoch, loop, step, catch, person_id, rule, method, kind, state,
                   attempt_count, queued_at, due_at, urgency, bundle, tried_at, again_at
              FROM oncall.notifications
             WHERE page_id = %(page_id)s AND epoch = %(epoch)s AND loop = %(loop)s
               AND step = %(step)s AND catch = %(catch)s
            """,
            {
                "page_id": page_id,
                "epoch": rung.epoch,
                "loop": rung.loop,
                "step": rung.step,
                "catch": rung.catch,
            },
        )
        return tuple(await cursor.fetchall())


async def waiting_notifications(conn: AsyncConnection[Any]) -> list[Notification]:
    """Return all messages that open pages have still to send in their present epoch."""
    async with conn.cursor(row_factory=struct_row(Notification)) as cursor:
        await cursor.execute(
            """
            SELECT n.id, n.page_id, n.epoch, n.loop, n.step, n.catch, n.person_id, n.rule,
                   n.method, n.kind, n.state, n.attempt_count, n.queued_at, n.due_at,
                   n.urgency, n.bundle, n.tried_at, n.again_at
              FROM oncall.pages p
              JOIN oncall.notifications n ON n.page_id = p.id AND n.epoch = p.epoch
             WHERE p.state <> 'resolved' AND n.state IN ('queued', 'sending')
            """
        )
        return await cursor.fetchall()


async def set_notification(
    conn: AsyncConnection[Any],
    notification_id: NotificationId,
    state: NotificationState,
) -> None:
    """Write a message's state."""
    await conn.execute(
        "UPDATE oncall.notifications SET state = %(state)s WHERE id = %(id)s",
        {"id": notification_id, "state": state},
    )


async def requeue(
    conn: AsyncConnection[Any], notification_id: NotificationId, again_at: datetime
) -> None:
    """Let a message wait for its next attempt."""
    await conn.execute(
        """
        UPDATE oncall.notifications
           SET state = 'queued', again_at = %(again_at)s
         WHERE id = %(id)s
        """,
        {"id": notification_id, "again_at": again_at},
    )


async def begin_attempt(
    conn: AsyncConnection[Any], notification_id: NotificationId, now: datetime
) -> int | None:
    """Mark a message as being sent and open its next attempt; return the attempt's number.

    None where it was sent, given up or suppressed before.
    """
    cursor = await conn.execute(
        """
        WITH mine AS (
            UPDATE oncall.notifications
               SET state = 'sending', attempt_count = attempt_count + 1, tried_at = %(now)s,
                   again_at = NULL
             WHERE id = %(id)s AND state IN ('queued', 'sending')
            RETURNING id, attempt_count
        ), tried AS (
            INSERT INTO oncall.attempts (notification_id, number, started_at)
            SELECT id, attempt_count, %(now)s FROM mine
        )
        SELECT attempt_count FROM mine
        """,
        {"id": notification_id, "now": now},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else None


async def end_attempt(  # noqa: PLR0913 - the columns of the row
    conn: AsyncConnection[Any],
    notification_id: NotificationId,
    number: int,
    *,
    now: datetime,
    outcome: str,
    provider_id: str = "",
    error: str = "",
    show: str = "",
) -> None:
    """Write how an attempt ended, and how much of the text left with it."""
    await conn.execute(
        """
        UPDATE oncall.attempts
           SET ended_at = %(now)s, outcome = %(outcome)s, provider_id = %(provider_id)s,
               error = %(error)s, show = %(show)s
         WHERE notification_id = %(id)s AND number = %(number)s
        """,
        {
            "id": notification_id,
            "number": number,
            "now": now,
            "outcome": outcome,
            "provider_id": provider_id[:500],
            "error": error[:2000],
            "show": show,
        },
    )


async def was_told(conn: AsyncConnection[Any], page_id: PageId, person_id: PersonId) -> bool:
    """Say whether a person has been called for a page."""
    cursor = await conn.execute(
        """
        SELECT 1
          FROM oncall.notifications
         WHERE page_id = %(page_id)s AND person_id = %(person_id)s
         LIMIT 1
        """,
        {"page_id": page_id, "person_id": person_id},
    )
    return await cursor.fetchone() is not None


async def mark_seen(
    conn: AsyncConnection[Any], person_id: PersonId, ids: Sequence[UUID] | None, now: datetime
) -> list[Opened]:
    """Note that a person has opened these messages (None: all of theirs); return the new ones."""
    async with conn.cursor(row_factory=struct_row(Opened)) as cursor:
        await cursor.execute(
            """
            UPDATE oncall.notifications n
               SET seen_at = %(now)s
              FROM oncall.pages p
             WHERE n.person_id = %(person_id)s AND n.kind = 'inbox' AND n.seen_at IS NULL
               AND (%(ids)s::uuid[] IS NULL OR n.id = ANY(%(ids)s))
               AND p.id = n.page_id
            RETURNING n.id, n.page_id, p.incident_id
            """,
            {
                "person_id": person_id,
                "ids": None if ids is None else list(ids),
                "now": now,
            },
        )
        return await cursor.fetchall()


async def lock_phone(conn: AsyncConnection[Any], person_id: PersonId, method: int) -> None:
    """Let one message at a time decide whether it rings a phone; take it before any page's lock."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(phone)s, 7))",
        {"phone": f"phone {person_id} {method}"},
    )


async def told_since(
    conn: AsyncConnection[Any], mine: Notification, since: datetime
) -> list[Told]:
    """Return what the same person was told by the same method since then."""
    async with conn.cursor(row_factory=struct_row(Told)) as cursor:
        await cursor.execute(
            """
            SELECT n.id, n.page_id, n.epoch, n.urgency, n.state, n.tried_at, n.rule,
                   p.epoch = n.epoch AND p.state IN ('triggered', 'escalating') AS is_calling
              FROM oncall.notifications n
              JOIN oncall.pages p ON p.id = n.page_id
             WHERE n.person_id = %(person_id)s AND n.tried_at > %(since)s
               AND n.method = %(method)s AND n.kind = %(kind)s
             ORDER BY n.tried_at DESC
             LIMIT 100
            """,
            {
                "person_id": mine.person_id,
                "method": mine.method,
                "kind": mine.kind,
                "since": since,
            },
        )
        return await cursor.fetchall()


async def gather(
    conn: AsyncConnection[Any], notification_id: NotificationId, until: datetime
) -> None:
    """Let a message wait for others to the same phone: it is its own bundle until then."""
    await conn.execute(
        """
        UPDATE oncall.notifications
           SET bundle = id, due_at = %(until)s
         WHERE id = %(id)s
        """,
        {"id": notification_id, "until": until},
    )


async def leaving_with(
    conn: AsyncConnection[Any], leader: Notification, limit: int
) -> list[Notification]:
    """Return what leaves with a message: what gathers for its phone, and what left with it before."""
    async with conn.cursor(row_factory=struct_row(Notification)) as cursor:
        await cursor.execute(
            """
            SELECT id, page_id, epoch, loop, step, catch, person_id, rule, method, kind, state,
                   attempt_count, queued_at, due_at, urgency, bundle, tried_at, again_at
              FROM oncall.notifications
             WHERE bundle IS NOT NULL AND id <> %(id)s AND person_id = %(person_id)s
               AND method = %(method)s AND kind = %(kind)s
               AND (bundle = %(id)s AND state IN ('queued', 'sending')
                    OR bundle = id AND state = 'queued' AND attempt_count = 0)
             ORDER BY (bundle = %(id)s) DESC, queued_at, id
             LIMIT %(limit)s
            """,
            {
                "id": leader.id,
                "person_id": leader.person_id,
                "method": leader.method,
                "kind": leader.kind,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


async def set_bundle(
    conn: AsyncConnection[Any], ids: Sequence[NotificationId], leader: NotificationId
) -> None:
    """Note that messages leave with another one, whose job delivers them from now on."""
    await conn.execute(
        "UPDATE oncall.notifications SET bundle = %(leader)s WHERE id = ANY(%(ids)s)",
        {"ids": list(ids), "leader": leader},
    )


async def bundled(
    conn: AsyncConnection[Any], person_id: PersonId, bundle: UUID
) -> list[PageId]:
    """Return the pages that one message told a person of."""
    cursor = await conn.execute(
        """
        SELECT DISTINCT page_id
          FROM oncall.notifications
         WHERE person_id = %(person_id)s AND (bundle = %(bundle)s OR id = %(bundle)s)
         ORDER BY page_id
        """,
        {"bundle": bundle, "person_id": person_id},
    )
    return [PageId(row[0]) for row in await cursor.fetchall()]
