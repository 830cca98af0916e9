"""A rolling upgrade: old and new code serve one database, and nothing is lost between them."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
import yaml
from kill_audit import Audit, snapshot
from kill_clients import Sender
from kill_mail import Sink, mail_sink
from kill_server import ORGANISATION, free_port, until
from nodes_lab import Fleet, Node, under_way, until_settled
from nodes_release import FIELD, next_release

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
        await apply_what_is_new(old, new)
        await until(
            partial(is_named, old), limit_s=15, what="the old node says what it ignores"
        )
        await new.stop()  # the old one pages alone, by a configuration that is newer than it
        await under_way(3)
        old.kill_all()  # an old node that crashes in the middle of it comes back
        old.start()
        await old.until_ready(60)
        assert await is_named(old)
        new.start()
        await new.until_ready(60)
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


async def apply_what_is_new(old: Node, new: Node) -> None:
    """Save through the new node what the old one does not know, which the old one keeps."""
    new.admin.token = old.admin.token
    documents = [one for one in yaml.safe_load_all(ORGANISATION) if one]
    [schedule] = [one for one in documents if one["kind"] == "Schedule"]
    schedule["spec"] |= {FIELD: "tomorrow's"}
    await new.tell("POST", "/api/v1/resources/apply", {"documents": documents})
    for wanted, status in ((schedule["spec"], 422), (zone(schedule["spec"]), 409)):
        body = {"documents": [schedule | {"spec": wanted}]}
        answer = await old.admin.ask("POST", "/api/v1/resources/apply", body)
        assert (answer.status, FIELD in answer.body.decode()) == (status, True)


def zone(spec: dict[str, object]) -> dict[str, object]:
    """Change what every release knows."""
    return {key: value for key, value in spec.items() if key != FIELD} | {"timezone": "UTC"}


async def is_named(node: Node) -> bool:
    """Say whether a node names what it ignores, and is ready all the same."""
    found = await node.readiness()
    said = " ".join(found.get("warnings", ()))
    return bool(found.get("ready")) and f"Schedule: spec.{FIELD}" in said


def run(node: Node, *words: str) -> tuple[int, str]:
    """Run a command with a node's code; return its exit code, and what it said but for its log."""
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *words],
        check=False, capture_output=True, env=node.environ, text=True, timeout=60,
    )  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, "\n".join(line for line in lines if not line.startswith("{"))
