"""Timelines: the records of the log that are about something, sealed or not yet."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.events import Catalog, Names
from tocsin.kernel.unit import Unit


class Entry(Struct, frozen=True, kw_only=True):
    """A record in words. `seq` is None until it is sealed; `actor` is kind:id."""

    seq: int | None
    id: UUID
    at: datetime
    kind: str
    actor: str
    sentence: str
    cause: UUID | None


async def about(
    unit: Unit,
    subjects: Sequence[UUID],
    *,
    catalog: Catalog,
    name: Names,
    limit: int = 200,
    before_seq: int | None = None,
) -> list[Entry]:
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
    return [_entry(seq, text, catalog, name) for seq, text in await cursor.fetchall()]


def _entry(seq: int | None, text: str, catalog: Catalog, name: Names) -> Entry:
    record = catalog.decode(text)
    return Entry(
        seq=seq,
        id=record.id,
        at=record.at,
        kind=record.action,
        actor=record.actor,
        sentence=record.body.sentence(name),
        cause=record.cause,
    )
