"""Who says it decides what is done: as that person, once, in time, and in words."""

from datetime import timedelta
from typing import Any

import pytest

from fakes.world import ACME, World, running
from tocsin.app.chats import actor_of
from tocsin.governance import actions as governance
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.core.config import Directory
from tocsin.oncall.jobs import Listening, Replies
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Deaf, Ear, Said

pytestmark = [pytest.mark.db]


def said(text: str, sender: str = "@maya:example.org", **more: Any) -> Said:
    """Write something in a room alone with Tocsin."""
    said.count += 1  # type: ignore[attr-defined]
    fields = {"kind": MethodKind.MATRIX, "id": f"m{said.count}", "is_direct": True} | more  # type: ignore[attr-defined]
    return Said(sender=sender, text=text, **fields)


said.count = 0  # type: ignore[attr-defined]


def person(world: World, name: str) -> PersonId:
    return world.app.store.current.part(Directory).person_named(name).id


def replies(world: World) -> Replies:
    """Hear people whose account is called as they are."""

    async def who(unit: Unit, kind: MethodKind, address: str) -> PersonId | None:
        found = unit.config(Directory).find_person(address[1:].partition(":")[0])
        return found.id if found else None

    return Replies(world.app.units, who, actor_of)


async def page(world: World, name: str = "CheckoutSlow") -> None:
    ends_at = world.clock.now() + timedelta(hours=9)
    await world.signal({"alertname": name}, ends_at=ends_at)


async def states(world: World) -> list[str]:
    return [row[0] for row in await world.rows("SELECT state FROM oncall.pages ORDER BY id")]


async def test_who_was_called_may_answer_and_a_co_responder_hears_who_was_first(
    dsn: str,
) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await page(world)  # Jonas is on call
        heard, jonas = replies(world), "@jonas:example.org"
        assert "INC-1 acknowledged" in await heard.answer("matrix", said("ack", jonas))
        maya = person(world, "maya")
        await world.app.units.run(SYSTEM, lambda u: governance.invite(u, maya, Role.RESPONDER))
        again = await heard.answer("matrix", said("ack INC-1"))
        assert "acknowledged by Jonas Weber already; you are noted" in again
        assert "yours already" in await heard.answer("matrix", said("ack", jonas))
        assert await states(world) == ["acknowledged"]


async def test_who_was_not_called_and_may_not_is_refused(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await page(world)
        heard = replies(world)
        assert "may not" in await heard.answer("matrix", said("ack INC-1", "@boss:example.org"))
        assert "No page waits" in await heard.answer("matrix", said("ack", "@boss:example.org"))
        await world.app.units.run(
            SYSTEM, lambda unit: governance.invite(unit, person(world, "boss"), Role.RESPONDER)
        )
        words = await heard.answer("matrix", said("escalate INC-1", "@boss:example.org"))
        assert "INC-1 escalated" in words


async def test_a_restricted_incident_is_not_even_confirmed_to_who_may_not_see_it(
    dsn: str,
) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await page(world)
        ((incident,),) = await world.rows("SELECT incident_id FROM oncall.pages")
        only = (f"person:{person(world, 'jonas')}",)
        await world.app.units.run(SYSTEM, lambda unit: actions.restrict(unit, [incident], only))
        heard = replies(world)
        words = await heard.answer("matrix", said("ack INC-1", "@boss:example.org"))
        nothing = await heard.answer("matrix", said("ack INC-77", "@boss:example.org"))
        assert words.replace("1", "77") == nothing


async def test_where_several_wait_it_asks_which_and_all_takes_all(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await page(world)
        await page(world, "Disk")
        on_call = (await world.rows("SELECT DISTINCT person_id FROM oncall.notifications"))[0][
            0
        ]
        name = "maya" if on_call == person(world, "maya") else "jonas"
        sender = f"@{name}:example.org"
        heard = replies(world)
        words = await heard.answer("matrix", said("ack", sender))
        assert "Which one?" in words
        assert "INC-1" in words
        assert "INC-2" in words
        assert await states(world) == ["triggered", "triggered"]
        words = await heard.answer("matrix", said("ack all", sender))
        assert words.count("acknowledged") == 2
        assert await states(world) == ["acknowledged", "acknowledged"]


async def test_the_same_message_is_done_once_and_an_old_one_not_at_all(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await page(world)
        heard = replies(world)
        sender = "@jonas:example.org"
        late = said("ack INC-1", sender, at=world.clock.now() - timedelta(minutes=16))
        assert "16 minutes late" in await heard.answer("matrix", late)
        once = said("snooze INC-1 1h", sender, id="the same")
        await world.app.units.run(
            SYSTEM, lambda unit: governance.invite(unit, person(world, "jonas"), Role.RESPONDER)
        )
        assert "snoozed until" in await heard.answer("matrix", once)
        assert await heard.answer("matrix", once) == ""


async def test_who_says_too_much_is_not_heard_for_a_minute(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        heard = replies(world)
        answers = [await heard.answer("matrix", said("help")) for _ in range(25)]
        assert sum(bool(one) for one in answers) == 20
        world.clock.forward(seconds=61)
        assert await heard.answer("matrix", said("help"))


async def test_who_is_no_member_any_more_does_nothing(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        maya = person(world, "maya")
        await world.app.units.run(SYSTEM, lambda u: governance.invite(u, maya, Role.ADMIN))
        await world.app.units.run(SYSTEM, lambda u: governance.disable(u, maya))
        words = await replies(world).answer("matrix", said("ack"))
        assert "not a member any more" in words


class Broken:
    """A connection that breaks as soon as it stands."""

    name = "matrix"

    def __init__(self) -> None:
        self.positions: list[str] = []

    async def listen(self, ear: Ear) -> None:
        """Connect, go on from where it was, and break."""
        self.positions.append(ear.position)
        await ear.connected()
        await ear.keep(f"p{len(self.positions)}")
        raise Deaf("it broke", retry_after_s=7)


async def test_a_connection_goes_on_where_it_was_and_only_one_process_has_it(dsn: str) -> None:
    async with running(dsn) as world:
        listener = Broken()
        mine, other = (Listening(world.app.units, listener, replies(world)) for _ in range(2))
        assert await mine.round() == 7
        assert await other.round() == 5  # somebody has it
        assert await mine.round() == 7
        assert listener.positions == ["", "p1"]
        (row,) = await world.rows("SELECT error, connected_at FROM oncall.listeners")
        assert row == ("it broke", None)
        world.clock.forward(seconds=21)  # whoever had it is gone
        assert await other.round() == 7
        assert listener.positions == ["", "p1", "p2"]


async def test_a_restored_copy_does_not_listen_until_somebody_releases_paging(dsn: str) -> None:
    async with running(dsn) as world:
        listener = Broken()
        mine = Listening(world.app.units, listener, replies(world))
        await world.app.units.run(SYSTEM, lambda u: actions.hold_paging(u, "restored"))
        assert await mine.round() == 5
        assert listener.positions == []
        await world.app.units.run(SYSTEM, actions.release_paging)
        assert await mine.round() == 7


async def test_what_was_heard_is_forgotten_after_a_week(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await replies(world).answer("matrix", said("help"))
        world.clock.forward(seconds=8 * 86_400)
        await world.app.units.run(SYSTEM, actions.forget_heard)
        assert await world.rows("SELECT 1 FROM oncall.heard") == []
