"""Rows of incidents and of their numbers."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from tocsin.command.model import Incident
from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import GroupId, IncidentId
from tocsin.kernel.rows import as_json, struct_row


async def next_number(conn: AsyncConnection[Any]) -> int:
    """Draw the next incident number; without gaps, so one declaration waits for another."""
    cursor = await conn.execute(
        "UPDATE command.incident_numbers SET last = last + 1 RETURNING last"
    )
    row = await cursor.fetchone()
    if row is None:
        raise AssertionError("command.incident_numbers has no row")
    return int(row[0])


async def add_incident(conn: AsyncConnection[Any], incident: Incident) -> None:
    """Insert an incident that is new."""
    await conn.execute(
        """
        INSERT INTO command.incidents
               (id, number, title, description, status, severity, urgency, policy, labels,
                opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                visible_to, merged_into, version)
        VALUES (%(id)s, %(number)s, %(title)s, %(description)s, %(status)s, %(severity)s,
                %(urgency)s, %(policy)s, %(labels)s, %(opened_at)s, %(resolved_at)s,
                %(resolved_by)s, %(priority)s, %(opened_by)s, %(team)s, %(services)s,
                %(visible_to)s, %(merged_into)s, %(version)s)
        """,
        _row(incident),
    )


async def save_incident(conn: AsyncConnection[Any], incident: Incident) -> None:
    """Write back an incident that was locked."""
    await conn.execute(
        """
        UPDATE command.incidents
           SET title = %(title)s, description = %(description)s, status = %(status)s,
               severity = %(severity)s, urgency = %(urgency)s, priority = %(priority)s,
               team = %(team)s, services = %(services)s, resolved_at = %(resolved_at)s,
               resolved_by = %(resolved_by)s, visible_to = %(visible_to)s,
               merged_into = %(merged_into)s, version = %(version)s
         WHERE id = %(id)s
        """,
        _row(incident),
    )


def _row(incident: Incident) -> dict[str, Any]:
    row = {name: getattr(incident, name) for name in Incident.__struct_fields__}
    row["labels"] = as_json(dict(incident.labels))  # type: ignore[arg-type]
    row["services"] = as_json(incident.services)
    row["visible_to"] = None if incident.visible_to is None else list(incident.visible_to)
    return row


async def move_merged(conn: AsyncConnection[Any], from_id: IncidentId, to: Incident) -> None:
    """Make what was merged into one incident part of another, and as restricted as that is."""
    await conn.execute(
        """
        UPDATE command.incidents
           SET merged_into = %(to_id)s, visible_to = %(visible_to)s, version = version + 1
         WHERE merged_into = %(from_id)s
        """,
        {
            "from_id": from_id,
            "to_id": to.id,
            "visible_to": None if to.visible_to is None else list(to.visible_to),
        },
    )


async def incidents_for_update(
    conn: AsyncConnection[Any], ids: Sequence[IncidentId]
) -> list[Incident]:
    """Lock incidents until the transaction ends, in the order of their ids."""
    async with conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by, priority, opened_by, team, services,
                   visible_to, merged_into, version
              FROM command.incidents
             WHERE id = ANY(%(ids)s)
             ORDER BY id
               FOR NO KEY UPDATE
            """,
            {"ids": list(ids)},
        )
        return await cursor.fetchall()


async def incident_for_update(conn: AsyncConnection[Any], incident_id: IncidentId) -> Incident:
    """Lock one incident until the transaction ends. Raises NotFound."""
    found = await incidents_for_update(conn, [incident_id])
    if not found:
        raise NotFound(f"no incident {incident_id}; `tocsin incident list` shows what there is")
    return found[0]


async def incident_of_group_for_update(
    conn: AsyncConnection[Any], group_id: GroupId
) -> Incident | None:
    """Lock the incident that a group belongs to; None when it belongs to none.

    Looks again when the group was moved to another incident while this waited for the lock.
    """
    incident_id = await _incident_id(conn, group_id)
    while incident_id is not None:
        found = await incident_for_update(conn, incident_id)
        incident_id = await _incident_id(conn, group_id)
        if incident_id == found.id:
            return found
    return None


async def _incident_id(conn: AsyncConnection[Any], group_id: GroupId) -> IncidentId | None:
    cursor = await conn.execute(
        """
        SELECT incident_id
          FROM command.incident_groups
         WHERE group_id = %(group_id)s
        """,
        {"group_id": group_id},
    )
    row = await cursor.fetchone()
    return row[0] if row else None
