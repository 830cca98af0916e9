"""Many hands at once on the same incidents: nobody waits in a circle, and nothing is torn."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from fakes.world import ACME, World, running
from tocsin.command import actions as command
from tocsin.command import reads as incidents
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Conflict, NotFound
from tocsin.kernel.ids import GroupId, IncidentId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.web.api.notify import NewPage, page_somebody

pytestmark = [pytest.mark.db, pytest.mark.journey]

BEA = Actor(kind="token", id=UUID(int=7), name="bea", role=Role.MANAGER)
SERVICES = range(6)
BATCHES = 15
ROUNDS = 20
ROUTES = """
apiVersion: tocsin/v1
kind: Route
metadata: {name: everything}
spec: {order: 1, groupBy: [service], groupInterval: 1s, repeatInterval: 1m}
"""
TORN = """
    SELECT 'a page for what is over', p.id::text
      FROM oncall.pages p JOIN command.incidents i ON i.id = p.incident_id
     WHERE p.state <> 'resolved' AND i.resolved_at IS NOT NULL
    UNION ALL
    SELECT 'a list tells another state', p.id::text
      FROM oncall.pages p JOIN command.incident_pages c ON c.page_id = p.id
     WHERE c.state <> CASE WHEN p.state IN ('triggered', 'escalating') THEN 'calling'
                           ELSE p.state END
    UNION ALL
    SELECT 'a group is shown to others than its incident', g.id::text
      FROM triage.groups g
      JOIN command.incident_groups c ON c.group_id = g.id
      JOIN command.incidents i ON i.id = c.incident_id
     WHERE (g.visible_to, g.incident_id) IS DISTINCT FROM (i.visible_to, i.id)
    UNION ALL
    SELECT 'a group has lost count', g.id::text
      FROM triage.groups g JOIN command.incident_groups c ON c.group_id = g.id
     WHERE (g.firing_count, g.alert_count) <> (c.firing_count, c.alert_count)
    UNION ALL
    SELECT 'given up: ' || reaction, error FROM kernel.parked
    UNION ALL
    SELECT 'unsortable', error FROM signals.unsortable
"""
Verb = Callable[[Unit, IncidentId, IncidentId], Awaitable[Any]]


async def _split(unit: Unit, one: IncidentId, _: IncidentId) -> None:
    found: list[GroupId] = (await incidents.groups_of(unit, [one])).get(one, [])
    await command.split(unit, one, found[:1], "One part of it")


async def _request(unit: Unit, one: IncidentId, _: IncidentId) -> None:
    incident = await incidents.incident(unit, str(one))
    await page_somebody(unit, incident, NewPage(person="boss"))


VERBS: dict[str, Verb] = {
    "merge": command.merge,
    "split": _split,
    "acknowledge": lambda unit, one, _: oncall.acknowledge_incident(unit, one, channel="api"),
    "escalate": lambda unit, one, _: oncall.escalate(unit, one),
    "request": _request,
    "resolve": lambda unit, one, _: command.resolve(unit, one),
    "reopen": lambda unit, one, _: command.reopen(unit, one),
    "restrict": lambda unit, one, _: command.restrict(unit, one, [], [Role.MANAGER]),
    "unrestrict": lambda unit, one, _: command.unrestrict(unit, one),
}


class Hands:
    """Senders whose alerts come and go, and people who each know one verb."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = Random(7)

    async def send(self) -> None:
        """Let alerts of the same services come and go, in batches that overlap."""
        for _ in range(BATCHES):
            chosen = self._rng.sample(SERVICES, 4)
            body = [self._alert(service, self._rng.randrange(3)) for service in chosen]
            answer = await self._world.http.post(
                "/api/v2/alerts", json=body, headers=self._world.bearer
            )
            assert answer.status_code == 200
            await self._world.app.sorter.sort_batch()
            await self._world.app.worker.drain()
            self._world.clock.forward(seconds=7)

    async def say(self, verb: Verb) -> None:
        """Do one thing to one incident after the other."""
        for _ in range(ROUNDS):
            found = await self._world.rows(
                "SELECT id FROM command.incidents WHERE merged_into IS NULL"
                " ORDER BY number DESC LIMIT 12"
            )
            if found:
                one, other = self._rng.choice(found)[0], self._rng.choice(found)[0]
                with suppress(Conflict, NotFound):  # somebody was faster
                    await self._world.app.units.run(
                        BEA, lambda unit, a=one, b=other: verb(unit, a, b)
                    )

    async def work(self) -> None:
        """Live until everybody has had enough."""
        await self.send()
        async with asyncio.TaskGroup() as group:
            for verb in VERBS.values():
                group.create_task(self.say(verb))
            for _ in range(2):
                group.create_task(self.send())

    def _alert(self, service: int, number: int) -> dict[str, Any]:
        now = self._world.clock.now()
        is_over = self._rng.random() < 0.4
        ends_at = now if is_over else now + timedelta(days=1)
        labels = {"alertname": f"A{number}", "service": f"s{service}", "severity": "critical"}
        return {
            "labels": labels, "startsAt": (now - timedelta(seconds=1)).isoformat(),
            "endsAt": ends_at.isoformat(),
        }  # fmt: skip


async def test_many_hands_meet_no_deadlock_and_tear_nothing(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await world.apply(ROUTES)
        await Hands(world).work()
        torn = await world.rows(TORN)
        assert world.app.worker.failures == 0
    assert torn == []
    with psycopg.connect(dsn) as conn:  # the pool is closed, so that all has been counted
        row = conn.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row == (0,)
