"""How the database is, as one connection of its own sees it, and as others have run into it."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from kernel_world import NOON, rows

from fakes.patience import until_waiting
from fakes.wire_proxy import Proxy, proxy
from tocsin.kernel.clock import FakeClock
from tocsin.kernel.db import Database, connect
from tocsin.kernel.db_locks import blocker
from tocsin.kernel.db_trouble import Trouble
from tocsin.kernel.db_watch import BRIEF_S, SLOW_LOOKS, DatabaseWatch
from tocsin.kernel.errors import Unavailable

pytestmark = pytest.mark.db


@pytest.fixture
async def wire(dsn: str) -> AsyncIterator[Proxy]:
    async with proxy(dsn) as wire:
        yield wire


@pytest.fixture
async def far(wire: Proxy) -> AsyncIterator[Database]:
    async with Database(wire.conninfo, min_size=1, max_size=4, wait_limit_s=2) as far:
        yield far


@pytest.fixture
async def watch(far: Database) -> AsyncIterator[DatabaseWatch]:
    made = DatabaseWatch(far, FakeClock(NOON))
    await made.look()
    yield made
    await made.close()


async def test_a_server_that_is_gone_is_told_from_one_that_is_back(
    watch: DatabaseWatch, wire: Proxy
) -> None:
    passed: list[Trouble | None] = []
    watch.on_outage.append(lambda: passed.append(watch.outage))
    assert (watch.trouble, watch.words) == (None, "")
    wire.is_down = True
    await watch._drop()
    await watch.look()
    assert watch.trouble is Trouble.UNREACHABLE
    assert watch.words.endswith("(since 12:00:00 UTC)")
    watch.require()  # it may be over in a moment
    watch._since_s -= BRIEF_S
    with pytest.raises(Unavailable, match="does not answer"):
        watch.require()
    wire.is_down = False
    await watch.look()
    watch.require()
    assert passed == [Trouble.UNREACHABLE, None]


async def test_a_read_only_database_is_seen_before_anybody_writes_and_so_is_its_end(
    watch: DatabaseWatch, far: Database, database: Database, dsn: str
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    await rows(database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await far.renew()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await rows(far, "CREATE TABLE public.t (n integer)")
    assert watch.trouble is Trouble.READ_ONLY
    await watch.look()
    assert watch.trouble is Trouble.READ_ONLY
    watch.require()  # screens can still be read
    # who opened a session meanwhile would be read-only for ever
    await rows(database, f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    await watch.look()
    assert watch.trouble is None
    await rows(far, "CREATE TABLE public.t (n integer)")


async def test_a_full_disk_is_noticed_by_who_writes_and_tried_until_there_is_room(
    watch: DatabaseWatch, far: Database
) -> None:
    with pytest.raises(psycopg.errors.DiskFull):
        await rows(far, "DO $$BEGIN RAISE disk_full; END$$")
    assert watch.trouble is Trouble.FULL
    await watch.look()
    assert watch.trouble is Trouble.FULL  # a moment ago is not enough
    watch._full_at -= 60
    await watch.look()
    assert watch.trouble is None


async def test_a_slow_answer_is_one_thing_and_a_slow_database_another(
    watch: DatabaseWatch, wire: Proxy
) -> None:
    wire.delay_s = 0.6
    await watch.look()
    assert watch.trouble is None
    for _ in range(SLOW_LOOKS - 1):
        await watch.look()
    assert (watch.trouble, watch.outage) == (Trouble.SLOW, None)
    assert "ms for one question" in watch.words
    wire.delay_s = 0
    await watch.look()
    assert watch.trouble is None


async def test_what_whoever_starts_the_server_knows_is_the_better_reason(
    watch: DatabaseWatch, wire: Proxy
) -> None:
    wire.is_down = True
    watch.explain = lambda: "PostgreSQL ended while it started: No space left on device"
    await watch._drop()
    await watch.look()
    assert watch.trouble is Trouble.FULL


async def test_another_program_that_holds_a_lock_is_named_with_the_cure(
    database: Database, dsn: str
) -> None:
    with connect(dsn, application_name="psql") as psql, psql.transaction():
        pid = psql.info.backend_pid
        psql.execute("LOCK TABLE triage.alerts")
        with connect(dsn, application_name="tocsin") as ours:
            ours.pgconn.send_query(b"SELECT count(*) FROM triage.alerts")
            await until_waiting(database)
            async with database.connection() as conn:
                assert await blocker(conn) is None  # not long enough to speak of
                said = await blocker(conn, waited_s=0.0)
            ours.pgconn.finish()
    assert said is not None
    assert "psql, idle in transaction for 0 s" in said
    assert f"pg_terminate_backend({pid})" in said
