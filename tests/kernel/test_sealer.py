"""Sealing: dense, complete, in order, whatever commits late and whoever seals beside it."""

import asyncio
import hashlib
from random import Random

import pytest
from kernel_world import BELL, MAYA, Echoed, Faded, Rang, recorded, rows, units_of

from tocsin.kernel import sealer
from tocsin.kernel.db import Database
from tocsin.kernel.events import Catalog, leaf_hash
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

pytestmark = pytest.mark.db

CATALOG = Catalog([Rang, Echoed, Faded])
FILL = """
    INSERT INTO kernel.intake_log (id, ordinal, at, kind, subjects, line)
    SELECT gen_random_uuid(), n, clock_timestamp(), 'test.rang', '{}', n::text
      FROM generate_series(1, %(count)s) AS n
"""


async def ring(units: Units, *more: type) -> None:
    async def act(unit: Unit) -> None:
        for kind in (Rang, *more):
            unit.record(kind(bell_id=BELL))

    await units.run(MAYA, act)


async def seal_all(database: Database) -> int:
    count = 0
    async with database.connection() as conn:
        while found := await sealer.seal(conn):
            count += found
    return count


def test_a_leaf_is_hashed_as_rfc_6962_says() -> None:
    # the first two leaves of the test vectors of Certificate Transparency's reference code
    assert leaf_hash("").hex() == hashlib.sha256(b"\x00").hexdigest()
    assert leaf_hash("").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert leaf_hash("\x00").hex() == (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    )


async def test_events_of_one_unit_stay_together_in_their_order(database: Database) -> None:
    units = units_of(database)
    await ring(units, Echoed, Faded)
    await ring(units)
    assert await seal_all(database) == 4
    assert await rows(database, "SELECT seq, kind FROM kernel.log ORDER BY seq") == [
        (0, "test.rang"),
        (1, "test.echoed"),
        (2, "test.faded"),
        (3, "test.rang"),
    ]
    assert await recorded(database) == []
    assert await rows(database, "SELECT size FROM kernel.log_head") == [(4,)]


async def test_every_leaf_is_the_hash_of_the_very_line_that_is_kept(database: Database) -> None:
    await ring(units_of(database), Echoed)
    await seal_all(database)
    for text, leaf in await rows(database, "SELECT line, leaf FROM kernel.log"):
        assert leaf == hashlib.sha256(b"\x00" + text.encode()).digest()
        assert CATALOG.decode(text).body.bell_id == BELL  # type: ignore[attr-defined]


async def test_eight_writers_that_roll_back_now_and_then_leave_no_gap_and_lose_nothing(
    database: Database,
) -> None:
    units = units_of(database)
    kept, done = 0, asyncio.Event()

    async def write(seed: int) -> None:
        nonlocal kept
        random = Random(seed)
        for _ in range(25):
            size = random.randint(1, 3)
            fails = random.random() < 0.3

            async def act(unit: Unit, size: int = size, fails: bool = fails) -> None:
                for _ in range(size):
                    unit.record(Rang(bell_id=BELL))
                if fails:
                    raise LookupError

            try:
                await units.run(MAYA, act)
                kept += size
            except LookupError:
                pass

    async def seal() -> None:
        async with database.connection() as conn:
            while not done.is_set():
                await sealer.seal(conn)

    async with asyncio.TaskGroup() as group:
        for _ in range(2):  # two sealers at once
            group.create_task(seal())
        async with asyncio.TaskGroup() as writers:
            for seed in range(8):
                writers.create_task(write(seed))
        done.set()
    await seal_all(database)
    found = await rows(database, "SELECT seq FROM kernel.log ORDER BY seq")
    assert [row[0] for row in found] == list(range(kept))
    assert await rows(database, "SELECT count(DISTINCT id) FROM kernel.log") == [(kept,)]
    assert await recorded(database) == []


async def test_what_commits_late_is_sealed_in_the_next_batch(database: Database) -> None:
    async with database.connection() as late, late.transaction():
        await late.execute(FILL, {"count": 1})  # stamped first, committed last
        await ring(units_of(database))
        assert await seal_all(database) == 1
    assert await seal_all(database) == 1
    found = await rows(database, "SELECT seq, line = '1' FROM kernel.log ORDER BY seq")
    assert found == [(0, False), (1, True)]


async def test_a_second_sealer_waits_its_turn_without_blocking(database: Database) -> None:
    await ring(units_of(database))
    async with database.connection() as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": sealer.LOCK})
        assert await seal_all(database) == 0
    assert await seal_all(database) == 1


async def test_a_sealer_that_dies_in_mid_batch_leaves_all_as_it_was(database: Database) -> None:
    await ring(units_of(database), Echoed)
    async with database.connection() as conn, conn.transaction(force_rollback=True):
        assert await sealer.seal(conn) == 2
    assert await recorded(database) == ["test.rang", "test.echoed"]
    assert await rows(database, "SELECT size FROM kernel.log_head") == [(0,)]
    assert await seal_all(database) == 2


async def test_a_long_backlog_is_sealed_batch_after_batch(database: Database) -> None:
    await rows(database, FILL, {"count": sealer.BATCH + 10})
    async with database.connection() as conn:
        assert [await sealer.seal(conn) for _ in range(3)] == [sealer.BATCH, 10, 0]
    assert await rows(database, "SELECT min(seq), max(seq), count(*) FROM kernel.log") == [
        (0, sealer.BATCH + 9, sealer.BATCH + 10)
    ]
