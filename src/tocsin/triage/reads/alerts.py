"""Alerts for screens, for other floors and for Alertmanager's clients."""

from collections.abc import Sequence
from uuid import UUID

from tocsin.kernel.errors import NotFound
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.triage.model import Alert


async def alerts_of(unit: Unit, group_ids: Sequence[UUID], *, limit: int = 100) -> list[Alert]:
    """Return the alerts that stand in these groups: firing first, newest first."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons, held_until
              FROM triage.alerts
             WHERE group_id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR group_id IS NULL OR group_id NOT IN (
                    SELECT id FROM triage.groups
                     WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
             ORDER BY state, starts_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"ids": list(group_ids), "audience": unit.audience, "limit": limit},
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
                   urgency, reasons, held_until
              FROM triage.alerts
             WHERE state = 'firing' AND ends_at > %(now)s
               AND (%(audience)s::text[] IS NULL OR group_id IS NULL OR group_id NOT IN (
                    SELECT id FROM triage.groups
                     WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
             LIMIT %(limit)s
            """,
            {"now": unit.now, "audience": unit.audience, "limit": limit},
            binary=True,
        )
        return await cursor.fetchall()


async def alert(unit: Unit, alert_id: UUID) -> Alert:
    """Return one alert. Raises NotFound."""
    unit.require("alert:read")
    found = await alerts_by_id(unit, [alert_id])
    if not found:
        raise NotFound(f"no alert {alert_id}")
    return found[0]


async def alerts_by_id(unit: Unit, ids: Sequence[UUID]) -> list[Alert]:
    """Return those of these alerts that there are, newest first."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons, held_until
              FROM triage.alerts
             WHERE id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR group_id IS NULL OR group_id NOT IN (
                    SELECT id FROM triage.groups
                     WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
             ORDER BY id DESC
            """,
            {"ids": list(ids), "audience": unit.audience},
            binary=True,
        )
        return await cursor.fetchall()
