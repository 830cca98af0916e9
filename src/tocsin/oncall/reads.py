"""Shapes of on-call for screens; SELECT only."""

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
from tocsin.oncall.core import rotation as shifts
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.rotation import Shift
from tocsin.oncall.model import NotificationState, Page, Rotation


class AttemptRow(Struct, frozen=True, kw_only=True):
    """One try to deliver; outcome None: not known, the process died in between."""

    notification_id: UUID
    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    provider_id: str
    error: str


class NotificationRow(Struct, frozen=True, kw_only=True):
    """A message with its attempts."""

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


async def pages_of(unit: Unit, incident_ids: Sequence[UUID]) -> dict[UUID, list[Page]]:
    """Return the pages of each of these incidents, oldest first."""
    unit.require("page:read")
    async with unit.conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at, resolved_at
              FROM oncall.pages
             WHERE incident_id = ANY(%(ids)s)
             ORDER BY id
            """,
            {"ids": list(incident_ids)},
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
                   unpageable, opened_at, acknowledged_by, acknowledged_at, resolved_at
              FROM oncall.pages
             WHERE id = %(id)s
            """,
            {"id": wanted},
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
            SELECT id, page_id, epoch, loop, step, catch, person_id, method, kind, state,
                   attempt_count, queued_at
              FROM oncall.notifications
             WHERE page_id = ANY(%(ids)s)
             ORDER BY queued_at, id
             LIMIT 500
            """,
            {"ids": list(page_ids)},
        )
        return await cursor.fetchall()


async def attempts_of(unit: Unit, notification_ids: Sequence[UUID]) -> list[AttemptRow]:
    """Return the attempts of these messages, oldest first."""
    unit.require("page:read")
    async with unit.conn.cursor(row_factory=struct_row(AttemptRow)) as cursor:
        await cursor.execute(
            """
            SELECT notification_id, number, started_at, ended_at, outcome, provider_id, error
              FROM oncall.attempts
             WHERE notification_id = ANY(%(ids)s)
             ORDER BY started_at, number
            """,
            {"ids": list(notification_ids)},
        )
        return await cursor.fetchall()


async def waiting_for(
    unit: Unit, pages: Sequence[Page]
) -> dict[UUID, list[tuple[str, datetime]]]:
    """Return, for each page, what is due for it and when, soonest first."""
    unit.require("page:read")
    return await job_rows.due_at_of(unit.conn, [(page.id, page.epoch) for page in pages])


async def unpageable_incidents(unit: Unit) -> list[UUID]:
    """Return the incidents whose open page reaches nobody."""
    unit.require("page:read")
    cursor = await unit.conn.execute(
        """
        SELECT incident_id
          FROM oncall.pages
         WHERE unpageable AND state IN ('triggered', 'escalating')
        """
    )
    return [row[0] for row in await cursor.fetchall()]


async def open_count(conn: AsyncConnection[Any]) -> int:
    """Count the pages that nobody has acknowledged."""
    cursor = await conn.execute(
        "SELECT count(*) FROM oncall.pages WHERE state IN ('triggered', 'escalating')"
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def on_call_now(unit: Unit) -> list[tuple[Rotation, Shift | None]]:
    """Return every schedule with its shift at this instant; None: nobody is on call."""
    unit.require("oncall:read")
    rotations = unit.config(Directory).rotations.values()
    return [(rotation, shifts.on_call(rotation, unit.now)) for rotation in rotations]


async def shifts_between(
    unit: Unit, rotation: Rotation, start: datetime, end: datetime
) -> tuple[Shift, ...]:
    """Return the shifts of a schedule that touch [start, end)."""
    unit.require("oncall:read")
    return shifts.shifts(rotation, start, end)
