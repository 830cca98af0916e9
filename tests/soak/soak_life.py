"""Who lives with Tocsin for an hour: senders, people who answer, readers, and open screens."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
from kill_http import LOST, Answer, Wire
from msgspec import Struct
from psycopg import AsyncConnection
from soak_gauge import Slice
from soak_past import MARK
from soak_time import Warp

ALERTS_EACH = 10  # of one incident
REFRESHED_AT_ONCE = 5  # incidents in a request
LASTS = timedelta(minutes=5)  # as Prometheus promises of an alert that it repeats every minute
MINUTE = timedelta(minutes=1)
OVER_SINCE = timedelta(minutes=1)  # clocks that go fast differ by more than slow ones
PAUSE_S = 0.5  # of ours, between two rounds of questions
RETRY_S = 0.1
ARITHMETIC = 20_000

ORGANISATION = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: maya@acme.example}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: jonas}
spec: {displayName: Jonas Weber, contact: [{type: email, address: jonas@acme.example}]}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-01-05T09:00", every: week, people: [maya, jonas]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps:
    - {targets: [{schedule: primary}], timeout: 5m}
    - {targets: [{person: maya}, {person: jonas}], timeout: 1h}
  catchAll: [{person: jonas}]
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: default}
spec: {groupBy: [service], policy: default}
"""


class Fire(Struct, frozen=True):
    """What a sender knows of one incident: ALERTS_EACH alerts of one service."""

    service: str
    starts_at: datetime

    def alerts(self, ends_at: datetime) -> list[dict[str, Any]]:
        """Write them as Prometheus does."""
        return [
            {
                "labels": {
                    "alertname": "HighRequestLatency", "cluster": "eu-west-1", "job": "api",
                    "service": self.service, "instance": instance, "severity": "critical",
                },
                "annotations": {
                    "summary": f"p99 latency above 800 ms on {instance}",
                    "description": "The 99th percentile of request latency has been above its"
                    " threshold for ten minutes.",
                    "runbook_url": "https://runbooks.example.org/high-request-latency",
                },
                "startsAt": min(self.starts_at, ends_at).isoformat(),
                "endsAt": ends_at.isoformat(),
                "generatorURL": "http://prometheus.example.org/graph?g0.expr=latency",
            }
            for instance in self.instances
        ]  # fmt: skip

    @property
    def instances(self) -> list[str]:
        """The names of its alerts."""
        return [f"{self.service}-{n}" for n in range(ALERTS_EACH)]


class Sender:
    """A Prometheus: what fires is sent again every minute, and once more when it is over."""

    def __init__(self, name: str, wire: Wire, warp: Warp, mark: str = MARK) -> None:
        self.name = name
        self.mark = mark
        self._wire = wire
        self._warp = warp
        self.firing: deque[Fire] = deque()
        self.services: list[str] = []
        self.refused = 0
        self.requests = 0

    async def open(self) -> Fire:
        """Let something new fire."""
        fire = Fire(f"svc-{self.mark}-{self.name}-{len(self.services)}", self._warp.now())
        await self.post([fire])
        self.services.append(fire.service)
        self.firing.append(fire)
        return fire

    async def post(self, fires: Sequence[Fire], *, are_over: bool = False) -> None:
        """Send until it is taken."""
        now = self._warp.now()
        ends_at = now - OVER_SINCE if are_over else now + LASTS
        body = [alert for fire in fires for alert in fire.alerts(ends_at)]
        while True:
            with suppress(*LOST):
                answer = await self._wire.ask("POST", "/api/v2/alerts", body)
                self.requests += 1
                if answer.status == 200:
                    return
                assert answer.status in (429, 503), f"{answer.status} {answer.body.decode()}"
                self.refused += 1
            await asyncio.sleep(RETRY_S)

    async def end(self, count: int) -> None:
        """Say of the oldest that they are over."""
        for _ in range(count):
            await self.post([self.firing.popleft()], are_over=True)

    async def minute(self, *, new: int, most: int) -> None:
        """Live one minute: open, send all again, end what is too many, evenly spread."""
        begins_at = self._warp.now()
        known = list(self.firing)
        parts = [
            known[n : n + REFRESHED_AT_ONCE] for n in range(0, len(known), REFRESHED_AT_ONCE)
        ]
        acts: list[Callable[[], Awaitable[object]]] = [self.open] * new
        acts += [lambda part=part: self.post(part) for part in parts]  # type: ignore[misc]
        acts += [lambda: self.end(1)] * max(0, len(known) + new - most)
        for turn, act in enumerate(acts):
            await until_told(self._warp, begins_at + MINUTE * turn / (len(acts) + 1))
            await act()
        await until_told(self._warp, begins_at + MINUTE)

    async def live(self, until: datetime, *, new: int, most: int) -> None:
        """Live minute after minute."""
        while self._warp.now() < until:
            await self.minute(new=new, most=most)


class Responder:
    """Somebody who takes most pages, and now and then writes a note."""

    def __init__(self, wire: Wire, warp: Warp) -> None:
        self._wire = wire
        self._warp = warp
        self.taken = self.noted = 0

    async def look(self) -> int:
        """Answer what calls just now; return how many there were."""
        answer = await self._wire.ask("GET", "/api/v1/incidents?limit=100")
        found = answer.json()["items"] if answer.status == 200 else []
        calling = [one for one in found if one["calling"] == "calling"]
        for one in calling:
            path = f"/api/v1/incidents/{one['id']}"
            if one["number"] % 5 and await self._did(f"{path}/acknowledge"):
                self.taken += 1
            if not one["number"] % 7:
                text = {"text": f"Rolled back the release of {one['title']}."}
                self.noted += await self._did(f"{path}/notes", text)
        return len(calling)

    async def _did(self, path: str, body: object = None) -> bool:
        answer = await self._wire.ask("POST", path, body)
        # meanwhile it may be over
        assert answer.status in (200, 201, 404, 409, 422, 503), answer.body.decode()
        return answer.status in (200, 201)

    async def live(self, until: datetime) -> None:
        """Look every minute."""
        while self._warp.now() < until:
            next_at = self._warp.now() + MINUTE
            with suppress(*LOST):
                await self.look()
            await until_told(self._warp, next_at)


class Reader:
    """Asks the same questions round after round, and notes how long the answers took."""

    def __init__(self, wire: Wire, conninfo: str, probe: Sender) -> None:
        self._wire = wire
        self._conninfo = conninfo
        self._probe = probe
        self.slice = Slice()

    async def live(self, stop: asyncio.Event) -> None:
        """Ask until told to stop."""
        fire = await self._probe.open()
        async with await AsyncConnection.connect(self._conninfo, autocommit=True) as conn:
            while not stop.is_set():
                self._compute()
                await self._ask_database(conn)
                await self._timed("accept", lambda: self._probe.post([fire]))
                await self.ask()
                await asyncio.sleep(PAUSE_S)

    async def ask(self) -> None:
        """Ask each question once."""
        for kind, path in self._questions().items():
            with suppress(*LOST):
                await self._timed(kind, lambda path=path: self._get(path))  # type: ignore[misc]

    def _questions(self) -> dict[str, str]:
        return {
            "health": "/health/live",
            "list_incidents": "/api/v1/incidents?limit=50",
            "list_alerts": "/api/v1/alerts?limit=50",
            "list_all_alerts": "/api/v1/alerts?state=all&limit=50",
            "incident": "/api/v1/incidents/INC-1",
            "timeline": "/api/v1/incidents/INC-1/timeline",
            "search": f"/api/v1/search?q=svc-{MARK}-s1-1",
            "screen_now": "/",
            "screen_incidents": "/incidents",
        }

    async def _get(self, path: str) -> Answer:
        answer = await self._wire.ask("GET", path)
        if answer.status == 503:
            self.slice.refused += 1
        else:
            assert answer.status == 200, f"{path}: {answer.status} {answer.body.decode()[:500]}"
        return answer

    async def _timed(self, kind: str, act: Callable[[], Awaitable[object]]) -> None:
        began_s = time.perf_counter()
        await act()
        self.slice.note(kind, time.perf_counter() - began_s)

    async def _ask_database(self, conn: AsyncConnection[Any]) -> None:
        await self._timed("round_trip", lambda: conn.execute("SELECT 1"))
        cursor = await conn.execute(
            "SELECT extract(epoch FROM clock_timestamp() - min(received_at)) FROM signals.inbox"
        )
        row = await cursor.fetchone()
        self.slice.lag_s.append(float(row[0]) if row and row[0] else 0.0)

    def _compute(self) -> None:
        began_s = time.perf_counter()
        sum(range(ARITHMETIC))
        self.slice.note("arithmetic", time.perf_counter() - began_s)


class Screens:
    """Open screens: each follows what moves, and comes back when its stream ends."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires
        self.messages = 0

    async def live(self, stop: asyncio.Event) -> None:
        """Follow until told to stop."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._follow(wire)) for wire in self._wires]
            await stop.wait()
            for task in tasks:
                task.cancel()

    async def _follow(self, wire: Wire) -> None:
        try:
            while True:
                with suppress(*LOST):
                    reader = await wire.follow("/live")
                    while line := await reader.readline():
                        self.messages += line.startswith(b"event:")
                await asyncio.sleep(RETRY_S)
        finally:
            wire.drop()


async def until_told(warp: Warp, at: datetime) -> None:
    """Wait until Tocsin's clock says `at`."""
    while (left := at - warp.now()) > timedelta(0):
        await asyncio.sleep(max(0.001, warp.real_s(left)))


async def hold_snapshot(conninfo: str, warp: Warp, until: datetime) -> None:
    """Read as a backup does, in one snapshot from now until then."""
    async with await AsyncConnection.connect(
        conninfo, application_name="tocsin backup"
    ) as conn:
        await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await conn.execute("SET idle_in_transaction_session_timeout = 0")
        await conn.execute("SELECT count(*) FROM signals.receipts")
        await until_told(warp, until)


def named(names: object) -> str:
    """Write figures down as a property of the report."""
    return msgspec.json.encode(names).decode()
