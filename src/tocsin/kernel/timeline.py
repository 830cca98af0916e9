"""Timelines: the records of the log that are about something, sealed or not yet."""

from collections.abc import Sequence
from uuid import UUID

from tocsin.kernel.events import Catalog, Record
from tocsin.kernel.unit import Unit


async def about(
    unit: Unit,
    catalog: Catalog,
    subjects: Sequence[UUID],
    *,
    limit: int = 200,
    before_seq: int | None = None,
) -> list[tuple[int | None, Record]]:
    """Return the newest records that share a subject with `subjects`, newest first.

    What is not sealed yet comes first and has no seq; `before_seq` continues a timeline and
    so leaves it out. One statement, because the sealer may move a record between two.
    """
    unit.require("incident:read")
    cursor = await unit.conn.execute(
        """
        WITH sealed AS MATERIALIZED (  -- else a LIMIT lures the planner away from the GIN index
            SELECT seq, line
              FROM kernel.log
             WHERE subjects && %(subjects)s::uuid[]
               AND (%(before_seq)s::bigint IS NULL OR seq < %(before_seq)s)
        ), found AS (
            SELECT seq, line, NULL::timestamptz AS stamp, 0 AS ordinal
              FROM sealed
             UNION ALL
            SELECT NULL, line, stamp, ordinal
              FROM kernel.intake_log
             WHERE %(before_seq)s::bigint IS NULL AND subjects && %(subjects)s::uuid[]
        )
        SELECT seq, line
          FROM found
         ORDER BY seq DESC NULLS FIRST, stamp DESC, ordinal DESC
         LIMIT %(limit)s
        """,
        {"subjects": list(subjects), "before_seq": before_seq, "limit": limit},
    )
    return [(seq, catalog.decode(text)) for seq, text in await cursor.fetchall()]
