"""What a person finds in their own inbox, and how the tests of their methods went."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.oncall.model import ContactTest, PageState, Show

INBOX_MAX = 100
TEST_RINGS = timedelta(minutes=2)


class InboxItem(Struct, frozen=True, kw_only=True):
    """A message to the asker; a notice has no page, a test neither page nor title.

    `is_ringing`: its page still waits for an answer. `is_visible`: they may see the incident,
    which is not so for who was called for something restricted and is not named.
    """

    id: UUID
    page_id: UUID | None
    incident_id: UUID | None
    number: int | None
    title: str
    queued_at: datetime
    seen_at: datetime | None
    page_state: PageState | None
    acknowledged_by: UUID | None
    is_ringing: bool
    is_visible: bool
    show: Show


async def inbox(unit: Unit, *, limit: int = INBOX_MAX) -> list[InboxItem]:
    """Return the asker's own messages, newest first."""
    unit.require("self:write")
    if unit.actor.person_id is None:
        return []
    async with unit.conn.cursor(row_factory=struct_row(InboxItem)) as cursor:
        await cursor.execute(
            """
            SELECT n.id, n.page_id, p.incident_id, (p.brief ->> 'number')::bigint AS number,
                   p.brief ->> 'title' AS title, n.queued_at, n.seen_at,
                   p.state AS page_state, p.acknowledged_by,
                   p.state IN ('triggered', 'escalating') AND n.epoch = p.epoch AS is_ringing,
                   (%(audience)s::text[] IS NULL OR p.visible_to IS NULL
                    OR p.visible_to && %(audience)s) AS is_visible,
                   coalesce((SELECT nullif(a.show, '')
                               FROM oncall.attempts a
                              WHERE a.notification_id = n.id
                              ORDER BY a.number DESC
                              LIMIT 1), 'full') AS show
              FROM oncall.notifications n
              JOIN oncall.pages p ON p.id = n.page_id
             WHERE n.person_id = %(person_id)s AND n.kind = 'inbox' AND n.state = 'sent'
             UNION ALL
            SELECT t.id, NULL, NULL, NULL, '', t.started_at, t.seen_at, NULL, NULL,
                   t.seen_at IS NULL AND t.started_at > %(test_since)s, true, t.show
              FROM oncall.contact_tests t
             WHERE t.person_id = %(person_id)s AND t.kind = 'inbox' AND t.outcome = 'sent'
             UNION ALL
            SELECT s.id, NULL, NULL, NULL, s.body, s.made_at, s.seen_at, NULL, NULL, false, true,
                   'full'
              FROM oncall.notices s
             WHERE s.person_id = %(person_id)s AND s.kind = 'inbox' AND s.outcome = 'sent'
             ORDER BY queued_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {
                "person_id": unit.actor.person_id,
                "audience": unit.audience,
                "test_since": unit.now - TEST_RINGS,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


async def unseen_count(unit: Unit) -> int:
    """Count the asker's own messages that they have not opened."""
    unit.require("self:write")
    return await _count(unit.conn, unit.actor.person_id) if unit.actor.person_id else 0


async def _count(conn: AsyncConnection[Any], person_id: UUID) -> int:
    cursor = await conn.execute(
        """
        SELECT (SELECT count(*) FROM oncall.notifications
                 WHERE person_id = %(person_id)s AND kind = 'inbox' AND state = 'sent'
                   AND seen_at IS NULL)
             + (SELECT count(*) FROM oncall.contact_tests
                 WHERE person_id = %(person_id)s AND kind = 'inbox' AND outcome = 'sent'
                   AND seen_at IS NULL)
             + (SELECT count(*) FROM oncall.notices
                 WHERE person_id = %(person_id)s AND kind = 'inbox' AND outcome = 'sent'
                   AND seen_at IS NULL)
        """,
        {"person_id": person_id},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def last_tests(unit: Unit) -> dict[int, ContactTest]:
    """Return the asker's last test of each of their methods, by its index."""
    unit.require("self:write")
    async with unit.conn.cursor(row_factory=struct_row(ContactTest)) as cursor:
        await cursor.execute(
            """
            SELECT DISTINCT ON (method)
                   id, person_id, method, kind, show, started_at, ended_at, outcome,
                   provider_id, error
              FROM oncall.contact_tests
             WHERE person_id = %(person_id)s
             ORDER BY method, started_at DESC
            """,
            {"person_id": unit.actor.person_id},
        )
        return {test.method: test for test in await cursor.fetchall()}
