"""Rows of what lists show beside an incident: its groups' counts and its pages."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from tocsin.command.model import Count, PageMoved
from tocsin.kernel.ids import GroupId, IncidentId, PageId
from tocsin.kernel.rows import as_json, struct_row


async def add_group(conn: AsyncConnection[Any], incident_id: IncidentId, count: Count) -> None:
    """Note that a group, of which so many alerts fire, belongs to an incident."""
    await conn.execute(
        """
        INSERT INTO command.incident_groups (group_id, incident_id, alert_count, firing_count)
        VALUES (%(group_id)s, %(incident_id)s, %(total)s, %(firing)s)
        """,
        {
            "group_id": count.group_id,
            "incident_id": incident_id,
            "total": count.total,
            "firing": count.firing,
        },
    )


async def groups_of(conn: AsyncConnection[Any], incident_id: IncidentId) -> list[Count]:
    """Return the groups of a locked incident with their counts, in the order of their ids."""
    async with conn.cursor(row_factory=struct_row(Count)) as cursor:
        await cursor.execute(
            """
            SELECT group_id, firing_count AS firing, alert_count AS total
              FROM command.incident_groups
             WHERE incident_id = %(incident_id)s
             ORDER BY group_id
            """,
            {"incident_id": incident_id},
        )
        return await cursor.fetchall()


async def owners_of(
    conn: AsyncConnection[Any], group_ids: Sequence[GroupId]
) -> dict[GroupId, IncidentId]:
    """Return to which incident each of these groups belongs; one that belongs to none is left out."""
    cursor = await conn.execute(
        """
        SELECT group_id, incident_id
          FROM command.incident_groups
         WHERE group_id = ANY(%(ids)s)
        """,
        {"ids": list(group_ids)},
    )
    return {group_id: incident_id for group_id, incident_id in await cursor.fetchall()}  # noqa: C416 - a row is no pair to mypy


async def lock_owners(conn: AsyncConnection[Any], group_ids: Sequence[GroupId]) -> None:
    """Lock the incidents of these groups until the transaction ends, in the order of their ids."""
    await conn.execute(
        """
        SELECT id
          FROM command.incidents
         WHERE id IN (SELECT incident_id FROM command.incident_groups WHERE group_id = ANY(%(ids)s))
         ORDER BY id
           FOR NO KEY UPDATE
        """,
        {"ids": list(group_ids)},
    )


async def move_groups(
    conn: AsyncConnection[Any], group_ids: Sequence[GroupId], to_id: IncidentId
) -> None:
    """Move groups to another incident; both incidents are locked."""
    await conn.execute(
        """
        UPDATE command.incident_groups
           SET incident_id = %(to_id)s
         WHERE group_id = ANY(%(ids)s)
        """,
        {"ids": list(group_ids), "to_id": to_id},
    )


async def save_counts(conn: AsyncConnection[Any], counts: Sequence[Count]) -> None:
    """Write counts of groups; those of groups without an incident are left out."""
    await conn.execute(
        """
        UPDATE command.incident_groups g
           SET firing_count = c.firing, alert_count = c.total
          FROM jsonb_to_recordset(%(counts)s::jsonb)
               AS c(group_id uuid, firing integer, total integer)
         WHERE g.group_id = c.group_id
           AND (g.firing_count <> c.firing OR g.alert_count <> c.total)
        """,
        {"counts": as_json(counts)},
    )


async def clear_group(conn: AsyncConnection[Any], group_id: GroupId) -> None:
    """Note that no alert of a group fires."""
    await conn.execute(
        """
        UPDATE command.incident_groups
           SET firing_count = 0
         WHERE group_id = %(group_id)s
        """,
        {"group_id": group_id},
    )


async def add_page(
    conn: AsyncConnection[Any], page_id: PageId, incident_id: IncidentId, policy: str
) -> None:
    """Note that a page calls somebody for an incident."""
    await conn.execute(
        """
        INSERT INTO command.incident_pages (page_id, incident_id, policy, state)
        VALUES (%(page_id)s, %(incident_id)s, %(policy)s, 'calling')
        """,
        {"page_id": page_id, "incident_id": incident_id, "policy": policy},
    )


async def save_page(conn: AsyncConnection[Any], moved: PageMoved) -> None:
    """Write how a page stands; whatever it becomes, it has just been heard of."""
    await conn.execute(
        """
        UPDATE command.incident_pages
           SET state = %(state)s, acknowledged_by = %(acknowledged_by)s,
               acknowledged_via = %(acknowledged_via)s, unpageable = false
         WHERE page_id = %(page_id)s
        """,
        {
            "page_id": moved.page_id,
            "state": moved.state,
            "acknowledged_by": moved.acknowledged_by,
            "acknowledged_via": moved.acknowledged_via,
        },
    )


async def set_unpageable(conn: AsyncConnection[Any], page_id: PageId) -> None:
    """Note that a page reaches nobody."""
    await conn.execute(
        """
        UPDATE command.incident_pages
           SET unpageable = true
         WHERE page_id = %(page_id)s
        """,
        {"page_id": page_id},
    )


async def has_cause(conn: AsyncConnection[Any], incident_id: IncidentId) -> bool:
    """Say whether anybody was ever called for an incident, or alerts of it fire."""
    cursor = await conn.execute(
        """
        SELECT EXISTS (
               SELECT FROM command.incident_pages WHERE incident_id = %(incident_id)s)
            OR EXISTS (
               SELECT FROM command.incident_groups
                WHERE incident_id = %(incident_id)s AND firing_count > 0)
        """,
        {"incident_id": incident_id},
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
