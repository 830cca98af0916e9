"""The inbox: byte for byte, lane by lane, and never to two sorters at once."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from msgspec import structs

from tocsin.kernel.clock import FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.ids import uuid7
from tocsin.signals import actions, reads, store
from tocsin.signals.model import Receipt

pytestmark = pytest.mark.db

NOON = datetime(2026, 3, 27, 12, 0, 0, 123456, tzinfo=UTC)
ACTOR = UUID(int=7)


def receipt(lane: int, body: bytes = b"[]", at: datetime = NOON) -> Receipt:
    return Receipt(uuid7(), lane, at, ACTOR, "prométheus", "alertmanager.v2", body)


async def test_a_receipt_comes_back_byte_for_byte(database: Database) -> None:
    kept = [
        receipt(0, bytes(range(256)) * 20),
        receipt(15, b"", datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        receipt(3, '[{"labels":{"a":"ü"}}]'.encode()),
    ]
    async with database.connection() as conn:
        await store.keep(conn, kept)
        async with conn.transaction():
            assert await store.take(conn, lanes=16, limit=9) == kept


async def test_the_oldest_come_first_whatever_their_lane(database: Database) -> None:
    kept = [receipt(lane) for lane in (5, 1, 5, 9, 1, 1)]
    async with database.connection() as conn:
        await store.keep(conn, reversed(kept))
        async with conn.transaction():
            assert await store.take(conn, lanes=16, limit=4) == kept[:4]
        async with conn.transaction():
            assert await store.take(conn, lanes=16, limit=4) == kept[4:]
            assert await store.take(conn, lanes=16, limit=4) == []


async def test_a_lane_is_in_one_hand_until_its_transaction_ends(database: Database) -> None:
    kept = [receipt(1), receipt(1), receipt(2)]
    async with database.connection() as one, database.connection() as two:
        await store.keep(one, kept)
        async with one.transaction(), two.transaction():
            assert await store.take(one, lanes=1, limit=1) == kept[:1]
            # lane 1 has work left, but its order belongs to the first
            assert await store.take(two, lanes=16, limit=9) == kept[2:]
        async with two.transaction():
            assert await store.take(two, lanes=16, limit=9) == kept[1:2]


async def test_a_sorter_that_fails_leaves_everything_where_it_was(database: Database) -> None:
    kept = [receipt(1), receipt(2)]
    async with database.connection() as conn:
        await store.keep(conn, kept)
        async with conn.transaction(force_rollback=True):
            await store.take(conn, lanes=16, limit=9)
        async with conn.transaction():
            assert await store.take(conn, lanes=16, limit=9) == kept


async def test_a_broken_row_keeps_none_of_its_batch(database: Database) -> None:
    async with database.connection() as conn:
        broken = structs.replace(receipt(1), format="\0")
        with pytest.raises(psycopg.DataError):
            await store.keep(conn, [receipt(1), broken])
        assert await reads.oldest_at(conn) is None


async def test_the_backlog_is_measured_from_its_oldest_signal(database: Database) -> None:
    async with database.connection() as conn:
        assert await reads.oldest_at(conn) is None
        await store.keep(conn, [receipt(1, at=NOON - timedelta(seconds=9)), receipt(2)])
        assert await reads.oldest_at(conn) == NOON - timedelta(seconds=9)


async def test_several_processes_make_the_same_partitions_at_once(database: Database) -> None:
    days = [date(2026, 3, 26), date(2026, 3, 27), date(2026, 3, 28)]
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(
                actions.keep_partitions(database, now=NOON, retention_days=90, ahead=days)
            )
    async with database.connection() as conn:
        assert await store.partitions(conn) == set(days)
        at_the_edges = [
            receipt(1, at=datetime(2026, 3, 26, tzinfo=UTC)),
            receipt(1, at=datetime(2026, 3, 28, 23, 59, 59, 999999, tzinfo=UTC)),
        ]
        await store.archive(conn, at_the_edges)


async def test_receipts_past_retention_go_by_the_day(database: Database) -> None:
    clock = FakeClock(NOON)
    for _ in range(6):
        await actions.keep_partitions(
            database, now=clock.now(), retention_days=3, ahead=[clock.now().date()]
        )
        clock.forward(hours=24)
    async with database.connection() as conn:
        assert await store.partitions(conn) == {
            date(2026, 3, 29) + timedelta(n) for n in range(4)
        }
