"""What people have added to incidents, as far as the asker may see the incidents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.command.model import Incident, Link, Note
from tocsin.kernel.ids import IncidentId, PersonId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit

NOTES_MAX = 5000


class Responder(Struct, frozen=True, kw_only=True):
    """Somebody who works on an incident."""

    person_id: PersonId
    joined_at: datetime


async def responders_of(unit: Unit, incident_id: IncidentId) -> list[Responder]:
    """Return who works on an incident, who joined first comes first."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Responder)) as cursor:
        await cursor.execute(
            """
            SELECT r.person_id, r.joined_at
              FROM command.responders r
              JOIN command.incidents i ON i.id = r.incident_id
             WHERE r.incident_id = %(id)s
               AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                    OR i.visible_to && %(audience)s)
             ORDER BY r.joined_at, r.person_id
            """,
            {"id": incident_id, "audience": unit.audience},
        )
        return await cursor.fetchall()


async def notes(unit: Unit, ids: Sequence[UUID]) -> dict[UUID, Note]:
    """Return the notes of these ids; what was erased, or may not be seen, is left out."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Note)) as cursor:
        await cursor.execute(
            """
            SELECT n.id, n.incident_id, n.at, n.actor, n.person_id, n.text
              FROM command.notes n
              JOIN command.incidents i ON i.id = n.incident_id
             WHERE n.id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                    OR i.visible_to && %(audience)s)
            """,
            {"ids": list(ids), "audience": unit.audience},
        )
        return {note.id: note for note in await cursor.fetchall()}


async def notes_of(
    unit: Unit, ids: Sequence[IncidentId], *, limit: int = NOTES_MAX
) -> list[Note]:
    """Return the notes of these incidents, the oldest first."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Note)) as cursor:
        await cursor.execute(
            """
            SELECT n.id, n.incident_id, n.at, n.actor, n.person_id, n.text
              FROM command.notes n
              JOIN command.incidents i ON i.id = n.incident_id
             WHERE n.incident_id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                    OR i.visible_to && %(audience)s)
             ORDER BY n.at, n.id
             LIMIT %(limit)s
            """,
            {"ids": list(ids), "audience": unit.audience, "limit": limit},
        )
        return await cursor.fetchall()


async def links_of(unit: Unit, ids: Sequence[IncidentId]) -> list[Link]:
    """Return the links of these incidents, the oldest first."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Link)) as cursor:
        await cursor.execute(
            """
            SELECT l.id, l.incident_id, l.url, l.title, l.added_at, l.person_id
              FROM command.links l
              JOIN command.incidents i ON i.id = l.incident_id
             WHERE l.incident_id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                    OR i.visible_to && %(audience)s)
             ORDER BY l.added_at, l.id
            """,
            {"ids": list(ids), "audience": unit.audience},
        )
        return await cursor.fetchall()


async def related_to(unit: Unit, incident_id: IncidentId) -> list[Incident]:
    """Return the incidents that have something to do with this one, the lowest number first."""
    unit.require("incident:read")
    async with unit.conn.cursor(row_factory=struct_row(Incident)) as cursor:
        await cursor.execute(
            """
            SELECT i.id, i.number, i.title, i.description, i.status, i.severity, i.urgency,
                   i.policy, i.labels, i.opened_at, i.resolved_at, i.resolved_by, i.priority,
                   i.opened_by, i.team, i.services, i.visible_to, i.merged_into, i.version
              FROM command.incidents i
             WHERE i.id IN (
                   SELECT high_id FROM command.relations WHERE low_id = %(id)s
                    UNION ALL
                   SELECT low_id FROM command.relations WHERE high_id = %(id)s)
               AND (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                    OR i.visible_to && %(audience)s)
             ORDER BY i.number
            """,
            {"id": incident_id, "audience": unit.audience},
        )
        return await cursor.fetchall()
