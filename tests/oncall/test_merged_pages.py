"""A page that was handed to somebody stays theirs where its incident becomes part of another."""

import pytest
from paging_world import BOSS, JONAS, MAYA, NTFY, PEOPLE, do, fire, last, to

from fakes.world import World
from tocsin.command import actions as command
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.ids import IncidentId, PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall import reads
from tocsin.oncall.actions import Assignee
from tocsin.oncall.model import Brief

pytestmark = pytest.mark.db
BRIEF = Brief(number=1, title="x", summary="", labels={})
CALLING = """
SELECT i.number, p.state, p.assigned IS NOT NULL
  FROM oncall.pages p JOIN command.incidents i ON i.id = p.incident_id
 ORDER BY p.id
"""


async def incident_of(world: World, page_id: PageId) -> IncidentId:
    return IncidentId(
        dict(await world.rows("SELECT id, incident_id FROM oncall.pages"))[page_id]
    )


async def merge(world: World, part: PageId, whole: IncidentId) -> None:
    source = await incident_of(world, part)
    await do(world, lambda unit: command.merge(unit, source, whole), SYSTEM)


async def test_whom_a_page_was_handed_to_is_called_for_the_whole_and_then_its_policy(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    whole = await incident_of(world, await fire(world, service="a"))
    page_id = await fire(world, team="rules", service="b")
    await do(world, lambda u: oncall.reassign(u, page_id, Assignee(person="maya")))
    assert len(to(world, MAYA)) == 1
    assert len(to(world, f"{NTFY}nora")) == 1
    await merge(world, page_id, whole)
    assert len(to(world, MAYA)) == 2
    assert len(to(world, f"{NTFY}nora")) == 1
    assert "You are called as the one to whom it was reassigned" in last(world).text
    await world.forward(minutes=6)  # she does not answer: the policy
    assert len(to(world, f"{NTFY}nora")) == 2


async def test_where_the_page_of_the_policy_is_over_whom_it_was_handed_to_is_called_too(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    first = await fire(world, team="rules", service="a")
    whole = await incident_of(world, first)
    page_id = await fire(world, team="rules", service="b")
    await do(world, lambda u: oncall.reassign(u, page_id, Assignee(person="maya")))
    await do(world, lambda u: oncall.resolve_pages(u, whole), SYSTEM)
    told = len(to(world, MAYA))
    await do(world, lambda u: call_on(u, page_id, whole), SYSTEM)
    assert len(to(world, MAYA)) == told + 1
    assert (await world.rows(CALLING))[0] == (1, "triggered", True)


async def call_on(unit: Unit, page_id: PageId, whole: IncidentId) -> None:
    page = await reads.page(unit, str(page_id))
    await oncall.call_on(unit, page.incident_id, whole, BRIEF)


async def test_who_was_asked_and_has_handed_it_on_is_not_called_in_their_place(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    whole = await incident_of(world, await fire(world, team="rules", service="a"))
    part = await incident_of(world, await fire(world, team="rules", service="b"))
    await world.forward(minutes=2)
    asked = await do(world, lambda u: oncall.request_person(u, part, "jonas", BRIEF))
    await do(world, lambda u: oncall.reassign(u, asked.id, Assignee(person="boss")))
    counted = (len(to(world, JONAS)), len(to(world, BOSS)))
    await merge(world, asked.id, whole)
    assert (len(to(world, JONAS)), len(to(world, BOSS))) == (counted[0], counted[1] + 1)


async def test_whoever_has_the_page_of_the_same_policy_keeps_it(world: World) -> None:
    await world.apply(PEOPLE)
    first = await fire(world, team="rules", service="a")
    await do(world, lambda u: oncall.acknowledge(u, first, channel="API"))
    whole = await incident_of(world, first)
    page_id = await fire(world, team="rules", service="b")
    await do(world, lambda u: oncall.reassign(u, page_id, Assignee(person="maya")))
    told = len(to(world, MAYA))
    await merge(world, page_id, whole)
    assert len(to(world, MAYA)) == told
    assert [row[1] for row in await world.rows(CALLING)] == ["acknowledged", "resolved"]
