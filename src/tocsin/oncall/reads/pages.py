"""Pages, their messages and who is on call, as screens and flows read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel import jobs as job_rows
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.effects import UnpageableReason
from tocsin.oncall.core.receipt import Trail
from tocsin.oncall.model import NotificationState, Page


class AttemptRow(Struct, frozen=True, kw_only=True):
    """One try to deliver; outcome None: not known, the process died in between.

    `show` is how much of the text left: full, title or reference. `receipt` is the provider's
    last word after it took the message.
    """

    notification_id: UUID
    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    provider_id: str
    error: str
    show: str = ""
    delivered_at: datetime | None = None
    seen_at: datetime | None = None
    acked_at: datetime | None = None
    failed_at: datetime | None = None
    receipt: str = ""

    @property
    def trail(self) -> Trail:
        """Return what decides how far it got."""
        return Trail(
            started_at=self.started_at, ended_at=self.ended_at, outcome=self.outcome,
            delivered_at=self.delivered_at, seen_at=self.seen_at, acked_at=self.acked_at,
            failed_at=self.failed_at,
        )  # fmt: skip


class NotificationRow(Struct, frozen=True, kw_only=True):
    """A message; `seen_at` is when its person opened it in the web inbox.

    `rule` is the person's own, due at `due_at` (None: at once); `bundle` names the message that
    it left with.
    """

    id: UUID
    page_id: UUID
    epoch: int
    loop: int
    step: int
    catch: int
    person_id: UUID
    method: int
    kind: str
    state: NotificationState
    attempt_count: int
    queued_at: datetime
    seen_at: datetime | None = None
    rule: int = 0
    due_at: datetime | None = None
    urgency: Urgency = Urgency.HIGH
    bundle: UUID | None = None


async def pages_of(unit: Unit, incident_ids: Sequence[UUID]) -> dict[UUID, list[Page]]:
    """Return the pages of each of these incidents, oldest first."""
    unit.require("page:read")
    async with unit.conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE incident_id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
             ORDER BY id
            """,
            {"ids": list(incident_ids), "audience": unit.audience},
        )
        found: dict[UUID, list[Page]] = {}
        for page in await cursor.fetchall():
            found.setdefault(page.incident_id, []).append(page)
        return found


async def page(unit: Unit, page_id: str) -> Page:
    """Return one page. Raises NotFound, or Invalid for what is no id."""
    unit.require("page:read")
    try:
        wanted = UUID(page_id)
    except ValueError:
        raise Invalid(f"{page_id!r} is no page id", field="page") from None
    async with unit.conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE id = %(id)s
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
            """,
            {"id": wanted, "audience": unit.audience},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no page {page_id}")
    return found


async def notifications_of(unit: Unit, page_ids: Sequence[UUID]) -> list[NotificationRow]:
    """Return the messages of these pages in the order in which they were queued."""
    unit.require("page:read")
    async with unit.conn.cursor(row_factory=struct_row(NotificationRow)) as cursor:
        await cursor.execute(
            """
            SELECT n.id, n.page_id, n.epoch, n.loop, n.step, n.catch, n.person_id, n.method, n.kind,
                   n.state, n.attempt_count, n.queued_at, n.seen_at, n.rule, n.due_at, n.urgency,
                   n.bundle
              FROM oncall.notifications n
              JOIN oncall.pages p ON p.id = n.page_id
             WHERE n.page_id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR p.visible_to IS NULL
                    OR p.visible_to && %(audience)s)
             ORDER BY n.queued_at, n.id
             LIMIT 500
            """,
            {"ids": list(page_ids), "audience": unit.audience},
        )
        return await cursor.fetchall()


async def attempts_of(unit: Unit, notification_ids: Sequence[UUID]) -> list[AttemptRow]:
    """Return the attempts of these messages, oldest first."""
    unit.require("page:read")
    async with unit.conn.cursor(row_factory=struct_row(AttemptRow)) as cursor:
        await cursor.execute(
            """
            SELECT a.notification_id, a.number, a.started_at, a.ended_at, a.outcome,
                   a.provider_id, a.error, a.show, a.delivered_at, a.seen_at, a.acked_at,
                   a.failed_at, a.receipt
              FROM oncall.attempts a
              JOIN oncall.notifications n ON n.id = a.notification_id
              JOIN oncall.pages p ON p.id = n.page_id
             WHERE a.notification_id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR p.visible_to IS NULL
                    OR p.visible_to && %(audience)s)
             ORDER BY a.started_at, a.number
            """,
            {"ids": list(notification_ids), "audience": unit.audience},
        )
        return await cursor.fetchall()


async def waiting_for(
    unit: Unit, pages: Sequence[Page]
) -> dict[UUID, list[tuple[str, datetime]]]:
    """Return, for each page, what is due for it and when, soonest first."""
    unit.require("page:read")
    return await job_rows.due_at_of(unit.conn, [(page.id, page.epoch) for page in pages])


class Unpageable(Struct, frozen=True):
    """An incident with an open page that nobody answers, and what became of its messages."""

    incident_id: UUID
    reason: UnpageableReason


async def unpageable_incidents(unit: Unit) -> list[Unpageable]:
    """Return the incidents whose open page nobody can be brought to answer, and why.

    What a method took, of any of their pages, was told to somebody: those are unanswered.
    """
    unit.require("page:read")
    async with unit.conn.cursor(row_factory=struct_row(Unpageable)) as cursor:
        await cursor.execute(
            """
            SELECT p.incident_id,
                   CASE WHEN bool_or(n.state = 'sent') THEN 'unanswered'
                        WHEN count(n.id) > 0 THEN 'all_failed'
                        ELSE 'nobody_reachable' END AS reason
              FROM oncall.pages p
              LEFT JOIN oncall.notifications n ON n.page_id = p.id AND n.epoch = p.epoch
             WHERE p.unpageable AND p.state IN ('triggered', 'escalating')
               AND (%(audience)s::text[] IS NULL OR p.visible_to IS NULL
                    OR p.visible_to && %(audience)s)
             GROUP BY p.incident_id
             ORDER BY p.incident_id
            """,
            {"audience": unit.audience},
        )
        return await cursor.fetchall()


async def is_calling(unit: Unit) -> bool:
    """Say whether a page that the asker may see waits for an answer."""
    unit.require("page:read")
    cursor = await unit.conn.execute(
        """
        SELECT EXISTS (
               SELECT FROM oncall.pages
                WHERE state IN ('triggered', 'escalating')
                  AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                       OR visible_to && %(audience)s))
        """,
        {"audience": unit.audience},
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def open_count(conn: AsyncConnection[Any]) -> int:
    """Count the pages that nobody has acknowledged."""
    cursor = await conn.execute(
        "SELECT count(*) FROM oncall.pages WHERE state IN ('triggered', 'escalating')"
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
