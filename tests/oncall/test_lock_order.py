"""Pages are locked in one order everywhere, so that nobody waits for who waits for them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from paging_world import PEOPLE, do, fire

from fakes.patience import until_waiting
from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.ids import IncidentId, PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall.core.reply import Reply, Verb
from tocsin.oncall.model import Brief

pytestmark = pytest.mark.db
BRIEF = Brief(number=1, title="x", summary="", labels={})
LOCKED = "SELECT 1 FROM oncall.pages WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"
LOCKED_NOW = "SELECT 1 FROM oncall.pages WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE NOWAIT"


async def waits_holding_none(
    world: World, pages: list[PageId], act: Callable[[], Awaitable[Any]]
) -> None:
    """Hold the first of some pages: who waits for it must not hold any of the others."""
    first, *others = sorted(pages)
    assert others
    async with (
        asyncio.TaskGroup() as group,
        world.app.db.connection() as conn,
        conn.transaction(),
    ):
        await conn.execute(LOCKED, {"ids": [first]})
        group.create_task(_done(act))
        await until_waiting(world.app.db)
        await conn.execute(LOCKED_NOW, {"ids": others})


async def _done(act: Callable[[], Awaitable[Any]]) -> None:
    await act()


async def states(world: World, pages: list[PageId]) -> set[str]:
    found = dict(await world.rows("SELECT id, state FROM oncall.pages"))
    return {found[one] for one in pages}


async def incident_of(world: World, page_id: PageId) -> IncidentId:
    return IncidentId(
        dict(await world.rows("SELECT id, incident_id FROM oncall.pages"))[page_id]
    )


async def test_a_link_that_takes_all_pages_of_a_message(world: World) -> None:
    await world.apply(PEOPLE)
    pages = [await fire(world, team="rules", service=service) for service in ("a", "b", "c")][
        1:
    ]
    await world.forward(minutes=1.1)
    message = world.mail.sent[-1][1]
    assert message.subject.startswith("2 pages")
    of_second = message.text.split("/a/")[2].split()[0]
    every = message.ack_link.partition("?")[2]

    async def act() -> None:
        answer = await world.http.post(f"/a/{of_second}?{every}")
        assert answer.status_code == 200

    await waits_holding_none(world, pages, act)
    assert await states(world, pages) == {"acknowledged"}


async def test_a_merge_into_what_is_older(world: World) -> None:
    await world.apply(PEOPLE)
    pages = sorted([await fire(world, team="rules", service=one) for one in ("a", "b")])
    whole, part = [await incident_of(world, one) for one in pages]

    async def act() -> None:
        await world.app.units.run(SYSTEM, lambda unit: oncall.call_on(unit, part, whole, BRIEF))

    await waits_holding_none(world, pages, act)


async def test_what_hides_an_incident_and_those_that_are_part_of_it(world: World) -> None:
    await world.apply(PEOPLE)
    pages = sorted([await fire(world, team="rules", service=one) for one in ("a", "b")])
    incidents = [await incident_of(world, one) for one in reversed(pages)]

    async def act() -> None:
        await world.app.units.run(
            SYSTEM, lambda unit: oncall.restrict(unit, incidents, ("role:manager",))
        )

    await waits_holding_none(world, pages, act)
    hidden = await world.rows("SELECT visible_to FROM oncall.pages")
    assert hidden == [(["role:manager"],)] * 2


async def test_an_answer_in_words_to_all_pages(world: World) -> None:
    await world.apply(PEOPLE)
    pages = [await fire(world, team="rules", service=one) for one in ("a", "b", "c")]
    # they are answered oldest first, and that is not the order of their ids here
    await world.rows(
        "UPDATE oncall.pages SET opened_at = opened_at + interval '1 h'"
        " WHERE id = (SELECT min(id::text)::uuid FROM oncall.pages) RETURNING 1"
    )
    [(nora,)] = await world.rows("SELECT DISTINCT person_id FROM oncall.notifications")
    who = Actor(kind="person", id=nora, name="Nora", role=Role.RESPONDER, person_id=nora)
    asked = Reply(verb=Verb.ACKNOWLEDGE, is_all=True)

    async def act() -> None:
        await world.app.units.run(who, lambda unit: oncall.reply(unit, asked, channel="Slack"))

    await waits_holding_none(world, pages, act)
    assert await states(world, pages) == {"acknowledged"}


@pytest.mark.parametrize("text", ["ack all", "ack INC-{number}"])
async def test_a_text_message_about_more_than_it_answers(world: World, text: str) -> None:
    await world.apply(PEOPLE)
    pages = sorted([await fire(world, team="rules", service=one) for one in ("a", "b", "c")])
    if text != "ack all":  # two policies call for one incident
        incident_id = await incident_of(world, pages[0])
        second = await do(
            world, lambda unit: oncall.request_policy(unit, incident_id, "default", BRIEF)
        )
        pages = sorted([pages[0], second.id])
    # it answers the message about the page that is locked last
    await world.rows(
        "UPDATE oncall.notifications n SET kind = 'sms', attempt_count = 1, queued_at = CASE"
        " WHEN EXISTS (SELECT FROM oncall.pages p WHERE p.id > n.page_id)"
        " THEN queued_at ELSE queued_at + interval '1 s' END RETURNING 1"
    )
    numbers = dict(await world.rows("SELECT id, brief->>'number' FROM oncall.pages"))
    answer = oncall.TextAnswer(
        provider="twilio", message_id="SM1", number="+491700000001",
        text=text.format(number=numbers[pages[0]]),
    )  # fmt: skip

    async def known(_unit: Unit, _person_id: object) -> Actor:
        return SYSTEM

    async def act() -> None:
        said = await world.app.units.run(
            SYSTEM, lambda unit: oncall.answer_text(unit, answer, known)
        )
        assert said is not None
        assert "acknowledged" in said

    await waits_holding_none(world, pages, act)
    assert await states(world, pages) == {"acknowledged"}


async def test_a_key_that_is_pressed_in_a_call(world: World) -> None:
    await world.apply(PEOPLE)
    first = await fire(world, team="rules")
    incident_id = await incident_of(world, first)
    second = await do(
        world, lambda unit: oncall.request_policy(unit, incident_id, "default", BRIEF)
    )
    [(called,)] = await world.rows(
        "SELECT id FROM oncall.notifications ORDER BY page_id DESC LIMIT 1"
    )
    pressed = oncall.KeyPressed(notification_id=called, call_id="CA1", digit="4")

    async def known(_unit: Unit, _person_id: object) -> Actor:
        return SYSTEM

    async def act() -> None:
        script = await world.app.units.run(
            SYSTEM, lambda unit: oncall.press_key(unit, pressed, known)
        )
        assert script is not None

    await waits_holding_none(world, [first, second.id], act)


async def test_the_watchdog(world: World) -> None:
    await world.apply(PEOPLE)
    pages = [await fire(world, team="rules", service=one) for one in ("a", "b", "c")]
    async with world.app.db.connection() as conn:
        await conn.execute("DELETE FROM kernel.jobs")
    # a table is read in the order in which its rows were written last
    await world.rows(
        "UPDATE oncall.pages SET step = step"
        " WHERE id = (SELECT min(id::text)::uuid FROM oncall.pages) RETURNING 1"
    )

    async def act() -> None:
        assert len(await world.app.units.run(SYSTEM, oncall.watch)) == len(pages)

    await waits_holding_none(world, pages, act)
