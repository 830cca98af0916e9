"""Messages that can be changed say how their page stands, whatever happens meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from fakes.world import World, running
from tocsin.kernel.actor import SYSTEM
from tocsin.oncall import actions
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import (
    Outcome,
    Outgoing,
    PermanentFailure,
    Revised,
    Sent,
    TransientFailure,
)

pytestmark = [pytest.mark.db]
PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: matrix, address: "@maya:example.org"}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{person: maya}], timeout: 5m}]}
"""


class Room:
    """A channel that remembers what its messages say; `meanwhile` happens once while it works."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.says: list[str] = []
        self.open: list[bool] = []
        self.outcomes: list[Outcome] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def send(self, message: Outgoing) -> Outcome:
        await self._happen()
        self.sent.append(message)
        return Sent(f"!room/$e{len(self.sent)}")

    async def update(self, message: Revised) -> Outcome:
        await self._happen()
        outcome = self.outcomes.pop(0) if self.outcomes else Sent(message.provider_id)
        if isinstance(outcome, Sent):
            self.says.append(message.standing)
            self.open.append(message.is_open)
        return outcome

    async def _happen(self) -> None:
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            await happening()


async def acknowledge(world: World) -> None:
    ((page_id,),) = await world.rows("SELECT id FROM oncall.pages")
    await world.app.units.run(
        SYSTEM, lambda unit: actions.acknowledge(unit, page_id, channel="test")
    )


async def resolve(world: World) -> None:
    ((incident_id,),) = await world.rows("SELECT incident_id FROM oncall.pages")
    await world.app.units.run(SYSTEM, lambda unit: actions.resolve_pages(unit, incident_id))


async def page(world: World) -> None:
    await world.apply(PEOPLE)
    ends_at = world.clock.now() + timedelta(hours=9)
    await world.signal({"alertname": "CheckoutSlow"}, ends_at=ends_at)


async def test_a_change_while_messages_are_changed_is_told_as_well(dsn: str) -> None:
    async with running(dsn) as world:
        room = Room()
        world.channels[MethodKind.MATRIX] = room
        await page(world)
        assert room.says == []
        await acknowledge(world)
        room.meanwhile = lambda: resolve(world)
        await world.settle()
        assert room.says[0].startswith("Acknowledged")
        assert room.says[-1].startswith("Over")
        assert room.open == [False] * len(room.says)


async def test_a_message_that_left_while_somebody_answered_says_so(dsn: str) -> None:
    async with running(dsn) as world:
        room = Room()
        world.channels[MethodKind.MATRIX] = room
        room.meanwhile = lambda: acknowledge(world)
        await page(world)
        assert len(room.sent) == 1
        assert room.says[-1].startswith("Acknowledged by somebody")


async def test_a_busy_provider_is_asked_again_and_one_that_refuses_is_not(dsn: str) -> None:
    async with running(dsn) as world:
        room = Room()
        world.channels[MethodKind.MATRIX] = room
        await page(world)
        room.outcomes = [TransientFailure("busy", 20.0)]
        await acknowledge(world)
        await world.settle()
        assert room.says == []
        await world.forward(seconds=21)
        assert len(room.says) == 1
        room.outcomes = [PermanentFailure("the message is gone")]
        await resolve(world)
        await world.forward(minutes=10)
        assert len(room.says) == 1
        assert await world.rows("SELECT 1 FROM kernel.jobs WHERE kind LIKE '%update%'") == []


async def test_a_page_that_calls_again_offers_its_buttons_again(dsn: str) -> None:
    async with running(dsn) as world:
        room = Room()
        world.channels[MethodKind.MATRIX] = room
        await page(world)
        await acknowledge(world)
        await world.forward(minutes=31)
        assert room.says[-1] == "Nobody has acknowledged yet."
        assert room.open[-1]


async def test_where_others_read_along_no_link_acts_for_anybody(dsn: str) -> None:
    async with running(dsn) as world:
        room = Room()
        world.channels[MethodKind.MATRIX] = room
        await page(world)
        (message,) = room.sent
        assert message.ack_link == ""
        assert "/a/" not in message.text
        assert "Acknowledge: write !ack" in message.text
