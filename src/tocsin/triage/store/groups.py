"""Groups."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.ids import GroupId
from tocsin.kernel.rows import as_json, struct_row
from tocsin.triage.model import Group


async def groups_for_update(
    conn: AsyncConnection[Any], keys: Sequence[str], ids: Sequence[GroupId]
) -> list[Group]:
    """Lock the live groups of these keys and the groups of these ids, in id order."""
    async with conn.cursor(row_factory=struct_row(Group)) as cursor:
        await cursor.execute(
            """
            SELECT id, key, state, labels, title, summary, integration, route, policy, urgency,
                   firing_count, alert_count, noted_count, opened_at, due_at, cleared_at, storm,
                   routes, policies, repeat_at, taken_by, storm_until, surge_at, surge
              FROM triage.groups
             WHERE (key = ANY(%(keys)s) AND state <> 'ended') OR id = ANY(%(ids)s)
             ORDER BY id
               FOR UPDATE
            """,
            {"keys": list(keys), "ids": list(ids)},
        )
        return await cursor.fetchall()


async def are_repeated(conn: AsyncConnection[Any], ids: Sequence[GroupId]) -> bool:
    """Say whether people are told again of one of these groups."""
    cursor = await conn.execute(
        """
        SELECT EXISTS (
               SELECT FROM triage.groups WHERE id = ANY(%(ids)s) AND repeat_at IS NOT NULL)
        """,
        {"ids": list(ids)},
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def restrict(
    conn: AsyncConnection[Any], group_ids: Sequence[UUID], visible_to: Sequence[str] | None
) -> bool:
    """Say who may see groups and what stands in them, None: everyone; False: it was so before."""
    cursor = await conn.execute(
        """
        UPDATE triage.groups
           SET visible_to = %(visible_to)s::text[]
         WHERE id = ANY(%(ids)s) AND visible_to IS DISTINCT FROM %(visible_to)s::text[]
        """,
        {
            "ids": list(group_ids),
            "visible_to": None if visible_to is None else list(visible_to),
        },
    )
    return cursor.rowcount > 0


async def note_incident(
    conn: AsyncConnection[Any], group_ids: Sequence[UUID], incident_id: UUID, number: int
) -> None:
    """Note, for lists, which incident groups are about."""
    await conn.execute(
        """
        UPDATE triage.groups
           SET incident_id = %(incident_id)s, incident_number = %(number)s
         WHERE id = ANY(%(ids)s) AND incident_id IS DISTINCT FROM %(incident_id)s
        """,
        {"ids": list(group_ids), "incident_id": incident_id, "number": number},
    )


async def opened_last_minute(conn: AsyncConnection[Any], now: datetime) -> dict[str, int]:
    """Count the groups that each integration opened in the last 60 s, storms left out."""
    cursor = await conn.execute(
        """
        SELECT integration, count(*)
          FROM triage.groups
         WHERE opened_at > %(since)s AND opened_at <= %(now)s AND NOT storm
         GROUP BY integration
        """,
        {"since": now - timedelta(seconds=60), "now": now},
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def save_groups(conn: AsyncConnection[Any], groups: Sequence[Group]) -> None:
    """Insert or write back groups, in order: an ended one frees its key for the next."""
    for group in groups:
        row = msgspec.to_builtins(group, builtin_types=(datetime,))
        row["labels"] = as_json(row["labels"])
        row["routes"], row["policies"] = list(group.routes), list(group.policies)
        row["surge"] = list(group.surge)
        await conn.execute(
            """
            INSERT INTO triage.groups
                   (id, key, state, labels, title, summary, integration, route, policy, urgency,
                    firing_count, alert_count, noted_count, opened_at, due_at, cleared_at, storm,
                    routes, policies, repeat_at, taken_by, storm_until, surge_at, surge)
            VALUES (%(id)s, %(key)s, %(state)s, %(labels)s, %(title)s, %(summary)s,
                    %(integration)s, %(route)s, %(policy)s, %(urgency)s, %(firing_count)s,
                    %(alert_count)s, %(noted_count)s, %(opened_at)s, %(due_at)s, %(cleared_at)s,
                    %(storm)s, %(routes)s, %(policies)s, %(repeat_at)s, %(taken_by)s,
                    %(storm_until)s, %(surge_at)s, %(surge)s)
                ON CONFLICT (id) DO UPDATE
               SET state = excluded.state, title = excluded.title, summary = excluded.summary,
                   urgency = excluded.urgency, firing_count = excluded.firing_count,
                   alert_count = excluded.alert_count, noted_count = excluded.noted_count,
                   due_at = excluded.due_at, cleared_at = excluded.cleared_at,
                   routes = excluded.routes, policies = excluded.policies,
                   repeat_at = excluded.repeat_at, taken_by = excluded.taken_by,
                   storm_until = excluded.storm_until, surge_at = excluded.surge_at,
                   surge = excluded.surge
            """,
            row,
        )
