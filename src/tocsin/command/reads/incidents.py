"""Incidents one by one and by what belongs to them, as far as the asker may see them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.command.model import Incident
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.ids import GroupId, IncidentId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit


async def open_incidents(unit: Unit, *, limit: int = 200) -> list[Incident]:
    """Return incidents that are not over, newest first."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                   visible_to, merged_into, version
              FROM command.incidents
             WHERE resolved_at IS NULL
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
             ORDER BY opened_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"limit": limit, "audience": unit.audience},
        )
        return await cursor.fetchall()


async def resolved_incidents(
    unit: Unit, *, within: timedelta = timedelta(days=1), limit: int = 50
) -> list[Incident]:
    """Return incidents that ended not long ago, the last one first."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                   visible_to, merged_into, version
              FROM command.incidents
             WHERE resolved_at > %(since)s
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
             ORDER BY resolved_at DESC
             LIMIT %(limit)s
            """,
            {"since": unit.now - within, "limit": limit, "audience": unit.audience},
        )
        return await cursor.fetchall()


async def incidents(
    unit: Unit, *, before: datetime | None = None, limit: int = 50
) -> list[Incident]:
    """Return incidents of any status, newest first; `before` continues at the last `opened_at`."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                   visible_to, merged_into, version
              FROM command.incidents
             WHERE (%(before)s::timestamptz IS NULL OR opened_at < %(before)s)
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
             ORDER BY opened_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"before": before, "limit": limit, "audience": unit.audience},
        )
        return await cursor.fetchall()


async def incident(unit: Unit, reference: str) -> Incident:
    """Return the incident called INC-12, 12 or by its id. Raises NotFound, or Invalid."""
    unit.require("incident:read")
    number, incident_id = parse(reference)
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                   visible_to, merged_into, version
              FROM command.incidents
             WHERE (number = %(number)s OR id = %(id)s)
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
            """,
            {"number": number, "id": incident_id, "audience": unit.audience},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no incident {reference}; `tocsin incident list` shows what there is")
    return found


async def incidents_by_id(unit: Unit, ids: Sequence[UUID]) -> dict[UUID, Incident]:
    """Return those of these incidents that the asker may see."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                   visible_to, merged_into, version
              FROM command.incidents
             WHERE id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
            """,
            {"ids": list(ids), "audience": unit.audience},
        )
        return {one.id: one for one in await cursor.fetchall()}


def parse(reference: str) -> tuple[int | None, UUID | None]:
    """Read INC-12, 12 or an id as a number or an id. Raises Invalid."""
    text = reference.upper().removeprefix("INC-")
    if text.isascii() and text.isdigit() and len(text) < 19:  # noqa: PLR2004 - bigint's digits
        return int(text), None
    try:
        return None, UUID(reference)
    except ValueError:
        raise Invalid(f"{reference!r} is no incident; write INC-12", field="incident") from None


async def groups_of(unit: Unit, ids: Sequence[IncidentId]) -> dict[IncidentId, list[GroupId]]:
    """Return which groups belong to each of these incidents."""
    unit.require("incident:read")
    cursor = await unit.conn.execute(
        """
        SELECT g.incident_id, g.group_id
          FROM command.incident_groups g
          JOIN command.incidents i ON i.id = g.incident_id
         WHERE g.incident_id = ANY(%(ids)s)
           AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                OR i.visible_to && %(audience)s)
         ORDER BY g.group_id
        """,
        {"ids": list(ids), "audience": unit.audience},
    )
    found: dict[IncidentId, list[GroupId]] = {}
    for incident_id, group_id in await cursor.fetchall():
        found.setdefault(incident_id, []).append(group_id)
    return found


async def incident_of(unit: Unit, group_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, int]]:
    """Return, for each group that has one, its incident's id and number."""
    unit.require("incident:read")
    cursor = await unit.conn.execute(
        """
        SELECT g.group_id, i.id, i.number
          FROM command.incident_groups g
          JOIN command.incidents i ON i.id = g.incident_id
         WHERE g.group_id = ANY(%(ids)s)
           AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                OR i.visible_to && %(audience)s)
        """,
        {"ids": list(group_ids), "audience": unit.audience},
    )
    return {group: (id_, number) for group, id_, number in await cursor.fetchall()}


async def merged_into(unit: Unit, incident_id: IncidentId) -> list[Incident]:
    """Return what was merged into an incident, the lowest number first."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                   visible_to, merged_into, version
              FROM command.incidents
             WHERE merged_into = %(id)s
               AND (%(audience)s::text[] IS NULL OR visible_to IS NULL
                    OR visible_to && %(audience)s)
             ORDER BY number
            """,
            {"id": incident_id, "audience": unit.audience},
        )
        return await cursor.fetchall()


async def visible_to(conn: AsyncConnection[Any], incident_id: UUID) -> tuple[str, ...] | None:
    """Return under which names an incident is shown; None: to everybody.

    Of an incident that is not there nothing is shown to anybody.
    """
    cursor = await conn.execute(
        """
        SELECT visible_to
          FROM command.incidents
         WHERE id = %(id)s
        """,
        {"id": incident_id},
    )
    row = await cursor.fetchone()
    if row is None:
        return ()
    return None if row[0] is None else tuple(row[0])
