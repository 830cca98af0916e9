"""Incidents: declared once for a group, ended once, and never half."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import pytest
from msgspec.structs import replace

from fakes.world import World
from tocsin.command import actions, reads
from tocsin.command.model import Declaration, Incident, IncidentStatus, ResolvedBy
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Forbidden, Invalid, NotFound
from tocsin.kernel.ids import GroupId, IncidentId, PersonId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency

pytestmark = pytest.mark.db

T = TypeVar("T")
GROUP = GroupId(UUID(int=1))
MAYA = Actor(
    kind="person", id=UUID(int=5), name="Maya", role=Role.RESPONDER, person_id=UUID(int=5)
)


def declaration(
    urgency: Urgency = Urgency.HIGH, title: str = "Checkout is down"
) -> Declaration:
    return Declaration(
        title=title, description="", urgency=urgency, policy="", labels={"service": "checkout"}
    )


async def declared(
    world: World, group: GroupId = GROUP, urgency: Urgency = Urgency.HIGH
) -> Incident:
    return await run(world, lambda u: actions.declare_for(u, group, declaration(urgency)))


async def run(world: World, act: Callable[[Unit], Awaitable[T]], actor: Actor = SYSTEM) -> T:
    return await world.app.units.run(actor, act)


async def find(world: World, name: str) -> Incident:
    return await run(world, lambda unit: reads.incident(unit, name))


async def story(world: World) -> list[str]:
    await world.settle()
    return [kind for kind in await world.story() if kind.startswith("command.")]


async def test_a_group_has_one_incident_however_often_it_is_declared(world: World) -> None:
    first = await declared(world)
    again = await declared(world)
    assert again == first
    assert (first.reference, first.status) == ("INC-1", IncidentStatus.INVESTIGATING)
    assert await story(world) == ["command.incident_declared", "command.group_joined"]


async def test_two_units_that_declare_for_one_group_at_once_agree(world: World) -> None:
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(declared(world)) for _ in range(2)]
    assert both[0].result().id == both[1].result().id
    assert len(await world.rows("SELECT id FROM command.incidents")) == 1


async def test_urgency_rises_with_a_later_declaration_and_never_falls(world: World) -> None:
    low = await declared(world, urgency=Urgency.LOW)
    assert (await declared(world, urgency=Urgency.HIGH)).urgency is Urgency.HIGH
    assert (await declared(world, urgency=Urgency.LOW)).urgency is Urgency.HIGH
    found = await run(world, lambda u: reads.incident(u, low.reference))
    assert found.urgency is Urgency.HIGH


async def test_numbers_are_drawn_once_even_by_many_at_the_same_time(world: World) -> None:
    async with asyncio.TaskGroup() as tasks:
        found = [tasks.create_task(declared(world, GroupId(uuid7()))) for _ in range(12)]
    assert sorted(one.result().number for one in found) == list(range(1, 13))


async def test_alerts_that_are_gone_resolve_and_that_fire_again_reopen(world: World) -> None:
    first = await declared(world)
    for _ in range(2):
        await run(world, lambda u: actions.clear_for(u, GROUP))
    gone = await run(world, lambda u: reads.incident(u, "INC-1"))
    assert (gone.status, gone.resolved_by) == (IncidentStatus.RESOLVED, ResolvedBy.ALERTS)
    assert gone.resolved_at == world.clock.now()
    for _ in range(2):
        await run(world, lambda u: actions.reopen_for(u, GROUP))
        again = await run(world, lambda u: reads.incident(u, "INC-1"))
        assert again == replace(first, version=again.version)
    assert (await story(world))[2:] == ["command.incident_cleared", "command.incident_reopened"]


async def test_what_a_person_has_resolved_stays_so_when_its_alerts_clear(world: World) -> None:
    incident = await declared(world)
    for _ in range(2):
        await run(world, lambda u: actions.resolve(u, incident.id), MAYA)
    await run(world, lambda u: actions.clear_for(u, GROUP))
    found = await run(world, lambda u: reads.incident(u, "INC-1"))
    assert found.resolved_by is ResolvedBy.PERSON
    assert (await story(world))[2:] == ["command.incident_resolved"]


async def test_resolve_and_clear_at_the_same_time_end_it_once(world: World) -> None:
    incident = await declared(world)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(world, lambda u: actions.resolve(u, incident.id), MAYA))
        tasks.create_task(run(world, lambda u: actions.clear_for(u, GROUP)))
    ends = {"command.incident_resolved", "command.incident_cleared"}
    assert len([kind for kind in await story(world) if kind in ends]) == 1


async def test_a_group_without_an_incident_changes_none(world: World) -> None:
    await run(world, lambda u: actions.clear_for(u, GROUP))
    await run(world, lambda u: actions.reopen_for(u, GROUP))
    assert await story(world) == []


async def test_a_responder_joins_once(world: World) -> None:
    incident = await declared(world)
    for _ in range(3):
        await run(world, lambda u: actions.join(u, incident.id, PersonId(UUID(int=5))))
    assert (await story(world)).count("command.responder_joined") == 1
    assert len(await world.rows("SELECT person_id FROM command.responders")) == 1


async def test_an_incident_is_found_by_any_of_its_names(world: World) -> None:
    incident = await declared(world)
    for name in ("INC-1", "inc-1", "1", str(incident.id)):
        assert (await find(world, name)).id == incident.id
    for name in ("INC-2", "99999999999999999", str(uuid7())):
        with pytest.raises(NotFound):
            await find(world, name)
    for name in ("", "checkout", "INC-", "9" * 40, "٣", "-1"):
        with pytest.raises(Invalid, match="INC-12"):
            await find(world, name)


async def test_lists_are_newest_first_and_can_be_continued(world: World) -> None:
    for n in range(5):
        await declared(world, GroupId(UUID(int=n + 10)))
        world.clock.forward(minutes=1)
    first = await run(world, lambda u: reads.incidents(u, limit=3))
    rest = await run(world, lambda u: reads.incidents(u, before=first[-1].opened_at, limit=9))
    assert [one.number for one in (*first, *rest)] == [5, 4, 3, 2, 1]
    await run(world, lambda u: actions.resolve(u, first[0].id), MAYA)
    assert [one.number for one in await run(world, reads.open_incidents)] == [4, 3, 2, 1]
    assert [one.number for one in await run(world, reads.resolved_incidents)] == [5]


async def test_verbs_refuse_who_may_not_and_what_is_not(world: World) -> None:
    incident = await declared(world)
    viewer = Actor(kind="token", id=uuid7(), name="screen", role=Role.VIEWER)
    for actor, act in (
        (MAYA, lambda u: actions.declare_for(u, GROUP, declaration())),
        (MAYA, lambda u: actions.clear_for(u, GROUP)),
        (MAYA, lambda u: actions.reopen_for(u, GROUP)),
        (viewer, lambda u: actions.resolve(u, incident.id)),
        (viewer, lambda u: actions.join(u, incident.id, PersonId(UUID(int=5)))),
    ):
        with pytest.raises(Forbidden):
            await run(world, act, actor)
    with pytest.raises(NotFound):
        await run(world, lambda u: actions.resolve(u, IncidentId(uuid7())), MAYA)
