"""Timelines: the records of the log that are about something, sealed or not yet."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.events import NOBODY, Asker, Catalog, Event, Names, unnamed
from tocsin.kernel.unit import Unit


class Entry(Struct, frozen=True, kw_only=True):
    """A record in words. `seq` is None until it is sealed; `actor` is kind:id, `by` its name.

    `text` is what a person wrote; the log does not hold it, so whoever shows it fills it in.
    """

    seq: int | None
    id: UUID
    at: datetime
    kind: str
    actor: str
    sentence: str
    cause: UUID | None
    by: str = ""
    text: str = ""
    event: Event | None = None  # the record itself, for who must know more than its sentence


class Only(Struct, frozen=True, kw_only=True):
    """Which records a timeline holds, by the beginnings of their kinds; empty: all of them."""

    kinds: Collection[str] = ()
    but: Collection[str] = ()


EVERYTHING = Only()


async def about(  # noqa: PLR0913 - one a way to cut it
    unit: Unit,
    subjects: Sequence[UUID],
    *,
    catalog: Catalog,
    name: Names,
    asker: Asker = unnamed,
    limit: int = 200,
    before_seq: int | None = None,
    only: Only = EVERYTHING,
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
               AND (%(kinds)s::text[] IS NULL OR kind ^@ ANY(%(kinds)s))
               AND NOT kind ^@ ANY(%(but)s::text[])
        ), found AS (
            SELECT seq, line, NULL::timestamptz AS stamp, 0 AS ordinal
              FROM sealed
             UNION ALL
            SELECT NULL, line, stamp, ordinal
              FROM kernel.intake_log
             WHERE %(before_seq)s::bigint IS NULL AND subjects && %(subjects)s::uuid[]
               AND (%(kinds)s::text[] IS NULL OR kind ^@ ANY(%(kinds)s))
               AND NOT kind ^@ ANY(%(but)s::text[])
        )
        SELECT seq, line
          FROM found
         ORDER BY seq DESC NULLS FIRST, stamp DESC, ordinal DESC
         LIMIT %(limit)s
        """,
        {
            "subjects": list(subjects),
            "before_seq": before_seq,
            "limit": limit,
            "kinds": list(only.kinds) or None,
            "but": list(only.but),
        },
    )
    return [_entry(seq, text, catalog, name, asker) for seq, text in await cursor.fetchall()]


def _entry(seq: int | None, text: str, catalog: Catalog, name: Names, asker: Asker) -> Entry:
    record = catalog.decode(text)

    def named(who: UUID) -> str:
        return asker(record.actor) if who == NOBODY else name(who)

    return Entry(
        seq=seq,
        id=record.id,
        at=record.at,
        kind=record.action,
        actor=record.actor,
        sentence=record.body.sentence(named),
        cause=record.cause,
        by=asker(record.actor),
        event=record.body,
    )
