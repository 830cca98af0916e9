"""Shapes of topology for screens; SELECT only."""

from collections.abc import Sequence
from datetime import datetime

from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.topology.model import ChangeRecord


async def changes(
    unit: Unit,
    *,
    service: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> Sequence[ChangeRecord]:
    """Return changes, newest first: of one service or of all, from `since` on, before `before`."""
    unit.require("change:read")
    async with unit.conn.cursor(row_factory=struct_row(ChangeRecord)) as cursor:
        await cursor.execute(
            """
            SELECT id, at, received_at, integration, service, summary, source, links, details
              FROM topology.changes
             WHERE (%(service)s::text IS NULL OR service = %(service)s)
               AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
               AND (%(before)s::timestamptz IS NULL OR at < %(before)s)
             ORDER BY at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"service": service, "since": since, "before": before, "limit": limit},
        )
        return await cursor.fetchall()
