"""Topology's rows. The only module that names the tables of schema `topology` for writing."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.rows import as_json
from tocsin.topology.model import NewChange


async def add_change(
    conn: AsyncConnection[Any], change_id: UUID, change: NewChange, now: datetime
) -> bool:
    """Insert a change; False when the same one is there already."""
    cursor = await conn.execute(
        """
        INSERT INTO topology.changes
               (id, digest, at, received_at, integration, service, summary, source, links,
                details)
        VALUES (%(id)s, %(digest)s, %(at)s, %(now)s, %(integration)s, %(service)s, %(summary)s,
                %(source)s, %(links)s, %(details)s)
            ON CONFLICT (digest) DO NOTHING
        """,
        {
            "id": change_id,
            "digest": change.digest,
            "at": change.at,
            "now": now,
            "integration": change.integration,
            "service": change.service,
            "summary": change.summary,
            "source": change.source,
            "links": as_json(change.links),
            "details": as_json([change.details])[1:-1],
        },
    )
    return cursor.rowcount == 1


async def forget_changes(conn: AsyncConnection[Any], before: datetime, *, limit: int) -> None:
    """Drop some of the changes that came in before an instant."""
    await conn.execute(
        """
        DELETE FROM topology.changes
         WHERE id IN (SELECT id
                        FROM topology.changes
                       WHERE received_at < %(before)s
                       LIMIT %(limit)s
                         FOR UPDATE SKIP LOCKED)
        """,
        {"before": before, "limit": limit},
    )
