"""Rows of what people add to incidents: responders, notes, links, relations."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.command.model import Link, LinkId, Note, NoteId
from tocsin.kernel.ids import IncidentId, PersonId
from tocsin.kernel.rows import struct_row


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


async def remove_responder(
    conn: AsyncConnection[Any], incident_id: IncidentId, person_id: PersonId
) -> bool:
    """Let a responder go; False when they are none."""
    cursor = await conn.execute(
        """
        DELETE FROM command.responders
         WHERE incident_id = %(incident_id)s AND person_id = %(person_id)s
        """,
        {"incident_id": incident_id, "person_id": person_id},
    )
    return cursor.rowcount == 1


async def move_responders(
    conn: AsyncConnection[Any], from_id: IncidentId, to_id: IncidentId
) -> None:
    """Let who works on one incident work on the other."""
    await conn.execute(
        """
        INSERT INTO command.responders (incident_id, person_id, joined_at)
        SELECT %(to_id)s, person_id, joined_at
          FROM command.responders
         WHERE incident_id = %(from_id)s
            ON CONFLICT DO NOTHING
        """,
        {"from_id": from_id, "to_id": to_id},
    )


async def add_note(conn: AsyncConnection[Any], note: Note, salt: bytes) -> None:
    """Insert a note with the salt of its digest."""
    await conn.execute(
        """
        INSERT INTO command.notes (id, incident_id, at, actor, person_id, text, salt)
        VALUES (%(id)s, %(incident_id)s, %(at)s, %(actor)s, %(person_id)s, %(text)s, %(salt)s)
        """,
        {name: getattr(note, name) for name in Note.__struct_fields__} | {"salt": salt},
    )


async def note_for_update(
    conn: AsyncConnection[Any], incident_id: IncidentId, note_id: NoteId
) -> Note | None:
    """Lock a note of an incident; None when there is none, or no more."""
    async with conn.cursor(row_factory=struct_row(Note)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, at, actor, person_id, text
              FROM command.notes
             WHERE id = %(note_id)s AND incident_id = %(incident_id)s
               FOR UPDATE
            """,
            {"note_id": note_id, "incident_id": incident_id},
        )
        return await cursor.fetchone()


async def remove_note(conn: AsyncConnection[Any], note_id: NoteId) -> None:
    """Erase a note with its salt."""
    await conn.execute("DELETE FROM command.notes WHERE id = %(id)s", {"id": note_id})


async def add_link(conn: AsyncConnection[Any], link: Link) -> bool:
    """Insert a link; False when the incident has that address."""
    cursor = await conn.execute(
        """
        INSERT INTO command.links (id, incident_id, url, title, added_at, person_id)
        VALUES (%(id)s, %(incident_id)s, %(url)s, %(title)s, %(added_at)s, %(person_id)s)
            ON CONFLICT (incident_id, url) DO NOTHING
        """,
        {name: getattr(link, name) for name in Link.__struct_fields__},
    )
    return cursor.rowcount == 1


async def links_of(conn: AsyncConnection[Any], incident_id: IncidentId) -> list[Link]:
    """Return the links of one incident, the oldest first."""
    async with conn.cursor(row_factory=struct_row(Link)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, url, title, added_at, person_id
              FROM command.links
             WHERE incident_id = %(incident_id)s
             ORDER BY id
            """,
            {"incident_id": incident_id},
        )
        return await cursor.fetchall()


async def remove_link(
    conn: AsyncConnection[Any], incident_id: IncidentId, link_id: LinkId
) -> bool:
    """Delete a link of an incident; False when it has none of that id."""
    cursor = await conn.execute(
        """
        DELETE FROM command.links
         WHERE id = %(link_id)s AND incident_id = %(incident_id)s
        """,
        {"link_id": link_id, "incident_id": incident_id},
    )
    return cursor.rowcount == 1


async def add_relation(
    conn: AsyncConnection[Any], one: IncidentId, other: IncidentId, now: datetime
) -> bool:
    """Relate two incidents; False when they are."""
    cursor = await conn.execute(
        """
        INSERT INTO command.relations (low_id, high_id, related_at)
        VALUES (%(low)s, %(high)s, %(now)s)
            ON CONFLICT DO NOTHING
        """,
        {"low": min(one, other), "high": max(one, other), "now": now},
    )
    return cursor.rowcount == 1


async def remove_relation(
    conn: AsyncConnection[Any], one: IncidentId, other: IncidentId
) -> bool:
    """Unrelate two incidents; False when they are not related."""
    cursor = await conn.execute(
        """
        DELETE FROM command.relations
         WHERE low_id = %(low)s AND high_id = %(high)s
        """,
        {"low": min(one, other), "high": max(one, other)},
    )
    return cursor.rowcount == 1
