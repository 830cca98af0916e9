"""The whole application with a clock that tests move and channels that remember."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import yaml
from litestar import Litestar
from msgspec import convert

from tocsin.app.wiring import Application
from tocsin.governance import actions as governance
from tocsin.integrations.inbox.send import Inbox
from tocsin.kernel import job_queue, sealer
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.clock import FakeClock
from tocsin.kernel.resources import Applied, Document
from tocsin.kernel.settings import Settings
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel, Outcome, Outgoing, Sent
from tocsin.signals import actions as intake
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.triage import actions as triage
from tocsin.web.inbound import Inbound
from tocsin.web.inbound_body import App
from tocsin.web.site import build_site

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)

ACME = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: maya@example.org}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: jonas}
spec:
  displayName: Jonas Weber
  contact:
    - {type: email, address: jonas@example.org}
    - {type: webhook, url: "https://hooks.example.org/jonas"}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: boss}
spec: {displayName: Bea Boss, contact: [{type: email, address: boss@example.org}]}
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
    - {targets: [{person: jonas}], timeout: 10m}
  repeat: 1
  catchAll: [{person: boss}]
  ackTimeout: 30m
"""


class Mailbox:
    """A channel that keeps what it is given; `judge` decides what comes of it."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.sent: list[tuple[datetime, Outgoing]] = []
        self.judge: Callable[[Outgoing], Outcome] = lambda message: Sent(message.key)

    async def send(self, message: Outgoing) -> Outcome:
        """Remember the attempt, and answer as `judge` says."""
        self.sent.append((self._clock.now(), message))
        return self.judge(message)

    def to(self, address: str) -> list[datetime]:
        """Return when something was sent to `address`."""
        return [at for at, message in self.sent if message.to == address]


class World:
    """One application, its clock and its mail."""

    def __init__(self, app: Application, clock: FakeClock, mail: Mailbox) -> None:
        self.app = app
        self.clock = clock
        self.mail = mail
        self.channels: dict[MethodKind, Channel] = {}  # the application's own: exchange one
        self.token = ""
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app.site), base_url="http://tocsin.test"
        )

    @property
    def bearer(self) -> dict[str, str]:
        """The header that an admin's token makes."""
        return {"authorization": f"Bearer {self.token}"}

    async def make_token(self, name: str, role: Role, rate: int | None = None) -> str:
        """Create a token."""
        return await self.app.units.run(
            SYSTEM, lambda unit: governance.create_token(unit, name, role, rate)
        )

    async def apply(self, text: str) -> Applied:
        """Apply YAML and take the new configuration over."""
        documents = [convert(one, Document) for one in yaml.safe_load_all(text) if one]
        applied = await self.app.units.run(
            SYSTEM, lambda unit: self.app.store.apply(unit, documents)
        )
        async with self.app.db.connection() as conn:
            await self.app.store.refresh(conn)
        return applied

    async def signal(
        self, labels: Mapping[str, str], *, ends_at: datetime | None = None, **annotations: str
    ) -> httpx.Response:
        """Post one alert as Prometheus does, and let it be worked on."""
        alert: dict[str, Any] = {"labels": dict(labels), "annotations": annotations}
        alert["startsAt"] = self.clock.now().isoformat()
        if ends_at is not None:
            alert["endsAt"] = ends_at.isoformat()
            alert["startsAt"] = min(self.clock.now(), ends_at).isoformat()
        return await self.post([alert])

    async def post(self, alerts: Sequence[Mapping[str, Any]]) -> httpx.Response:
        """Post alerts and let them be worked on."""
        answer = await self.http.post("/api/v2/alerts", json=alerts, headers=self.bearer)
        await self.settle()
        return answer

    async def settle(self) -> None:
        """Do all that is due now: sort, expire, timers, deliveries, sealing."""
        while True:
            done = await self._look_for_pings()
            done += await self.app.sorter.sort_batch()
            done += await self.app.units.run(SYSTEM, triage.expire_due)
            done += await self.app.worker.drain()
            if not done:
                break
        now = self.clock.now()
        await intake.flush_tally(self.app.db, self.app.intake.tally, now=now)
        async with self.app.db.connection() as conn:
            while await sealer.seal(conn):
                pass

    async def _look_for_pings(self) -> int:
        if not self.app.store.current.part(Heartbeats).by_id:
            return 0
        await self.app.pings.listen()
        return await self.app.pings.watch()

    async def _has_listened(self) -> None:
        """Let nobody have been deaf on the way here: only the clock was moved."""
        if self.app.store.current.part(Heartbeats).by_id:
            async with self.app.db.connection() as conn:
                await conn.execute(
                    "UPDATE signals.listening SET heard_at = %(now)s", {"now": self.clock.now()}
                )

    async def forward(self, **amount: float) -> None:
        """Move the clock, stopping wherever something is due on the way."""
        end = self.clock.now() + timedelta(**amount)
        while True:
            await self.settle()
            async with self.app.db.connection() as conn:
                next_due = await job_queue.next_due(conn)
                cursor = await conn.execute(
                    """
                    SELECT least((SELECT min(ends_at) FROM triage.alerts
                                   WHERE state = 'firing'),
                                 (SELECT min(due_at) FROM signals.heartbeats))
                    """
                )
                ends_at = (await cursor.fetchone() or (None,))[0]
            stops = [at for at in (*next_due, ends_at) if at is not None and at <= end]
            if not stops or min(stops) <= self.clock.now():
                break
            self.clock.forward(seconds=(min(stops) - self.clock.now()).total_seconds())
            await self._has_listened()
        self.clock.forward(seconds=(end - self.clock.now()).total_seconds())
        await self._has_listened()
        await self.settle()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT."""
        async with self.app.db.connection() as conn:
            cursor = await conn.execute(query)  # type: ignore[call-overload]
            return list(await cursor.fetchall())

    async def story(self) -> list[str]:
        """Return the kinds of all sealed events, in order."""
        return [row[0] for row in await self.rows("SELECT kind FROM kernel.log ORDER BY seq")]


# To put the routes together takes longer than most tests; all they know of a world is its services.
_idle: list[Litestar] = []


@asynccontextmanager
async def running(
    dsn: str, *, at: datetime = NOON, actor: Actor | None = None, **settings: Any
) -> AsyncIterator[World]:
    """Assemble an application on `dsn` with intake running and nothing else by itself."""
    clock = FakeClock(at)
    mail = Mailbox(clock)
    channels: dict[MethodKind, Channel] = dict.fromkeys(MethodKind, mail)
    channels[MethodKind.INBOX] = Inbox()
    app = Application(Settings(**settings), dsn, clock=clock, channels=channels, actor=actor)
    routes = _idle.pop() if _idle else build_site(app.services)
    routes.state["services"] = app.services
    app.site = Inbound(app.services, cast("App", routes))
    await app.open()
    world = World(app, clock, mail)
    world.channels = channels
    intake = asyncio.ensure_future(app.intake.run())
    pings = asyncio.ensure_future(app.pings.run())
    try:
        world.token = await world.make_token("test", Role.ADMIN)
        yield world
    finally:
        intake.cancel()
        pings.cancel()
        await asyncio.gather(intake, pings, return_exceptions=True)
        await world.http.aclose()
        await app.close()
        _idle.append(routes)
