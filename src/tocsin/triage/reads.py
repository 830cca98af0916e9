"""Shapes of triage for screens and for flows; SELECT only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import GroupId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.triage.model import Alert, Group

LIST_MAX = 1000


class AlertCounts(Struct, frozen=True, kw_only=True):
    """How many alerts of a group have ever stood in it, and how many fire."""

    group_id: UUID
    alert_count: int
    firing_count: int


async def group(unit: Unit, group_id: GroupId) -> Group:
    """Return one group. Raises NotFound."""
    unit.require("alert:read")
    found = await groups(unit, [group_id])
    if not found:
        raise NotFound(f"no group {group_id}")
    return found[0]


async def groups(unit: Unit, ids: Sequence[UUID]) -> list[Group]:
    """Return the groups of these ids, in no order."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(Group)) as cursor:
        await cursor.execute(
            """
            SELECT id, key, state, labels, title, summary, integration, route, policy, urgency,
                   firing_count, alert_count, noted_count, opened_at, due_at, cleared_at, storm
              FROM triage.groups
             WHERE id = ANY(%(ids)s)
            """,
            {"ids": list(ids)},
        )
        return await cursor.fetchall()


async def alerts_of(unit: Unit, group_ids: Sequence[UUID], *, limit: int = 100) -> list[Alert]:
    """Return the alerts that stand in these groups: firing first, newest first."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons
              FROM triage.alerts
             WHERE group_id = ANY(%(ids)s)
             ORDER BY state, starts_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"ids": list(group_ids), "limit": limit},
            binary=True,
        )
        return await cursor.fetchall()


async def alerts(
    unit: Unit, *, firing_only: bool = False, limit: int = 100, before: UUID | None = None
) -> list[Alert]:
    """Return alerts, the one first heard of last comes first; `before` continues after an id."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons
              FROM triage.alerts
             WHERE (NOT %(firing_only)s OR state = 'firing')
               AND (%(before)s::uuid IS NULL OR id < %(before)s)
             ORDER BY id DESC
             LIMIT %(limit)s
            """,
            {"firing_only": firing_only, "before": before, "limit": min(limit, LIST_MAX)},
            binary=True,
        )
        return await cursor.fetchall()


async def firing(unit: Unit, *, limit: int = 100_000) -> list[Alert]:
    """Return every alert that fires now, as Alertmanager's list does."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons
              FROM triage.alerts
             WHERE state = 'firing' AND ends_at > %(now)s
             LIMIT %(limit)s
            """,
            {"now": unit.now, "limit": limit},
            binary=True,
        )
        return await cursor.fetchall()


async def alert(unit: Unit, alert_id: UUID) -> Alert:
    """Return one alert. Raises NotFound."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons
              FROM triage.alerts
             WHERE id = %(id)s
            """,
            {"id": alert_id},
            binary=True,
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no alert {alert_id}")
    return found


async def next_expiry(conn: Any) -> datetime | None:
    """Return when the next firing alert ends unless it is refreshed."""
    cursor = await conn.execute("SELECT min(ends_at) FROM triage.alerts WHERE state = 'firing'")
    row = await cursor.fetchone()
    return row[0] if row else None
