"""On-call's rows. The only module that names the tables of schema `oncall` for writing."""

from datetime import datetime
from typing import Any

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import IncidentId, NotificationId, PageId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import Brief, Notification, NotificationState, Page, RungKey


async def add_page(conn: AsyncConnection[Any], page: Page, brief: Brief) -> None:
    """Insert a page that is new."""
    await conn.execute(
        """
        INSERT INTO oncall.pages
               (id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                unpageable, opened_at, acknowledged_by, acknowledged_at, resolved_at, brief)
        VALUES (%(id)s, %(incident_id)s, %(policy_id)s, %(state)s, %(epoch)s, %(step)s, %(loop)s,
                %(catch)s, %(retriggers)s, %(unpageable)s, %(opened_at)s, %(acknowledged_by)s,
                %(acknowledged_at)s, %(resolved_at)s, %(brief)s)
        """,
        _values(page) | {"brief": msgspec.json.encode(brief).decode()},
    )


async def save_page(conn: AsyncConnection[Any], page: Page) -> None:
    """Write back a page that was locked."""
    await conn.execute(
        """
        UPDATE oncall.pages
           SET state = %(state)s, epoch = %(epoch)s, step = %(step)s, loop = %(loop)s,
               catch = %(catch)s, retriggers = %(retriggers)s, unpageable = %(unpageable)s,
               acknowledged_by = %(acknowledged_by)s, acknowledged_at = %(acknowledged_at)s,
               resolved_at = %(resolved_at)s
         WHERE id = %(id)s
        """,
        _values(page),
    )


def _values(page: Page) -> dict[str, Any]:
    return {name: getattr(page, name) for name in Page.__struct_fields__}


async def page_for_update(conn: AsyncConnection[Any], page_id: PageId) -> Page:
    """Lock one page until the transaction ends. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at, resolved_at
              FROM oncall.pages
             WHERE id = %(page_id)s
               FOR UPDATE
            """,
            {"page_id": page_id},
        )
        page = await cursor.fetchone()
    if page is None:
        raise NotFound(f"no page {page_id}")
    return page


async def pages_of_for_update(
    conn: AsyncConnection[Any], incident_id: IncidentId
) -> list[Page]:
    """Lock all pages of an incident, in id order."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at, resolved_at
              FROM oncall.pages
             WHERE incident_id = %(incident_id)s
             ORDER BY id
               FOR UPDATE
            """,
            {"incident_id": incident_id},
        )
        return await cursor.fetchall()


async def watched_pages(conn: AsyncConnection[Any]) -> list[Page]:
    """Return every page that is not resolved, without locking it."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at, resolved_at
              FROM oncall.pages
             WHERE state <> 'resolved'
            """
        )
        return await cursor.fetchall()


async def brief(conn: AsyncConnection[Any], page_id: PageId) -> Brief:
    """Return what a page is about. Raises NotFound."""
    cursor = await conn.execute(
        "SELECT brief FROM oncall.pages WHERE id = %(page_id)s", {"page_id": page_id}
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"no page {page_id}")
    return msgspec.convert(row[0], Brief)


async def add_notification(conn: AsyncConnection[Any], notification: Notification) -> bool:
    """Queue a message; False when one of the same key was queued before."""
    cursor = await conn.execute(
        """
        INSERT INTO oncall.notifications
               (id, page_id, epoch, loop, step, catch, person_id, rule, method, kind, state,
                attempt_count, queued_at)
        VALUES (%(id)s, %(page_id)s, %(epoch)s, %(loop)s, %(step)s, %(catch)s, %(person_id)s,
                %(rule)s, %(method)s, %(kind)s, %(state)s, %(attempt_count)s, %(queued_at)s)
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
                   attempt_count, queued_at
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
                   attempt_count, queued_at
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


async def begin_attempt(
    conn: AsyncConnection[Any], notification_id: NotificationId, now: datetime
) -> int:
    """Mark a message as being sent and open its next attempt; return the attempt's number."""
    cursor = await conn.execute(
        """
        UPDATE oncall.notifications
           SET state = 'sending', attempt_count = attempt_count + 1
         WHERE id = %(id)s
        RETURNING attempt_count
        """,
        {"id": notification_id},
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"no notification {notification_id}")
    await conn.execute(
        """
        INSERT INTO oncall.attempts (notification_id, number, started_at)
        VALUES (%(id)s, %(number)s, %(now)s)
        """,
        {"id": notification_id, "number": row[0], "now": now},
    )
    return int(row[0])


async def end_attempt(  # noqa: PLR0913 - the columns of the row
    conn: AsyncConnection[Any],
    notification_id: NotificationId,
    number: int,
    *,
    now: datetime,
    outcome: str,
    provider_id: str = "",
    error: str = "",
) -> None:
    """Write how an attempt ended."""
    await conn.execute(
        """
        UPDATE oncall.attempts
           SET ended_at = %(now)s, outcome = %(outcome)s, provider_id = %(provider_id)s,
               error = %(error)s
         WHERE notification_id = %(id)s AND number = %(number)s
        """,
        {
            "id": notification_id,
            "number": number,
            "now": now,
            "outcome": outcome,
            "provider_id": provider_id[:500],
            "error": error[:2000],
        },
    )
