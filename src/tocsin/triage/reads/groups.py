"""Groups for screens and for flows."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import GroupId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Labels
from tocsin.triage.model import Group


class RouteCount(Struct, frozen=True, kw_only=True):
    """What a route has taken lately."""

    route: str
    group_count: int
    alert_count: int
    firing_count: int


class FiringAbout(Struct, frozen=True, kw_only=True):
    """How many alerts of one group fire that agree in some labels, and the incident they are in."""

    about: Labels
    group_id: UUID
    incident_id: UUID | None
    incident_number: int | None
    alert_count: int


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
                   firing_count, alert_count, noted_count, opened_at, due_at, cleared_at, storm,
                   routes, policies, repeat_at, taken_by, storm_until, surge_at, surge
              FROM triage.groups
             WHERE id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
            """,
            {"ids": list(ids), "audience": unit.audience},
        )
        return await cursor.fetchall()


async def route_counts(unit: Unit, since: datetime) -> dict[str, RouteCount]:
    """Count by route what has opened since then, and what is open still, that the asker may see."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(RouteCount)) as cursor:
        await cursor.execute(
            """
            SELECT route, count(*) AS group_count, sum(alert_count)::bigint AS alert_count,
                   sum(firing_count)::bigint AS firing_count
              FROM (SELECT unnest(routes) AS route, alert_count, firing_count
                      FROM triage.groups
                     WHERE opened_at > %(since)s
                       AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                            OR visible_to && %(audience)s)
                     UNION ALL
                    SELECT unnest(routes), alert_count, firing_count
                      FROM triage.groups
                     WHERE opened_at <= %(since)s AND state IN ('waiting', 'active')
                       AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                            OR visible_to && %(audience)s)) taken
             GROUP BY route
            """,
            {"since": since, "audience": unit.audience},
        )
        return {found.route: found for found in await cursor.fetchall()}


async def firing_about(unit: Unit, names: Sequence[str]) -> list[FiringAbout]:
    """Count what fires by group and by the labels of these names."""
    unit.require("alert:read")
    async with unit.conn.cursor(row_factory=struct_row(FiringAbout)) as cursor:
        await cursor.execute(
            """
            SELECT a.about, a.group_id, g.incident_id, g.incident_number, a.alert_count
              FROM (SELECT coalesce((SELECT jsonb_object_agg(name, labels -> name)
                                       FROM unnest(%(names)s::text[]) name
                                      WHERE labels ? name), '{}') AS about,
                           group_id, count(*) AS alert_count
                      FROM triage.alerts
                     WHERE state = 'firing'
                     GROUP BY 1, 2) a
              JOIN triage.groups g ON g.id = a.group_id
             WHERE (%(audience)s::text[] IS NULL OR g.visible_to IS NULL
                    OR g.visible_to && %(audience)s)
            """,
            {"names": list(names), "audience": unit.audience},
        )
        return await cursor.fetchall()
