"""A search that looks among the newest first finds what the plain question to all would find."""

from uuid import UUID

import pytest
from psycopg import AsyncConnection

from fakes.world import NOON
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.db import Database
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.unit import Unit
from tocsin.triage.model import AlertState
from tocsin.triage.reads.filtering import Filter
from tocsin.triage.reads.finding import NEAR, as_query, search
from tocsin.triage.reads.lists import filtered_alerts, group_list

pytestmark = pytest.mark.db
VIEWER = Actor(kind="person", id=UUID(int=7), name="Ann", role=Role.VIEWER)
COUNT = NEAR + 400


async def stored(conn: AsyncConnection[tuple[object, ...]], firing: str) -> None:
    """Store COUNT alerts; the higher the number in the id, the newer. One in three is hidden."""
    for number, seen in ((1, "NULL"), (2, "'{role:manager}'")):
        await conn.execute(
            f"""
            INSERT INTO triage.groups (id, key, state, labels, title, summary, integration, route,
                   policy, urgency, firing_count, alert_count, noted_count, opened_at, storm,
                   visible_to)
            VALUES (lpad('{number}', 32, '0')::uuid, '{number}', 'ended', '{{}}', '', '', '', '', '',
                   'low', 0, 0, 0, 'epoch', false, {seen})
            """.encode()
        )
    await conn.execute(
        f"""
        INSERT INTO triage.alerts (id, dedup_key, state, labels, annotations, source_url,
               integration, starts_at, ends_at, ends_by_timeout, updated_at, group_id, seen_count,
               fired_count, urgency, reasons)
        SELECT lpad(n::text, 32, '0')::uuid, decode(md5(n::text), 'hex'),
               CASE WHEN {firing} THEN 'firing' ELSE 'resolved' END,
               jsonb_build_object('service', format('svc-k%s-s%s-%s', n / 300, n % 4, n % 50),
                                  'host', CASE WHEN n < 9 THEN 'old-1.acme.example' ELSE '' END),
               '{{"summary": "Latency is high"}}', '', 'prom', 'epoch', 'epoch', true, 'epoch',
               CASE WHEN n % 2 = 0 THEN lpad((1 + (n % 6 = 0)::int)::text, 32, '0')::uuid END,
               1, 1, 'low', '{{}}'
          FROM generate_series(1, {COUNT}) n
        """.encode()
    )
    await conn.execute(
        """
        INSERT INTO triage.alert_words (alert_id, words)
        SELECT id, jsonb_to_tsvector('simple', labels, '["string"]')
                   || jsonb_to_tsvector('simple', annotations, '["string"]')
          FROM triage.alerts
        """
    )


async def plainly(
    unit: Unit, text: str, limit: int, state: AlertState | None = None
) -> list[UUID]:
    """Ask all at once."""
    cursor = await unit.conn.execute(
        """
        SELECT id
          FROM triage.alerts
          JOIN triage.alert_words ON alert_id = id
         WHERE words @@ to_tsquery('simple', %(query)s)
           AND (%(state)s::text IS NULL OR state = %(state)s)
           AND (%(audience)s::text[] IS NULL OR group_id IS NULL OR group_id NOT IN (
                SELECT id FROM triage.groups
                 WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
         ORDER BY state, id DESC
         LIMIT %(limit)s
        """,
        {"query": as_query(text), "audience": unit.audience, "limit": limit, "state": state},
    )
    return [row[0] for row in await cursor.fetchall()]


@pytest.mark.parametrize("firing", ["n % 50 = 0 AND n < 1000", "n % 8 > 0"])
async def test_the_newest_first_finds_what_all_at_once_would(
    database: Database, firing: str
) -> None:
    async with database.connection() as conn:
        await stored(conn, firing)
        unit = Unit(conn, VIEWER, NOON, Snapshot(1, {}))
        for text in (
            "svc", "LAT high", "svc-k0-s1-1", "svc-k7-s1-1", "svc-k7-s", "k1 s2", "old-1.acme",
            "lat zebra", "s1_1", "svc-k0 svc-k0-s3", "it's", "& |",
        ):  # fmt: skip
            for limit in (1, 20):
                found = [one.id for one in await search(unit, text, limit)]
                assert found == await plainly(unit, text, limit), (text, limit)
            for state in (None, AlertState.FIRING):
                wanted = Filter(text=text, state=state)
                listed = [one.id for one in await filtered_alerts(unit, wanted, limit=50)]
                every = await plainly(unit, text, COUNT, state)
                assert listed == sorted(every, reverse=True)[:50], (text, state)
            groups = await group_list(unit, Filter(text=text), limit=9, each=COUNT)
            grouped = {one.id for _, alerts in groups for one in alerts}
            assert grouped == {
                one for one in await plainly(unit, text, COUNT) if one.int % 2 == 0
            }
