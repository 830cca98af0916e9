"""Live screens: what was missed, then what comes, without a gap and without a repetition."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from kernel_world import BELL, MAYA, Rang, rows, units_of

from tocsin.kernel import live, sealer
from tocsin.kernel.db import Database
from tocsin.kernel.live import Hub, Moved
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[Hub]:
    hub = Hub(database)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(hub.run())
        async with asyncio.timeout(10):
            while not hub.connected:
                await asyncio.sleep(0)
        try:
            async with asyncio.timeout(20):
                yield hub
        finally:
            running.cancel()


async def happen(database: Database, count: int = 1) -> None:
    """Let `count` things happen and be sealed."""
    units = units_of(database)

    async def act(unit: Unit) -> None:
        unit.record(Rang(bell_id=BELL))

    for _ in range(count):
        await units.run(MAYA, act)
    async with database.connection() as conn:
        while await sealer.seal(conn):
            pass


async def fill(database: Database, count: int) -> None:
    """Seal many records fast."""
    await rows(
        database,
        """
        INSERT INTO kernel.intake_log (id, ordinal, at, kind, subjects, line)
        SELECT gen_random_uuid(), n, clock_timestamp(), 'test.rang', '{}',
               '{"action": "test.rang", "body": {}}'
          FROM generate_series(1, %(count)s) AS n
        """,
        {"count": count},
    )
    async with database.connection() as conn:
        while await sealer.seal(conn):
            pass


async def take(stream: AsyncIterator[Moved | None], count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        moved = await anext(stream)
        assert moved is not None
        found.append(moved.seq)
    return found


async def test_a_client_hears_what_moves_from_now_on(database: Database) -> None:
    await happen(database, 3)
    async with listening(database) as hub:
        stream = live.stream(hub, database, None)
        waiting = asyncio.ensure_future(take(stream, 2))
        while not hub.clients:
            await asyncio.sleep(0)
        await happen(database, 2)
        assert await waiting == [3, 4]
        await stream.aclose()  # type: ignore[attr-defined]
        assert hub.clients == 0


async def test_replay_meets_what_is_live_without_gap_or_repetition(database: Database) -> None:
    await happen(database, 20)
    async with listening(database) as hub:
        streams = [live.stream(hub, database, after) for after in (-1, 4, 18, 19)]
        async with asyncio.TaskGroup() as group:
            group.create_task(happen(database, 30))  # while they replay
            found = [
                group.create_task(take(stream, 49 - after))
                for stream, after in zip(streams, (-1, 4, 18, 19), strict=True)
            ]
        assert [one.result() for one in found] == [
            list(range(after + 1, 50)) for after in (-1, 4, 18, 19)
        ]


async def test_a_client_that_was_away_for_long_misses_nothing(database: Database) -> None:
    missed = 2 * live.REPLAY_MAX + 300
    await fill(database, missed)
    async with listening(database) as hub:
        stream = live.stream(hub, database, 99)
        assert await take(stream, missed - 100) == list(range(100, missed))
        await happen(database)
        assert await take(stream, 1) == [missed]


async def test_a_flood_in_one_batch_is_told_to_its_end_without_another_word(
    database: Database,
) -> None:
    async with listening(database) as hub:
        await fill(database, live.REPLAY_MAX + 700)
        while hub._seq < live.REPLAY_MAX + 699:
            await asyncio.sleep(0)


async def test_a_client_that_is_too_slow_is_ended_and_can_come_back(database: Database) -> None:
    async with listening(database) as hub:
        with hub.subscribe() as queue:
            await fill(database, live.QUEUE_MAX + 1)
            while hub._seq < live.QUEUE_MAX:
                await asyncio.sleep(0)
            assert queue.get_nowait() is None
        stream = live.stream(hub, database, -1)
        assert await take(stream, live.QUEUE_MAX + 1) == list(range(live.QUEUE_MAX + 1))


async def test_closing_ends_every_stream_at_once_and_those_that_come_later(
    database: Database,
) -> None:
    async with listening(database) as hub:
        streams = [live.stream(hub, database, None) for _ in range(3)]
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        while hub.clients < 3:
            await asyncio.sleep(0)
        hub.close()
        for one in waiting:
            with pytest.raises(StopAsyncIteration):
                await one
        assert hub.clients == 0
        with pytest.raises(StopAsyncIteration):
            await anext(live.stream(hub, database, None))


async def test_a_record_says_which_incident_moved_and_nothing_else(database: Database) -> None:
    await rows(
        database,
        """
        INSERT INTO kernel.intake_log (id, ordinal, at, kind, subjects, line)
        VALUES (gen_random_uuid(), 0, clock_timestamp(), 'command.incident_declared', '{}',
                %(line)s)
        """,
        {
            "line": '{"action": "command.incident_declared", "body": {"title": "secret",'
            f' "incident_id": "{BELL}"}}}}'
        },
    )
    async with database.connection() as conn:
        await sealer.seal(conn)
        assert await live.since(conn, -1) == [Moved(0, "command.incident_declared", BELL)]
        assert await live.last_seq(conn) == 0


async def test_a_hub_comes_back_after_its_connection_was_cut_and_tells_what_it_missed(
    database: Database,
) -> None:
    async with listening(database) as hub:
        with hub.subscribe() as queue:
            await happen(database)
            assert (await queue.get()).seq == 0  # type: ignore[union-attr]
            await rows(
                database,
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name LIKE '% listen'
                """,
            )
            await happen(database)
            assert (await queue.get()).seq == 1  # type: ignore[union-attr]
