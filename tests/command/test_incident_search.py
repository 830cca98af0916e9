"""A search that looks among the newest incidents first finds what asking all at once would."""

from datetime import timedelta
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from fakes.world import NOON
from tocsin.command.core.status import ACTIVE
from tocsin.command.model import IncidentStatus
from tocsin.command.reads import IncidentFilter, Position, incident_list
from tocsin.command.reads.finding import NEAR, read_terms
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.db import Database
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db
VIEWER = Actor(kind="person", id=UUID(int=7), name="Ann", role=Role.VIEWER)
COUNT = NEAR + 500


async def stored(conn: AsyncConnection[tuple[object, ...]], over: str) -> None:
    """Store COUNT incidents, each a second after the one before, notes, and hide one in five."""
    await conn.execute(
        f"""
        INSERT INTO command.incidents (id, number, title, description, status, urgency, policy,
               labels, opened_at, resolved_at, services, visible_to)
        SELECT lpad(n::text, 32, '0')::uuid, n, 'Latency on svc-k' || n / 300 || '-s' || mod(n, 7), '',
               CASE WHEN {over} THEN 'resolved' ELSE 'identified' END, 'low', '', '{{}}',
               %(noon)s + n * interval '1 second', CASE WHEN {over} THEN %(noon)s END,
               CASE WHEN n < 9 THEN '["old-shop"]'::jsonb ELSE '[]' END,
               CASE WHEN mod(n, 5) = 0 THEN '{{role:manager}}'::text[] END
          FROM generate_series(1, {COUNT}) n
        """.encode(),
        {"noon": NOON},
    )
    await conn.execute(
        """
        INSERT INTO command.notes (id, incident_id, at, actor, text, salt)
        SELECT lpad(number::text, 32, '0')::uuid, id, opened_at, '',
               CASE WHEN number < 99 THEN 'Moved to spare' ELSE 'Rolled back svc-k1' END, ''
          FROM command.incidents
         WHERE number % 9 = 0
        """
    )


async def plainly(unit: Unit, wanted: IncidentFilter) -> list[int]:
    """Ask all at once."""
    terms = read_terms(wanted.text)
    assert terms is not None
    cursor = await unit.conn.execute(
        """
        SELECT number
          FROM command.incidents i
         WHERE (number = %(number)s OR words @@ websearch_to_tsquery('simple', %(text)s)
                OR words @@ to_tsquery('simple', %(beginnings)s)
                OR id IN (SELECT incident_id FROM command.notes
                           WHERE words @@ websearch_to_tsquery('simple', %(text)s)
                              OR words @@ to_tsquery('simple', %(beginnings)s)))
           AND (%(audience)s::text[] IS NULL OR visible_to IS NULL OR visible_to && %(audience)s)
           AND (%(statuses)s::text[] IS NULL OR status = ANY(%(statuses)s))
           AND (%(before)s::timestamptz IS NULL OR opened_at < %(before)s)
         ORDER BY opened_at DESC, id DESC
         LIMIT %(limit)s
        """,
        {
            "number": terms.number, "text": terms.text, "beginnings": terms.beginnings,
            "audience": unit.audience, "limit": wanted.limit,
            "statuses": [str(one) for one in wanted.statuses] or None,
            "before": wanted.before.at if wanted.before else None,
        },
    )  # fmt: skip
    return [row[0] for row in await cursor.fetchall()]


async def test_the_newest_first_finds_what_all_at_once_would(database: Database) -> None:
    start = Position(NOON + timedelta(seconds=450), UUID(int=0))
    async with database.connection() as conn:
        await stored(conn, "n < 1400 AND mod(n, 9) > 0")
        unit = Unit(conn, VIEWER, NOON, Snapshot(1, {}))
        for text in (
            "svc", "LAT svc-k", "svc-k0-s1", "svc-k4-s1", "old-shop", "rolled", "spare", "INC-7",
            '"svc-k4-s1"', "latency -svc", "s3 OR spare", "zebra", "&", "moved k0",
        ):  # fmt: skip
            for wanted in (
                IncidentFilter(text=text, limit=1),
                IncidentFilter(text=text, limit=30, before=start),
                IncidentFilter(text=text, limit=30, statuses=tuple(ACTIVE)),
                IncidentFilter(text=text, limit=30, statuses=(IncidentStatus.RESOLVED,)),
            ):
                found = [one.number for one in await incident_list(unit, wanted)]
                assert found == await plainly(unit, wanted), wanted
