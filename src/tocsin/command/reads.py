"""Shapes of command for screens; SELECT only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

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
                   opened_at, resolved_at, resolved_by
              FROM command.incidents
             WHERE resolved_at IS NULL
             ORDER BY opened_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"limit": limit},
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
                   opened_at, resolved_at, resolved_by
              FROM command.incidents
             WHERE resolved_at > %(since)s
             ORDER BY resolved_at DESC
             LIMIT %(limit)s
            """,
            {"since": unit.now - within, "limit": limit},
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
                   opened_at, resolved_at, resolved_by
              FROM command.incidents
             WHERE %(before)s::timestamptz IS NULL OR opened_at < %(before)s
             ORDER BY opened_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"before": before, "limit": limit},
        )
        return await cursor.fetchall()


async def incident(unit: Unit, reference: str) -> Incident:
    """Return the incident called INC-12, 12 or by its id. Raises NotFound, or Invalid."""
    unit.require("incident:read")
    number, incident_id = _parse(reference)
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by
              FROM command.incidents
             WHERE number = %(number)s OR id = %(id)s
            """,
            {"number": number, "id": incident_id},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no incident {reference}; `tocsin incident list` shows what there is")
    return found


def _parse(reference: str) -> tuple[int | None, UUID | None]:
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
        SELECT incident_id, group_id
          FROM command.incident_groups
         WHERE incident_id = ANY(%(ids)s)
         ORDER BY group_id
        """,
        {"ids": list(ids)},
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
        """,
        {"ids": list(group_ids)},
    )
    return {group: (id_, number) for group, id_, number in await cursor.fetchall()}
