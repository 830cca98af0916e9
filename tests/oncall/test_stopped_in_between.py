"""A process that is stopped after a provider took a message, and before that is written down."""

import asyncio

import pytest

from fakes.patience import until_waiting
from fakes.world import World
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Outcome, Outgoing, Sent

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
OUTCOMES = "SELECT outcome FROM oncall.attempts"
LOCKED = "SELECT 1 FROM oncall.pages FOR UPDATE"


class Slow:
    """A provider that takes a message, and says so when it is told to."""

    def __init__(self) -> None:
        self.has_taken = asyncio.Event()
        self.says_so = asyncio.Event()
        self.count = 0

    async def send(self, message: Outgoing) -> Outcome:
        self.count += 1
        self.has_taken.set()
        await self.says_so.wait()
        return Sent(message.key)


async def _fired(world: World) -> Slow:
    provider = Slow()
    world.channels[MethodKind.EMAIL] = provider
    alert = {"labels": FIRE, "startsAt": world.clock.now().isoformat()}
    await world.http.post("/api/v2/alerts", json=[alert], headers=world.bearer)
    await world.app.sorter.sort_batch()
    return provider


@pytest.mark.db
async def test_what_a_provider_took_is_written_down_and_not_sent_again(world: World) -> None:
    provider = await _fired(world)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(world.app.worker.run())
        await provider.has_taken.wait()
        async with world.app.db.connection() as conn, conn.transaction():
            await conn.execute(LOCKED)  # somebody looks at the page just now
            provider.says_so.set()
            await until_waiting(world.app.db)
            running.cancel()
            await asyncio.sleep(0)
    assert await world.rows(OUTCOMES) == [("sent",)]
    await world.app.worker.drain()
    assert provider.count == 1


@pytest.mark.db
async def test_what_a_provider_has_not_answered_is_sent_again_at_once(world: World) -> None:
    provider = await _fired(world)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(world.app.worker.run())
        await provider.has_taken.wait()
        running.cancel()
    provider.says_so.set()
    await world.app.worker.drain()
    assert await world.rows(OUTCOMES + " ORDER BY number") == [(None,), ("sent",)]
    assert provider.count == 2
