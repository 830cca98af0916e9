"""A rolling upgrade: old and new code serve one database, and nothing is lost between them."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from kill_audit import Audit, snapshot
from kill_clients import Sender
from kill_mail import Sink, mail_sink
from kill_server import free_port
from nodes_lab import Fleet, Node, until_settled
from nodes_release import next_release

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.usefixtures("at_length")]
BEFORE = """
ALTER TABLE triage.alerts ADD COLUMN next_word text;
CREATE TABLE oncall.next_table (id uuid PRIMARY KEY);
"""
CURRENT = (0, "The database is up to date.")
AFTER = "ALTER TABLE triage.alerts DROP COLUMN next_word;"


@pytest.fixture
def rng() -> Random:
    return Random(4)


@pytest.fixture
def sink(rng: Random) -> Iterator[Sink]:
    with mail_sink(rng) as sink:
        yield sink


@pytest.fixture
def nodes(dsn: str, sink: Sink, rng: Random, tmp_path: Path) -> Iterator[list[Node]]:
    """Two nodes of this release, not started."""
    made = [
        Node(
            tmp_path / f"node{number}", free_port(rng), dsn, host="127.0.0.1", prefix=(),
            TOCSIN_SMTP_URL=sink.url,
        )
        for number in range(2)
    ]  # fmt: skip
    yield made
    for node in made:
        node.clear()


async def test_old_and_new_serve_side_by_side_until_the_after_files_are_applied(
    nodes: list[Node], sink: Sink, rng: Random, dsn: str, tmp_path: Path
) -> None:
    old, new = nodes
    release = next_release(tmp_path / "next", "before", BEFORE)
    old.start()
    await old.until_ready(60)
    await old.furnish()
    wanted = {"name": "client", "role": "integration"}
    token = (await old.tell("POST", "/api/v1/tokens", wanted))["token"]
    sender = Sender("client", Fleet(nodes, token, rng), rng)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.run(stop))
        new.environ = new.environ | {"PYTHONPATH": str(release)}
        code, said = await asyncio.to_thread(run, new, "migrate", "--check")
        assert (code, "before_next.sql" in said) == (1, True)
        new.start()  # applies the `before` file under the old one
        await new.until_ready(60)
        assert await asyncio.to_thread(run, old, "migrate", "--check") == CURRENT
        old.kill_all()  # an old node that crashes in the middle of it comes back
        old.start()
        await old.until_ready(60)
        await old.stop()
        old.environ = old.environ | {"PYTHONPATH": str(release)}
        old.start()
        await old.until_ready(60)
        stop.set()
    await until_settled(dsn)
    for node in nodes:
        await node.stop()
    with snapshot(dsn) as conn:
        audit = Audit(conn)
        audit.settled()
        audit.promises([sender])
        audit.mails(sink.accepted)
        audit.insist()
    next_release(release, "after", AFTER)
    assert run(new, "migrate", "--after")[0] == 0
    old.environ = {k: v for k, v in old.environ.items() if k != "PYTHONPATH"}
    code, said = run(old, "serve")
    assert code not in (0, 1)
    assert "the database was migrated by a newer Tocsin" in said


def run(node: Node, *words: str) -> tuple[int, str]:
    """Run a command with a node's code; return its exit code, and what it said but for its log."""
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *words],
        check=False, capture_output=True, env=node.environ, text=True, timeout=60,
    )  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, "\n".join(line for line in lines if not line.startswith("{"))
