"""Two nodes on one PostgreSQL, whoever posts to both, and what is done to one of them."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from kill_audit import is_settled
from kill_http import LOST, Answer, Wire
from kill_server import Tocsin, until
from nodes_net import Net
from psycopg.conninfo import make_conninfo
from typing_extensions import override

from tocsin.kernel import postgres
from tocsin.kernel.postgres_cluster import Cluster

PATIENCE_S = 5.0  # of a sender with one node, before it asks the other
OUT_S = 16.0  # for longer than a lease and a session's limit
CANARY_S = 0.8
SETTLE_LIMIT_S = 60.0


class Node(Tocsin):
    """One of several servers on a database that none of them looks after."""

    def __init__(
        self, home: Path, port: int, conninfo: str, *, host: str, prefix: tuple[str, ...], **settings: str
    ) -> None:  # fmt: skip
        super().__init__(
            home, port, host=host, TOCSIN_DATABASE_URL=conninfo, TOCSIN_HOST=host, **settings
        )
        self.prefix = prefix

    def stop_still(self) -> None:
        """SIGSTOP: it does nothing, and its connections stay as they are."""
        assert self.main is not None
        os.killpg(self.main.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self.main is not None
        os.killpg(self.main.pid, signal.SIGCONT)

    async def readiness(self) -> dict[str, Any]:
        """What it says of itself."""
        wire = Wire(self.port, host=self.host)
        try:
            found: dict[str, Any] = (await wire.ask("GET", "/health/ready", limit_s=15)).json()
        except LOST:
            return {}
        else:
            return found
        finally:
            wire.drop()


class Fleet(Wire):
    """A sender's way to whichever node answers."""

    def __init__(self, nodes: Sequence[Tocsin], token: str, rng: Random) -> None:
        super().__init__(0, token)
        self._wires = [Wire(node.port, token, host=node.host) for node in nodes]
        rng.shuffle(self._wires)

    @override
    async def ask(
        self, method: str, path: str, body: object = None, *, limit_s: float = PATIENCE_S
    ) -> Answer:
        try:
            answer = await self._wires[0].ask(method, path, body, limit_s=limit_s)
        except LOST:
            self._wires.append(self._wires.pop(0))
            raise
        if answer.status >= 500:
            self._wires.append(self._wires.pop(0))
        return answer


class Canaries:
    """Fires an alert of its own service each second, so that each must page by itself.

    Each of several integrations in turn: with more than 30 new groups a minute one is in a storm.
    """

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires
        self.accepted: dict[str, datetime] = {}
        self.during: dict[str, str] = {}
        self.blow = "nothing"

    async def run(self, stop: asyncio.Event) -> None:
        """Fire until told to stop; each is sent until its 2xx."""
        number = 0
        while not stop.is_set():
            number += 1
            service, blow = f"canary-{number}", self.blow
            await self._until_kept(self._wires[number % len(self._wires)], service)
            self.accepted[service] = datetime.now(UTC)
            self.during[service] = blow
            await asyncio.sleep(CANARY_S)

    async def _until_kept(self, wire: Wire, service: str) -> None:
        now = datetime.now(UTC)
        labels = {"alertname": "Canary", "service": service, "severity": "critical"}
        body = [
            {
                "labels": labels | {"instance": service},
                "annotations": {"post": service},
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(days=1)).isoformat(),
            }
        ]
        while True:
            try:
                answer = await wire.ask("POST", "/api/v2/alerts", body)
            except LOST:
                answer = None
            if answer is not None and answer.status == 200:
                return
            await asyncio.sleep(0.05)


class Blow(StrEnum):
    """What is done to one node."""

    KILL = "killed"
    PAUSE = "stopped"
    CUT = "cut off"


def dealt(rng: Random, count: int, *, can_cut: bool) -> list[Blow]:
    """Choose blows, each kind at least once where `count` allows."""
    kinds = [Blow.KILL, Blow.PAUSE, *([Blow.CUT] if can_cut else [])]
    found = [kinds[n % len(kinds)] for n in range(count)]
    rng.shuffle(found)
    return found


class Rounds:
    """Deals blows to one node at a time while the other goes on."""

    def __init__(self, nodes: Sequence[Node], net: Net | None, rng: Random) -> None:
        self._nodes = nodes
        self._net = net
        self._rng = rng
        self.noticed_s: list[float] = []  # until a node that is cut off says so
        self.back_s: dict[str, list[float]] = {}

    async def run(self, blows: Sequence[Blow], canaries: Canaries) -> None:
        """Deal all of them."""
        for blow in blows:
            await asyncio.sleep(self._rng.uniform(1.0, 2.5))
            number = self._rng.randrange(len(self._nodes))
            canaries.blow = blow
            await self._deal(blow, number)
            canaries.blow = "after"
            began = time.monotonic()
            await self._nodes[number].until_ready(30)
            self.back_s.setdefault(blow, []).append(time.monotonic() - began)

    async def _deal(self, blow: Blow, number: int) -> None:
        node = self._nodes[number]
        match blow:
            case Blow.KILL:
                node.kill_all()
                await asyncio.sleep(self._rng.uniform(0.5, 3.0))
                node.start()
            case Blow.PAUSE:
                node.stop_still()
                await asyncio.sleep(OUT_S)
                node.go_on()
            case Blow.CUT:
                assert self._net is not None
                self._net.cut(number)
                await self._until_noticed(node)
                await asyncio.sleep(max(0.0, OUT_S - self.noticed_s[-1]))
                self._net.mend(number)

    async def _until_noticed(self, node: Node) -> None:
        async def noticed() -> bool:
            return (await node.readiness()).get("database") == "unreachable"

        took_s = await until(noticed, limit_s=OUT_S, what="the node says that it is cut off")
        self.noticed_s.append(took_s)


async def under_way(for_s: float) -> None:
    """Let the load go on for a while: what is measured is what happens meanwhile."""
    await asyncio.sleep(for_s)


async def until_settled(conninfo: str) -> float:
    """Wait until nothing is left to do; return how long that took."""

    async def settled() -> bool:
        return await asyncio.to_thread(is_settled, conninfo)

    return await until(settled, limit_s=SETTLE_LIMIT_S, what="all work done")


def delays_s(conninfo: str, canaries: Canaries) -> dict[str, list[float]]:
    """Return from a canary's 2xx to the first message that was sent about it, by blow."""
    found: dict[str, list[float]] = {}
    with psycopg.connect(conninfo) as conn:
        rows = conn.execute(
            """
            SELECT a.labels ->> 'service', min(t.ended_at)
              FROM triage.alerts a
              JOIN command.incident_groups c ON c.group_id = a.group_id
              JOIN oncall.pages p ON p.incident_id = c.incident_id
              JOIN oncall.notifications n ON n.page_id = p.id
              JOIN oncall.attempts t ON t.notification_id = n.id AND t.outcome = 'sent'
             WHERE a.labels ->> 'alertname' = 'Canary'
             GROUP BY 1
            """
        ).fetchall()
    sent = dict(rows)
    for service, accepted_at in canaries.accepted.items():
        assert service in sent, f"nobody was told of {service}"
        delay_s = (sent[service] - accepted_at).total_seconds()
        found.setdefault(canaries.during[service], []).append(delay_s)
    return found


@contextmanager
def own_postgres(home: Path, address: str) -> Iterator[str]:
    """Run a PostgreSQL that listens on TCP for the networks of the test."""
    settings = {"listen_addresses": address, "synchronous_commit": "on"}
    try:
        postgres.ensure(home, settings=settings)
        hba = home / "postgres" / "pg_hba.conf"
        hba.write_text(hba.read_text() + f"\nhost all all {address}/24 trust\n")
        cluster = Cluster(home.resolve())
        admin = cluster.conninfo(user="postgres", database="postgres")
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute("SELECT pg_reload_conf()")
        yield make_conninfo(cluster.conninfo(), host=address)
    finally:
        postgres.stop(home)
