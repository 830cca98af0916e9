"""Command's rows. The only module that names the tables of schema `command` for writing."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.command.model import Incident
from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import GroupId, IncidentId, PersonId
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
                opened_at, resolved_at, resolved_by)
        VALUES (%(id)s, %(number)s, %(title)s, %(description)s, %(status)s, %(severity)s,
                %(urgency)s, %(policy)s, %(labels)s, %(opened_at)s, %(resolved_at)s,
                %(resolved_by)s)
        """,
        {name: getattr(incident, name) for name in Incident.__struct_fields__}
        | {"labels": as_json(dict(incident.labels))},  # type: ignore[arg-type]
    )


async def add_group(
    conn: AsyncConnection[Any], incident_id: IncidentId, group_id: GroupId
) -> None:
    """Note that a group belongs to an incident."""
    await conn.execute(
        """
        INSERT INTO command.incident_groups (group_id, incident_id)
        VALUES (%(group_id)s, %(incident_id)s)
        """,
        {"group_id": group_id, "incident_id": incident_id},
    )


async def incident_for_update(conn: AsyncConnection[Any], incident_id: IncidentId) -> Incident:
    """Lock one incident until the transaction ends. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, title, description, status, severity, urgency, policy, labels,
                   opened_at, resolved_at, resolved_by
              FROM command.incidents
             WHERE id = %(id)s
               FOR NO KEY UPDATE
            """,
            {"id": incident_id},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no incident {incident_id}")
    return found


async def incident_of_group_for_update(
    conn: AsyncConnection[Any], group_id: GroupId
) -> Incident | None:
    """Lock the incident that a group belongs to; None when it belongs to none."""
    async with conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT i.id, i.number, i.title, i.description, i.status, i.severity, i.urgency,
                   i.policy, i.labels, i.opened_at, i.resolved_at, i.resolved_by
              FROM command.incidents i
              JOIN command.incident_groups g ON g.incident_id = i.id
             WHERE g.group_id = %(group_id)s
               FOR NO KEY UPDATE OF i
            """,
            {"group_id": group_id},
        )
        return await cursor.fetchone()


async def save_incident(conn: AsyncConnection[Any], incident: Incident) -> None:
    """Write back an incident that was locked."""
    await conn.execute(
        """
        UPDATE command.incidents
           SET status = %(status)s, urgency = %(urgency)s, resolved_at = %(resolved_at)s,
               resolved_by = %(resolved_by)s
         WHERE id = %(id)s
        """,
        {
            "id": incident.id,
            "status": incident.status,
            "urgency": incident.urgency,
            "resolved_at": incident.resolved_at,
            "resolved_by": incident.resolved_by,
        },
    )


async def add_responder(
    conn: AsyncConnection[Any], incident_id: IncidentId, person_id: PersonId, now: datetime
) -> bool:
    """Make a person a responder; False when they already are one."""
    cursor = await conn.execute(
        """
        INSERT INTO command.responders (incident_id, person_id, joined_at)
        VALUES (%(incident_id)s, %(person_id)s, %(now)s)
            ON CONFLICT DO NOTHING
        """,
        {"incident_id": incident_id, "person_id": person_id, "now": now},
    )
    return cursor.rowcount == 1
