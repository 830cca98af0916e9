"""Two nodes on one database: one is killed, stopped or cut off, and nothing is lost or done twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from statistics import median

import msgspec
import pytest
from kill_audit import Audit, Tally, snapshot
from kill_clients import Sender
from kill_mail import Sink, mail_sink
from kill_server import free_port
from nodes_lab import (
    Canaries,
    Fleet,
    Node,
    Rounds,
    dealt,
    delays_s,
    own_postgres,
    under_way,
    until_settled,
)
from nodes_net import WHY_NOT, Net, network

pytestmark = [pytest.mark.journey, pytest.mark.slow]
SENDERS = 4
LEASE_AND_LOOK_S = 10.0 + 3.0 + 1.0
"""A lease, the look for stopped sessions, a poll."""

Record = Callable[[str, object], None]


class Lab:
    """The database, the nodes, and the networks between them (None: all on this machine)."""

    def __init__(self, conninfo: str, nodes: list[Node], net: Net | None, sink: Sink) -> None:
        self.conninfo = conninfo
        self.nodes = nodes
        self.net = net
        self.sink = sink


@pytest.fixture
def blows(pytestconfig: pytest.Config) -> int:
    """How often to do something to a node."""
    return int(pytestconfig.getoption("--blows"))


@pytest.fixture
def rng(blows: int) -> Random:
    """The same choices for the same number of blows; the instants are the machine's."""
    return Random(blows)


@pytest.fixture
def lab(
    blows: int, rng: Random, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Lab]:
    """Networks of their own where nodes are to be cut off; else the database of the suite."""
    with ExitStack() as stack:
        net = None
        if blows >= 3 and not WHY_NOT:
            net = stack.enter_context(network(2))
            home = tmp_path / "database"
            conninfo = stack.enter_context(own_postgres(home, net.database_host))
        else:
            conninfo = request.getfixturevalue("dsn")
        outside = net.outside_host if net else "127.0.0.1"
        sink = stack.enter_context(
            mail_sink(rng, slow_s=0.02, refused_share=0.02, host=outside)
        )
        nodes = [
            Node(
                tmp_path / f"node{number}", free_port(rng), conninfo,
                host=net.address(number) if net else "127.0.0.1",
                prefix=net.prefix(number) if net else (), TOCSIN_SMTP_URL=sink.url,
            )
            for number in range(2)
        ]  # fmt: skip
        for node in nodes:
            stack.callback(node.clear)
        yield Lab(conninfo, nodes, net, sink)


async def test_whatever_happens_to_one_node_the_other_goes_on_and_nothing_is_done_twice(
    lab: Lab, blows: int, rng: Random, record_testsuite_property: Record
) -> None:
    first, second = lab.nodes
    first.start()
    await first.until_ready(60)
    second.start()
    await first.furnish()
    await second.until_ready()
    senders = [await sender(lab, f"client{n}", rng) for n in range(SENDERS)]
    canaries = Canaries([await fleet(lab, f"canary{n}", rng) for n in range(3)])
    rounds = Rounds(lab.nodes, lab.net, rng)
    stop = asyncio.Event()
    dealing = dealt(rng, blows, can_cut=lab.net is not None)
    async with asyncio.TaskGroup() as group:
        for one in senders:
            group.create_task(one.run(stop))
        group.create_task(canaries.run(stop))
        await rounds.run(dealing, canaries)
        await under_way(1)
        stop.set()
    settle_s = await until_settled(lab.conninfo)
    codes = [(await node.stop())[0] for node in lab.nodes]
    assert codes == [0, 0]

    tally = await asyncio.to_thread(audited, lab, senders)
    delays = await asyncio.to_thread(delays_s, lab.conninfo, canaries)
    slowest = max(max(all_s) for all_s in delays.values())
    assert slowest < LEASE_AND_LOOK_S, delays
    found = {
        "blows": dict(Counter(map(str, dealing))),
        "requests_kept": sum(len(one.kept_at) for one in senders),
        "requests_sent_again": sum(n - 1 for s in senders for n in s.tries.values()),
        "answers_refused": sum((one.refusals for one in senders), Counter()),
        **msgspec.structs.asdict(tally),
        "from_2xx_to_message_s": {
            name: {"median": round(median(all_s), 2), "max": round(max(all_s), 2)}
            for name, all_s in delays.items()
        },
        "cut_off_noticed_s": [round(one, 1) for one in rounds.noticed_s],
        "ready_again_s": {k: [round(s, 1) for s in v] for k, v in rounds.back_s.items()},
        "settle_s": round(settle_s, 2),
    }
    if WHY_NOT:
        found["not_cut_off"] = WHY_NOT
    for name, value in found.items():
        record_testsuite_property(name, msgspec.json.encode(value).decode())


async def sender(lab: Lab, name: str, rng: Random) -> Sender:
    """Make a sender that posts to whichever node answers."""
    return Sender(name, await fleet(lab, name, rng), rng)


async def fleet(lab: Lab, name: str, rng: Random) -> Fleet:
    """Make the way of an integration with a token of its own."""
    wanted = {"name": name, "role": "integration"}
    made = await lab.nodes[0].tell("POST", "/api/v1/tokens", wanted)
    return Fleet(lab.nodes, made["token"], rng)


def audited(lab: Lab, senders: list[Sender]) -> Tally:
    """Look at what is left once everything has ended."""
    with snapshot(lab.conninfo) as conn:
        audit = Audit(conn)
        audit.settled()
        audit.promises(senders, others="canary-")
        repeated = audit.mails(lab.sink.accepted)
        audit.insist()
        return audit.tally(lab.sink.accepted, repeated)
