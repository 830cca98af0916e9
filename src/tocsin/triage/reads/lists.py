"""Lists of groups and alerts under the same filters, a part at a time, newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.triage.model import Alert, GroupState
from tocsin.triage.reads.filtering import Filter, parameters

LIST_MAX = 1000


class GroupRow(Struct, frozen=True, kw_only=True):
    """A group in a list."""

    id: UUID
    state: GroupState
    title: str
    labels: Labels
    integration: str
    route: str
    policies: tuple[str, ...]
    policy: str
    urgency: Urgency
    firing_count: int
    alert_count: int
    opened_at: datetime
    cleared_at: datetime | None
    due_at: datetime | None
    repeat_at: datetime | None
    storm: bool
    incident_id: UUID | None
    incident_number: int | None
    restricted: bool


async def group_list(
    unit: Unit, wanted: Filter, *, limit: int, each: int, before: UUID | None = None
) -> list[tuple[GroupRow, list[Alert]]]:
    """Return groups that hold wanted alerts, each with up to `each` of these: firing first.

    `before` continues after the id of a group.
    """
    unit.require("alert:read")
    params = await parameters(unit, wanted)
    rows = await _group_rows(unit, params, limit=limit, before=before)
    alerts = await _alerts_of(unit, [row.id for row in rows], params, each=each)
    return [(row, alerts.get(row.id, [])) for row in rows]


async def _group_rows(
    unit: Unit, params: dict[str, Any], *, limit: int, before: UUID | None
) -> list[GroupRow]:
    async with unit.conn.cursor(row_factory=struct_row(GroupRow)) as cursor:
        await cursor.execute(
            """
            SELECT g.id, g.state, g.title, g.labels, g.integration, g.route, g.policies, g.policy,
                   g.urgency, g.firing_count, g.alert_count, g.opened_at, g.cleared_at, g.due_at,
                   g.repeat_at, g.storm, g.incident_id, g.incident_number,
                   g.visible_to IS NOT NULL AS restricted
              FROM triage.groups g
             WHERE (%(before)s::uuid IS NULL OR g.id < %(before)s)
               AND (%(group_ids)s::uuid[] IS NULL OR g.id = ANY(%(group_ids)s))
               AND (%(state)s::text IS DISTINCT FROM 'firing'
                    OR g.state IN ('waiting', 'active'))
               AND (%(audience)s::text[] IS NULL OR g.visible_to IS NULL
                    OR g.visible_to && %(audience)s)
               AND EXISTS (
                   SELECT FROM triage.alerts a
                    WHERE a.group_id = g.id
                      AND (%(state)s::text IS NULL OR a.state = %(state)s)
                      AND (%(integration)s::text IS NULL OR a.integration = %(integration)s)
                      AND (%(found)s::uuid[] IS NULL OR a.id = ANY(%(found)s))
                      AND (%(query)s::text IS NULL OR EXISTS (
                           SELECT FROM triage.alert_words
                            WHERE alert_id = a.id AND words @@ to_tsquery('simple', %(query)s)))
                      AND (%(all_of)s::jsonb IS NULL OR NOT EXISTS (
                           SELECT FROM jsonb_to_recordset(%(all_of)s::jsonb)
                                       AS m(name text, among jsonb, negated boolean)
                            WHERE (m.among ? coalesce(a.labels ->> m.name, '')) = m.negated))
                      AND (%(any_of)s::jsonb IS NULL OR EXISTS (
                           SELECT FROM jsonb_to_recordset(%(any_of)s::jsonb)
                                       AS m(way integer, name text, among jsonb)
                            GROUP BY m.way
                           HAVING bool_and(m.among ? coalesce(a.labels ->> m.name, '')))))
             ORDER BY g.id DESC
             LIMIT %(limit)s
            """,
            {**params, "before": before, "limit": min(limit, LIST_MAX)},
            prepare=False,  # a plan for any values would look at every alert
        )
        return await cursor.fetchall()


async def _alerts_of(
    unit: Unit, group_ids: Sequence[UUID], params: dict[str, Any], *, each: int
) -> dict[UUID, list[Alert]]:
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT a.id, a.dedup_key, a.state, a.labels, a.annotations, a.source_url, a.integration,
                   a.starts_at, a.ends_at, a.ends_by_timeout, a.updated_at, a.group_id,
                   a.seen_count, a.fired_count, a.urgency, a.reasons, a.held_until
              FROM triage.groups g
             CROSS JOIN LATERAL (
                   SELECT * FROM triage.alerts a
                    WHERE a.group_id = g.id
                      AND (%(state)s::text IS NULL OR a.state = %(state)s)
                      AND (%(integration)s::text IS NULL OR a.integration = %(integration)s)
                      AND (%(found)s::uuid[] IS NULL OR a.id = ANY(%(found)s))
                      AND (%(query)s::text IS NULL OR EXISTS (
                           SELECT FROM triage.alert_words
                            WHERE alert_id = a.id AND words @@ to_tsquery('simple', %(query)s)))
                      AND (%(all_of)s::jsonb IS NULL OR NOT EXISTS (
                           SELECT FROM jsonb_to_recordset(%(all_of)s::jsonb)
                                       AS m(name text, among jsonb, negated boolean)
                            WHERE (m.among ? coalesce(a.labels ->> m.name, '')) = m.negated))
                      AND (%(any_of)s::jsonb IS NULL OR EXISTS (
                           SELECT FROM jsonb_to_recordset(%(any_of)s::jsonb)
                                       AS m(way integer, name text, among jsonb)
                            GROUP BY m.way
                           HAVING bool_and(m.among ? coalesce(a.labels ->> m.name, ''))))
                    ORDER BY a.state, a.starts_at DESC, a.id DESC
                    LIMIT %(each)s) a
             WHERE g.id = ANY(%(ids)s)
            """,
            {**params, "ids": list(group_ids), "each": min(each, LIST_MAX)},
            prepare=False,
            binary=True,
        )
        found: dict[UUID, list[Alert]] = {}
        for one in await cursor.fetchall():
            if one.group_id is not None:
                found.setdefault(one.group_id, []).append(one)
        return found


async def filtered_alerts(
    unit: Unit, wanted: Filter, *, limit: int, before: UUID | None = None
) -> list[Alert]:
    """Return alerts, the one first heard of last comes first; `before` continues after an id."""
    unit.require("alert:read")
    params = await parameters(unit, wanted)
    async with unit.conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT a.id, a.dedup_key, a.state, a.labels, a.annotations, a.source_url, a.integration,
                   a.starts_at, a.ends_at, a.ends_by_timeout, a.updated_at, a.group_id,
                   a.seen_count, a.fired_count, a.urgency, a.reasons, a.held_until
              FROM triage.alerts a
             WHERE (%(before)s::uuid IS NULL OR a.id < %(before)s)
               AND (%(group_ids)s::uuid[] IS NULL OR a.group_id = ANY(%(group_ids)s))
               AND (%(audience)s::text[] IS NULL OR a.group_id IS NULL OR a.group_id NOT IN (
                    SELECT id FROM triage.groups
                     WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
               AND (%(state)s::text IS NULL OR a.state = %(state)s)
               AND (%(integration)s::text IS NULL OR a.integration = %(integration)s)
               AND (%(found)s::uuid[] IS NULL OR a.id = ANY(%(found)s))
               AND (%(query)s::text IS NULL OR EXISTS (
                    SELECT FROM triage.alert_words
                     WHERE alert_id = a.id AND words @@ to_tsquery('simple', %(query)s)))
               AND (%(all_of)s::jsonb IS NULL OR NOT EXISTS (
                    SELECT FROM jsonb_to_recordset(%(all_of)s::jsonb)
                                AS m(name text, among jsonb, negated boolean)
                     WHERE (m.among ? coalesce(a.labels ->> m.name, '')) = m.negated))
               AND (%(any_of)s::jsonb IS NULL OR EXISTS (
                    SELECT FROM jsonb_to_recordset(%(any_of)s::jsonb)
                                AS m(way integer, name text, among jsonb)
                     GROUP BY m.way
                    HAVING bool_and(m.among ? coalesce(a.labels ->> m.name, ''))))
             ORDER BY a.id DESC
             LIMIT %(limit)s
            """,
            {**params, "before": before, "limit": min(limit, LIST_MAX)},
            prepare=False,
            binary=True,
        )
        return await cursor.fetchall()


async def integrations(unit: Unit, since: datetime) -> list[str]:
    """Name the integrations whose alerts opened groups since then, or have some open."""
    unit.require("alert:read")
    cursor = await unit.conn.execute(
        """
        SELECT integration FROM triage.groups WHERE opened_at > %(since)s
         UNION
        SELECT integration FROM triage.groups WHERE state IN ('waiting', 'active')
         ORDER BY integration
        """,
        {"since": since},
    )
    return [row[0] for row in await cursor.fetchall()]


async def firing_count(unit: Unit) -> int:
    """Count the alerts that fire."""
    unit.require("alert:read")
    cursor = await unit.conn.execute(
        """
        SELECT count(*)
          FROM triage.alerts
         WHERE state = 'firing'
           AND (%(audience)s::text[] IS NULL OR group_id NOT IN (
                SELECT id FROM triage.groups
                 WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
        """,
        {"audience": unit.audience},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
