"""Whatever happens to PostgreSQL: it is said in one word, and passes without hands and losses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psycopg
import pytest
from kill_audit import Audit, snapshot
from kill_clients import Responder, Sender
from kill_http import Wire
from kill_mail import Sink, mail_sink
from kill_server import Tocsin, free_port, until
from nodes_lab import Canaries, Fleet, Node, delays_s, under_way, until_settled
from nodes_trouble import (
    Server,
    doctor,
    fill,
    is_root,
    server,
    skewed,
    small_disk,
    until_said,
)

from fakes.wire_proxy import proxy
from tocsin.kernel.postgres_cluster import Cluster

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.usefixtures("at_length")]
SKEW_S = 90
CUTS = 40
WAL_MIB = 600

Record = Callable[[str, object], None]


@pytest.fixture
def rng() -> Random:
    return Random(3)


@pytest.fixture
def sink(rng: Random) -> Iterator[Sink]:
    with mail_sink(rng) as sink:
        yield sink


@pytest.fixture
def database_server(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "database") as made:
        yield made


@pytest.fixture
def node(database_server: Server, sink: Sink, rng: Random, tmp_path: Path) -> Iterator[Node]:
    made = Node(
        tmp_path / "node", free_port(rng), database_server.conninfo, host="127.0.0.1",
        prefix=(), TOCSIN_SMTP_URL=sink.url,
    )  # fmt: skip
    yield made
    made.clear()


@asynccontextmanager
async def under_load(
    node: Tocsin, rng: Random, conninfo: str, sink: Sink, *, nodes: list[Any] | None = None
) -> AsyncIterator[Canaries]:
    """Post alerts and acknowledge meanwhile; afterwards everything that got a 2xx is there once."""

    async def way(name: str) -> Fleet:
        wanted = {"name": name, "role": "integration"}
        made = await node.tell("POST", "/api/v1/tokens", wanted)
        return Fleet(nodes or [node], made["token"], rng)

    senders = [Sender(f"client{n}", await way(f"client{n}"), rng) for n in range(3)]
    canaries = Canaries([await way(f"canary{n}") for n in range(3)])
    responder = Responder(Wire(node.port, node.admin.token), rng)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for one in (*senders, canaries, responder):
            group.create_task(one.run(stop))
        yield canaries
        stop.set()
    await until_settled(conninfo)
    with snapshot(conninfo) as conn:
        audit = Audit(conn)
        audit.settled()
        audit.promises(senders, others="canary-")
        audit.acknowledged(responder.taken)
        audit.mails(sink.accepted)
        audit.insist()


def record(record_testsuite_property: Record, **found: object) -> None:
    for name, value in found.items():
        record_testsuite_property(name, msgspec.json.encode(value).decode())


async def test_restarts_lost_sessions_locks_and_a_read_only_server_pass_without_hands(
    node: Node, database_server: Server, sink: Sink, rng: Random,
    record_testsuite_property: Record,
) -> None:  # fmt: skip
    node.start()
    await node.until_ready(60)
    await node.furnish()
    noticed: dict[str, float] = {}
    again: dict[str, float] = {}
    async with under_load(node, rng, database_server.conninfo, sink):
        await asyncio.to_thread(database_server.stop)
        noticed["restart"] = await until_said(node, "database-unreachable")
        code, said = await doctor(node)
        assert (code != 0, "does not answer" in said) == (True, True), said
        await asyncio.to_thread(database_server.start)
        again["restart"] = await node.until_ready()

        ended = await database_server.terminate_sessions(rng, 4.0)
        again["sessions ended"] = await node.until_ready()

        everything = "ALTER SYSTEM SET default_transaction_read_only = "
        database_server.administer(everything + "on", "SELECT pg_reload_conf()")
        noticed["read-only"] = await until_said(node, "database-read-only")
        code, said = await doctor(node)
        assert (code != 0, "read-only" in said) == (True, True), said
        database_server.administer(everything + "off", "SELECT pg_reload_conf()")
        again["read-only"] = await node.until_ready()

        with psycopg.connect(database_server.conninfo, application_name="psql") as psql:
            psql.execute("LOCK TABLE triage.alerts")
            noticed["lock"] = await until_said(node, "database-locked")
            problems = (await node.readiness())["problems"]
            assert any("psql" in one and "pg_terminate_backend" in one for one in problems)
        again["lock"] = await node.until_ready()
    record(
        record_testsuite_property,
        database_sessions_ended=ended,
        database_noticed_s={k: round(v, 1) for k, v in noticed.items()},
        database_ready_again_s={k: round(v, 1) for k, v in again.items()},
    )


async def test_a_connection_lost_in_mid_commit_is_settled_by_key(
    node: Node, database_server: Server, sink: Sink, rng: Random,
    record_testsuite_property: Record,
) -> None:  # fmt: skip
    async with proxy(database_server.conninfo) as wire:
        node.environ = node.environ | {"TOCSIN_DATABASE_URL": wire.conninfo}
        node.start()
        await node.until_ready(60)
        await node.furnish()
        wire.cuts_copies = True
        async with under_load(node, rng, database_server.conninfo, sink):
            for _ in range(CUTS):
                if rng.random() < 0.7:
                    wire.cuts_after += 1
                else:
                    wire.cuts_before += 1
                await under_way(rng.uniform(0.1, 0.4))
            wire.cuts_after = wire.cuts_before = 0
            wire.delay_s = 0.6
            slow_s = await until_said(node, "database-slow")
            wire.delay_s = 0.0
            await node.until_ready(60)
        await node.stop()
    assert wire.commits_cut > CUTS // 2
    record(
        record_testsuite_property,
        commits_cut=wire.commits_cut,
        database_slow_noticed_s=round(slow_s, 1),
    )


@pytest.mark.skipif(not is_root(), reason="only root mounts a small file system")
async def test_a_full_disk_refuses_and_goes_on_by_itself_when_there_is_room(
    tmp_path: Path, sink: Sink, rng: Random, record_testsuite_property: Record
) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / "disk", 600))
        node = embedded(disk / "home", rng, sink)
        stack.callback(node.clear)
        node.start()
        await node.until_ready(60)
        await node.furnish()
        async with under_load(node, rng, node.cluster.conninfo(), sink):
            await under_way(1)
            filler = fill(disk)
            noticed_s = await until_said(node, "database-full", 60)
            code, said = await doctor(node)
            filler.unlink()
            again_s = await node.until_ready(90)
            assert (code != 0, "full" in said or "No space" in said) == (True, True), said
        await node.stop()
    record(
        record_testsuite_property,
        disk_full_noticed_s=round(noticed_s, 1),
        disk_full_ready_again_s=round(again_s, 1),
    )


async def test_a_long_recovery_is_said_while_it_lasts(
    tmp_path: Path, sink: Sink, rng: Random, record_testsuite_property: Record
) -> None:
    node = embedded(tmp_path / "home", rng, sink)
    try:
        node.start()
        await node.until_ready(60)
        await node.furnish()
        await asyncio.to_thread(write_much, node.cluster.conninfo())
        node.kill_postmaster()
        node.kill_all()
        node.start()
        said: set[str] = set()

        async def ready() -> bool:
            found = await node.readiness()
            said.update(found.get("codes", ()))
            return bool(found.get("ready"))

        took_s = await until(ready, limit_s=120, what="recovered")
        assert {"starting", "database-starting"} <= said
        await node.stop()
    finally:
        node.clear()
    record(record_testsuite_property, recovery_of_mib=WAL_MIB, recovery_s=round(took_s, 1))


async def test_a_node_whose_clock_is_wrong_pages_by_the_database_s(
    node: Node, database_server: Server, sink: Sink, rng: Random, tmp_path: Path,
    record_testsuite_property: Record,
) -> None:  # fmt: skip
    wrong = skewed(tmp_path, SKEW_S)
    if wrong is None:
        pytest.skip("no C compiler to make a wrong clock with")
    other = Node(
        tmp_path / "other", free_port(rng), database_server.conninfo, host="127.0.0.1",
        prefix=(), TOCSIN_SMTP_URL=sink.url,
    )  # fmt: skip
    other.environ = other.environ | wrong
    try:
        node.start()
        await node.until_ready(60)
        other.start()
        await node.furnish()
        await other.until_ready(60)
        await until_said(other, "clock-skew")
        found = await other.readiness()
        assert found["ready"]
        assert found["skew_s"] == pytest.approx(-SKEW_S, abs=2)
        async with under_load(
            node, rng, database_server.conninfo, sink, nodes=[node, other]
        ) as canaries:
            await under_way(8)
        delays = delays_s(database_server.conninfo, canaries)["nothing"]
        assert max(delays) < 10, delays
    finally:
        other.clear()
    record(record_testsuite_property, skew_s=SKEW_S, skew_to_message_s=round(max(delays), 2))


def embedded(home: Path, rng: Random, sink: Sink) -> Node:
    """Make a node with a PostgreSQL of its own."""
    made = Node(home, free_port(rng), "", host="127.0.0.1", prefix=(), TOCSIN_SMTP_URL=sink.url)
    made.cluster = Cluster(home.resolve())
    return made


def write_much(conninfo: str) -> None:
    """Write what a recovery has to read again."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("CREATE TABLE public.much (n integer, filler text)")
        for _ in range(WAL_MIB // 50):
            conn.execute(
                """
                INSERT INTO public.much
                SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 50000) AS n
                """
            )
