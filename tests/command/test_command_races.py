"""Two who act at once: the outcome is one of the two orders, and nobody waits for ever."""

import asyncio
from uuid import UUID

import pytest
from command_world import BEA, JONAS, MAYA, declared, opened, run, seen

from fakes.world import World
from tocsin.command import actions
from tocsin.command.model import IncidentStatus
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Conflict, PreconditionFailed
from tocsin.kernel.ids import GroupId, IncidentId
from tocsin.kernel.vocabulary import Severity

pytestmark = pytest.mark.db


async def test_two_merges_that_cross_end_as_one(world: World) -> None:
    for n in range(0, 10, 2):
        a, b = await declared(world, n + 1), await declared(world, n + 2)

        async def merge(one: IncidentId, into: IncidentId) -> bool:
            try:
                await run(world, lambda u: actions.merge(u, one, into))
            except Conflict:
                return False
            return True

        async with asyncio.TaskGroup() as tasks:
            both = [tasks.create_task(merge(a.id, b.id)), tasks.create_task(merge(b.id, a.id))]
        assert sorted(one.result() for one in both) == [False, True]
        now = [await seen(world, a.id), await seen(world, b.id)]
        assert sorted(one.status for one in now) == [
            IncidentStatus.CLOSED,
            IncidentStatus.INVESTIGATING,
        ]


async def test_a_group_that_clears_while_it_moves_ends_the_right_one(world: World) -> None:
    for n in range(0, 10, 2):
        source, target = await declared(world, n + 1), await declared(world, n + 2)
        await run(world, lambda u, g=n + 2: actions.clear_for(u, GroupId(UUID(int=g))), SYSTEM)
        await run(world, lambda u, i=target.id: actions.reopen(u, i))
        group = GroupId(UUID(int=n + 1))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                run(world, lambda u, s=source, t=target: actions.merge(u, s.id, t.id))
            )
            tasks.create_task(run(world, lambda u, g=group: actions.clear_for(u, g), SYSTEM))
        found = await seen(world, target.id)
        gone = await seen(world, source.id)
        # cleared first: the source was over before it was merged; else the target has cleared
        assert found.resolved_at is not None or gone.resolved_by == "alerts"
        assert gone.merged_into == target.id


async def test_of_two_who_saw_the_same_version_one_is_refused(world: World) -> None:
    one = await opened(world)

    async def say(severity: Severity) -> bool:
        try:
            await run(world, lambda u: actions.set_severity(u, one.id, severity, if_version=1))
        except PreconditionFailed:
            return False
        return True

    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(say(s)) for s in (Severity.SEV1, Severity.SEV2)]
    assert sorted(task.result() for task in both) == [False, True]
    assert (await seen(world, one.id)).version == 2


async def test_many_at_once_on_one_incident_all_get_their_turn(world: World) -> None:
    one, other = await opened(world, actor=BEA), await opened(world, "Other", actor=BEA)
    async with asyncio.TaskGroup() as tasks:
        for n in range(6):
            tasks.create_task(run(world, lambda u, n=n: actions.add_note(u, one.id, f"n{n}")))
            tasks.create_task(run(world, lambda u: actions.relate(u, one.id, other.id), JONAS))
            tasks.create_task(run(world, lambda u: actions.relate(u, other.id, one.id), MAYA))
            tasks.create_task(
                run(world, lambda u: actions.link(u, one.id, "https://x.test/a"), JONAS)
            )
    assert await world.rows("SELECT count(*) FROM command.notes") == [(6,)]
    assert await world.rows("SELECT count(*) FROM command.links") == [(1,)]
    assert await world.rows("SELECT count(*) FROM command.relations") == [(1,)]
