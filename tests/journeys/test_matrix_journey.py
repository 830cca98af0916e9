"""A page arrives at a real Matrix homeserver, and is answered there, with no inbound address at all."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from hearing import hearing, until
from matrix_peer import NEEDS_SYNAPSE, Client, Synapse, synapse_at

from fakes.world import World, running
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import MethodKind

pytestmark = [
    pytest.mark.peer, pytest.mark.journey, pytest.mark.db, pytest.mark.slow, NEEDS_SYNAPSE,
]  # fmt: skip

PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {{name: maya}}
spec: {{displayName: Maya Okafor, contact: [{{type: matrix, address: "@maya:tocsin.test"}}]}}
---
apiVersion: tocsin/v1
kind: Person
metadata: {{name: jonas}}
spec: {{displayName: Jonas Weber, contact: [{{type: matrix, address: "{ops}"}}]}}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {{name: default}}
spec:
  steps:
    - {{targets: [{{person: maya}}], timeout: 5m}}
    - {{targets: [{{person: jonas}}], timeout: 5m}}
"""


@pytest.fixture(scope="module")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    with synapse_at(tmp_path_factory.mktemp("synapse")) as found:
        yield found


class Scene:
    """A Tocsin that talks to the homeserver, Maya, who is linked, and Eve, who is not."""

    def __init__(
        self, world: World, tocsin: Client, maya: Client, eve: Client, ops: str
    ) -> None:
        self.world, self.tocsin, self.maya, self.eve, self.ops = world, tocsin, maya, eve, ops

    async def page(self, name: str = "CheckoutSlow") -> Any:
        ends_at = self.world.clock.now() + timedelta(hours=9)
        labels = {"alertname": name, "severity": "critical"}
        await self.world.signal(labels, ends_at=ends_at)
        (page,) = await self.pages()
        return page

    async def pages(self) -> list[tuple[Any, ...]]:
        return await self.world.rows("SELECT id, state, acknowledged_by FROM oncall.pages")

    async def see(self, room: str, look: Callable[[list[str]], bool], who: Client) -> list[str]:
        """Wait until what Tocsin wrote in a room is as it should be."""
        found: list[str] = []

        async def is_there() -> bool:
            found[:] = who.bodies(room, by=self.tocsin.user_id)
            return bool(found) and look(found)

        await until(is_there, "what Tocsin writes")
        return found


@asynccontextmanager
async def scene(dsn: str, synapse: Synapse, suffix: str) -> AsyncIterator[Scene]:
    tocsin, maya, eve = (
        synapse.register(f"{name}{suffix}") for name in ("tocsin", "maya", "eve")
    )
    ops = eve.make_room(tocsin.user_id, maya.user_id)
    async with running(
        dsn, matrix_url=synapse.url, matrix_token=tocsin.token, allow_networks=("127.0.0.0/8",)
    ) as world:
        world.channels[MethodKind.MATRIX] = world.app.chats.channels[MethodKind.MATRIX]
        people = PEOPLE.format(ops=ops).replace("@maya:tocsin.test", maya.user_id)
        await world.apply(people)
        async with hearing(world):
            maya.join(ops)
            await until(lambda: is_in(eve, ops, tocsin), "Tocsin in the room")
            found = Scene(world, tocsin, maya, eve, ops)
            await _verify(found)
            yield found


async def is_in(eve: Client, room: str, somebody: Client) -> bool:
    return somebody.user_id in eve.members(room)


async def _verify(scene: Scene) -> None:
    """Prove Maya's address as she would: by the code that arrives in her room."""
    world = scene.world
    person = world.app.store.current.part(Directory).person_named("maya")
    actor = Actor(
        kind="person",
        id=person.id,
        name="Maya",
        role=Role.VIEWER,
        person_id=PersonId(person.id),
    )
    await world.app.services.send_code(actor, 0)
    (room,) = scene.maya.invitations()
    scene.maya.join(room)
    (said,) = scene.maya.bodies(room, by=scene.tocsin.user_id)
    code = re.search(r"\d{3} \d{3}", said)
    assert code is not None
    await world.app.services.enter_code(actor, 0, code[0])


async def test_a_page_arrives_and_ack_by_the_linked_user_acknowledges(
    dsn: str, synapse: Synapse
) -> None:
    async with scene(dsn, synapse, "1") as found:
        await found.page()
        room = next(
            one for one in found.maya.ask("GET", "/joined_rooms")["joined_rooms"]
            if one != found.ops
        )  # fmt: skip
        bodies = found.maya.bodies(room, by=found.tocsin.user_id)
        assert "[INC-1] CheckoutSlow" in bodies[-1]
        assert "/a/" not in bodies[-1]
        page_event = found.maya.messages(room)[-1]["event_id"]
        found.maya.say(room, "!ack", thread=page_event)
        await found.see(room, lambda all_: "INC-1 acknowledged" in all_[-1], found.maya)
        ((_, state, by),) = await found.pages()
        person = found.world.app.store.current.part(Directory).person_named("maya")
        assert (state, by) == ("acknowledged", person.id)
        await found.world.settle()
        edited = next(
            one["content"]["m.new_content"]["body"] for one in found.maya.messages(room)
            if "m.new_content" in one["content"]
        )  # fmt: skip
        assert "Acknowledged by Maya Okafor" in edited
        said = await found.world.rows(
            "SELECT line FROM kernel.log WHERE kind = 'oncall.page_acknowledged'"
        )
        assert "Matrix" in str(said)
        # bare words do in a room alone with Tocsin
        found.maya.say(room, "ack")
        await found.see(room, lambda all_: "yours already" in all_[-1], found.maya)


async def test_who_is_not_linked_is_refused_in_words_and_changes_nothing(
    dsn: str, synapse: Synapse
) -> None:
    async with scene(dsn, synapse, "2") as found:
        await found.page()
        found.eve.say(found.ops, "good morning")
        found.eve.say(found.ops, "!ack INC-1")
        said = await found.see(found.ops, bool, found.eve)
        assert len(said) == 1
        assert "I do not know whose Matrix account this is" in said[0]
        ((_, state, _),) = await found.pages()
        assert state == "triggered"


async def test_escalate_and_snooze_by_chat_and_one_thread_an_incident(
    dsn: str, synapse: Synapse
) -> None:
    async with scene(dsn, synapse, "3") as found:
        await found.page()
        found.maya.say(found.ops, "!escalate")
        await found.see(
            found.ops, lambda all_: any("may not" in one for one in all_), found.maya
        )
        await found.world.forward(minutes=6)  # the second step calls into the shared room
        (first,) = (
            one for one in found.eve.messages(found.ops) if "[INC-1]" in one["content"]["body"]
        )
        assert "m.relates_to" not in first["content"]
        found.maya.say(found.ops, "!snooze 1h", thread=first["event_id"])
        await found.see(
            found.ops, lambda all_: any("snoozed until" in one for one in all_), found.maya
        )
        ((_, state, _),) = await found.pages()
        assert state == "snoozed"
        await found.world.forward(minutes=70)
        paged = [one for one in found.eve.messages(found.ops)
                 if "[INC-1]" in one["content"]["body"] and "m.new_content" not in one["content"]]  # fmt: skip
        assert len(paged) > 1
        assert paged[1]["content"]["m.relates_to"]["event_id"] == first["event_id"]


async def test_it_does_not_hear_what_was_written_before_and_hears_nothing_twice(
    dsn: str, synapse: Synapse
) -> None:
    async with scene(dsn, synapse, "4") as found:
        await found.page()
        found.eve.say(found.ops, "!ack")
        await found.see(found.ops, bool, found.eve)
        position = await found.world.rows("SELECT position FROM oncall.listeners")
        assert position != [("",)]
        health = await found.world.http.get("/health/ready")
        assert "matrix" not in health.text
        (listening,) = found.world.app.listening
        other = type(listening)(found.world.app.units, listening._listener, listening._replies)
        assert await other.round() == 5.0  # it is taken: somebody listens
