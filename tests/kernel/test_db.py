"""Connections: the types they bring, the failures they survive, the versions they refuse."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tocsin.kernel.db import Database, connect, is_transient
from tocsin.kernel.errors import Unavailable

pytestmark = pytest.mark.db


async def test_instants_ids_and_json_arrive_as_what_they_are(database: Database) -> None:
    async with database.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT '2026-11-23 05:21:40+02'::timestamptz,
                   '0192f3a4-0000-7000-8000-000000000001'::uuid,
                   %(json)s::jsonb
            """,
            {"json": Jsonb({"a": [1, 2.5, None, "ü"]})},
        )
        row = await cursor.fetchone()

    assert row == (
        datetime(2026, 11, 23, 3, 21, 40, tzinfo=UTC),
        UUID("0192f3a4-0000-7000-8000-000000000001"),
        {"a": [1, 2.5, None, "ü"]},
    )
    assert row[0].tzinfo is UTC


async def test_a_pool_whose_every_connection_was_cut_serves_the_next_caller(
    cluster: object, dsn: str
) -> None:
    async with Database(dsn, min_size=6) as database:
        with connect(dsn) as other:
            other.execute(
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
            )

        async with database.connection() as connection:
            cursor = await connection.execute("SELECT 1")
            assert await cursor.fetchone() == (1,)


async def test_a_connection_cut_in_mid_statement_is_worth_another_try(
    database: Database,
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        async with database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert is_transient(caught.value)


async def test_a_transaction_left_open_is_rolled_back_on_return(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE public.left_over (n integer)")
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO public.left_over VALUES (1)")

    async with database.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM public.left_over")
        assert await cursor.fetchone() == (0,)


async def test_callers_who_wait_too_long_are_told_and_may_try_again(dsn: str) -> None:
    async with (
        Database(dsn, min_size=1, max_size=1, wait_limit_s=0.05) as database,
        database.connection(),
    ):
        assert database.load() == (1, 0)
        with pytest.raises(psycopg.OperationalError) as caught:
            async with database.connection():
                pass

    assert is_transient(caught.value)


async def test_a_caller_who_is_cancelled_just_when_it_is_served_is_cancelled(dsn: str) -> None:
    """On Python 3.11 the pool's own wait swallows that, and the process would not stop."""
    async with Database(dsn, min_size=1, max_size=1) as database:

        async def use() -> str:
            async with database.connection():
                return "used"

        async with asyncio.timeout(5), database.connection():
            caller = asyncio.ensure_future(use())
            while not database.load()[1]:
                await asyncio.sleep(0)
        caller.cancel()  # the connection is its own already
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert await use() == "used"


async def test_a_statement_over_its_limit_is_ended_and_may_be_tried_again(dsn: str) -> None:
    async with Database(dsn, min_size=1, statement_limit_s=0.05) as database:
        with pytest.raises(psycopg.errors.QueryCanceled) as caught:
            async with database.connection() as connection:
                await connection.execute("SELECT pg_sleep(60)")

    assert is_transient(caught.value)


async def test_a_listener_hears_what_another_connection_notifies(database: Database) -> None:
    listener = await database.listen("news")
    async with listener, database.connection() as connection:
        await connection.execute("NOTIFY news, '42'")
        heard = [note.payload async for note in listener.notifies(timeout=5, stop_after=1)]

    assert heard == ["42"]


async def test_nobody_at_the_address_is_said_in_words() -> None:
    nowhere = Database("host=/nonexistent dbname=tocsin")

    with pytest.raises(Unavailable, match="PostgreSQL does not answer"):
        await nowhere.open()
    with pytest.raises(Unavailable, match="PostgreSQL does not answer"):
        connect("host=/nonexistent dbname=tocsin")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CrashShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.LockNotAvailable(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.ProgrammingError("the query has 1 placeholder"), False),
        (ConnectionError(), False),
    ],
)
def test_only_lost_races_and_lost_servers_are_worth_another_try(
    error: Exception, expected: bool
) -> None:
    assert is_transient(error) is expected
