"""The one projection that every list of incidents reads: command's own tables and nobody else's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from tocsin.command.core.status import ACTIVE
from tocsin.command.model import Calling, IncidentStatus, Priority
from tocsin.command.reads.finding import found, found_near, read_terms
from tocsin.kernel.ids import IncidentId, PersonId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity, Urgency

LIST_MAX = 1000


class Position(Struct, frozen=True):
    """Where a list was left: the last row's instant and id."""

    at: datetime
    id: UUID


class IncidentFilter(Struct, frozen=True, kw_only=True):
    """Which incidents a list holds; what is empty or None does not restrict it.

    `mine` are those on which the asking person works or whose page they have taken.
    `text` is searched as on the web: words, "phrases", OR, -not; INC-12 finds that one.
    """

    statuses: tuple[IncidentStatus, ...] = ()
    severities: tuple[Severity, ...] = ()
    teams: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    mine: bool = False
    text: str = ""
    acknowledged: bool | None = None
    before: Position | None = None
    limit: int = 50


class IncidentRow(Struct, frozen=True, kw_only=True):
    """An incident in a list. `acknowledged_by` is None also when a token took its page.

    `acknowledged_via` is the sender that said so of its alert, if no person has taken a page.
    """

    id: IncidentId
    number: int
    title: str
    status: IncidentStatus
    severity: Severity | None
    priority: Priority | None
    urgency: Urgency
    team: str | None
    services: tuple[str, ...]
    opened_at: datetime
    resolved_at: datetime | None
    merged_into: IncidentId | None
    version: int
    restricted: bool
    alert_count: int
    firing_count: int
    calling: Calling
    acknowledged_by: PersonId | None
    acknowledged_via: str
    responders: tuple[PersonId, ...]

    @property
    def reference(self) -> str:
        """Return the name people call it by."""
        return f"INC-{self.number}"

    @property
    def position(self) -> Position:
        """Return where a list goes on after this row."""
        return Position(self.opened_at, self.id)


async def incident_list(unit: Unit, wanted: IncidentFilter) -> list[IncidentRow]:
    """Return incidents in rows, newest first, at most `wanted.limit`. Raises Invalid."""
    unit.require("incident:read")
    parameters = _parameters(unit, wanted)
    terms = read_terms(wanted.text)
    if terms is None:
        return await _rows(unit, await _chosen(unit, parameters))
    near = await found_near(unit, terms, parameters)
    chosen = await _chosen(unit, parameters | {"found": near.ids})
    if len(chosen) < parameters["limit"] and not near.is_all:
        chosen = await _chosen(unit, parameters | {"found": await found(unit, terms)})
    return await _rows(unit, chosen)


async def _chosen(unit: Unit, parameters: Mapping[str, Any]) -> list[UUID]:
    """Return which incidents a list holds.

    Planned anew each time: what is not asked for falls away, and what is left has its index.
    """
    cursor = await unit.conn.execute(
        """
        SELECT i.id
          FROM command.incidents i
         WHERE (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                OR i.visible_to && %(audience)s)
           AND (NOT %(is_open)s OR i.resolved_at IS NULL)  -- few are, of all that ever were
           AND (%(before_at)s::timestamptz IS NULL
                OR (i.opened_at, i.id) < (%(before_at)s, %(before_id)s::uuid))
           AND (%(statuses)s::text[] IS NULL OR i.status = ANY(%(statuses)s))
           AND (%(severities)s::integer[] IS NULL OR i.severity = ANY(%(severities)s))
           AND (%(teams)s::text[] IS NULL OR i.team = ANY(%(teams)s))
           AND (%(services)s::text[] IS NULL OR i.services ?| %(services)s)
           AND (NOT %(mine)s
                OR EXISTS (SELECT FROM command.responders m
                            WHERE m.incident_id = i.id AND m.person_id = %(person_id)s)
                OR EXISTS (SELECT FROM command.incident_pages m
                            WHERE m.incident_id = i.id AND m.acknowledged_by = %(person_id)s))
           AND (%(acknowledged)s::boolean IS NULL
                OR %(acknowledged)s = (
                   SELECT coalesce(bool_or(state = 'acknowledged')
                                   AND NOT bool_or(state = 'calling'), false)
                     FROM command.incident_pages WHERE incident_id = i.id))
           AND (%(found)s::uuid[] IS NULL OR i.id = ANY(%(found)s))
         ORDER BY i.opened_at DESC, i.id DESC
         LIMIT %(limit)s
        """,
        parameters,
        prepare=False,
    )
    return [row[0] for row in await cursor.fetchall()]


async def _rows(unit: Unit, ids: list[UUID]) -> list[IncidentRow]:
    async with unit.conn.cursor(row_factory=struct_row(IncidentRow)) as cursor:
        await cursor.execute(
            """
            SELECT i.id, i.number, i.title, i.status, i.severity, i.priority, i.urgency, i.team,
                   i.services, i.opened_at, i.resolved_at, i.merged_into, i.version,
                   i.visible_to IS NOT NULL AS restricted,
                   g.alert_count, g.firing_count, p.calling, p.acknowledged_by,
                   p.acknowledged_via, coalesce(r.people, '{}') AS responders
              FROM command.incidents i
             CROSS JOIN LATERAL (
                   SELECT coalesce(sum(alert_count), 0)::integer AS alert_count,
                          coalesce(sum(firing_count), 0)::integer AS firing_count
                     FROM command.incident_groups WHERE incident_id = i.id) g
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN bool_or(state = 'calling' AND unpageable) THEN 'unpageable'
                               WHEN bool_or(state = 'calling') THEN 'calling'
                               WHEN bool_or(state = 'acknowledged') THEN 'acknowledged'
                               WHEN bool_or(state = 'snoozed') THEN 'snoozed'
                               WHEN bool_or(state = 'held') THEN 'held'
                               ELSE 'none' END AS calling,
                          (array_agg(acknowledged_by ORDER BY page_id DESC)
                           FILTER (WHERE state = 'acknowledged'
                                     AND acknowledged_by IS NOT NULL))[1] AS acknowledged_by,
                          coalesce(max(acknowledged_via)
                                   FILTER (WHERE state = 'acknowledged'), '') AS acknowledged_via
                     FROM command.incident_pages WHERE incident_id = i.id) p
             CROSS JOIN LATERAL (
                   SELECT array_agg(person_id ORDER BY joined_at, person_id) AS people
                     FROM command.responders WHERE incident_id = i.id) r
             WHERE i.id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                    OR i.visible_to && %(audience)s)
             ORDER BY i.opened_at DESC, i.id DESC
            """,
            {"ids": ids, "audience": unit.audience},
        )
        return await cursor.fetchall()


def _parameters(unit: Unit, wanted: IncidentFilter) -> dict[str, Any]:
    return {
        "audience": unit.audience,
        "before_at": wanted.before.at if wanted.before else None,
        "before_id": wanted.before.id if wanted.before else None,
        "is_open": bool(wanted.statuses) and ACTIVE.issuperset(wanted.statuses),
        "statuses": [str(one) for one in wanted.statuses] or None,
        "severities": [int(one) for one in wanted.severities] or None,
        "teams": list(wanted.teams) or None,
        "services": list(wanted.services) or None,
        "mine": wanted.mine,
        "person_id": unit.actor.person_id,
        "acknowledged": wanted.acknowledged,
        "found": None,
        "limit": min(wanted.limit, LIST_MAX),
    }
