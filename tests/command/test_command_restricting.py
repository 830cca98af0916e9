"""Who may see an incident and who may work on it, on a real database."""

from uuid import UUID

import pytest
from command_world import (
    BEA,
    JONAS,
    MAYA,
    TOKEN,
    VIEWER,
    declared,
    opened,
    person,
    run,
    seen,
    story,
)
from msgspec.structs import replace

from fakes.world import World
from tocsin.command import actions, reads
from tocsin.command.model import (
    Opening,
)
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import GroupId, PersonId, uuid7
from tocsin.kernel.vocabulary import Severity

pytestmark = pytest.mark.db

G1, G2, G3 = (GroupId(UUID(int=n)) for n in (1, 2, 3))


async def test_a_restricted_incident_is_not_there_for_others(world: World) -> None:
    one = await opened(world, actor=BEA)
    for _ in range(2):
        hidden = await run(
            world, lambda u: actions.restrict(u, one.id, [PersonId(MAYA.id)], []), BEA
        )
        assert hidden.visible_to == tuple(sorted((f"person:{MAYA.id}", f"person:{BEA.id}")))
    assert (await seen(world, one.id, MAYA)).id == one.id
    note = await run(world, lambda u: actions.add_note(u, one.id, "secret"), MAYA)
    for actor in (JONAS, TOKEN, VIEWER, person(12, "Ada", Role.ADMIN)):
        with pytest.raises(NotFound):
            await seen(world, one.id, actor)
        rows = await run(world, lambda u: reads.incident_list(u, reads.IncidentFilter()), actor)
        assert rows == []
        for read in (reads.open_incidents, reads.resolved_incidents, reads.incidents):
            assert await run(world, read, actor) == []
        assert await run(world, lambda u: reads.notes(u, [note.id]), actor) == {}
        assert await run(world, lambda u: reads.groups_of(u, [one.id]), actor) == {}
    for act in (
        lambda u: actions.resolve(u, one.id),
        lambda u: actions.add_note(u, one.id, "x"),
        lambda u: actions.join(u, one.id, PersonId(JONAS.id)),
        lambda u: actions.link(u, one.id, "https://x.test"),
    ):
        with pytest.raises(NotFound):
            await run(world, act, JONAS)
    for _ in range(2):
        await run(world, lambda u: actions.unrestrict(u, one.id), BEA)
    assert (await seen(world, one.id, JONAS)).visible_to is None
    said = await story(world)
    assert (said.count("incident_restricted"), said.count("incident_unrestricted")) == (1, 1)


async def test_who_restricts_without_a_person_must_name_its_role(world: World) -> None:
    one = await opened(world)
    with pytest.raises(Invalid, match="name your own role"):
        await run(world, lambda u: actions.restrict(u, one.id, [], [Role.ADMIN]), TOKEN)
    roles = [Role.ADMIN, Role.MANAGER]
    hidden = await run(world, lambda u: actions.restrict(u, one.id, [], roles), TOKEN)
    assert hidden.visible_to == ("role:admin", "role:manager")


async def test_what_is_merged_into_a_restricted_one_is_as_hidden(world: World) -> None:
    one = await declared(world, 1)
    secret = await opened(world, actor=BEA, visible_to=())
    open_one = await opened(world, "Open")
    with pytest.raises(Conflict, match="restrict both"):
        await run(world, lambda u: actions.merge(u, secret.id, open_one.id), BEA)
    await run(world, lambda u: actions.merge(u, one.id, secret.id), BEA)
    with pytest.raises(NotFound):
        await seen(world, one.id, MAYA)
    with pytest.raises(Conflict, match="as visible as"):
        await run(world, lambda u: actions.unrestrict(u, one.id), BEA)
    await run(world, lambda u: actions.unrestrict(u, secret.id), BEA)
    assert (await seen(world, one.id, MAYA)).merged_into == secret.id


async def test_an_incident_hidden_from_the_start_is_declared_by_who_may_restrict(
    world: World,
) -> None:
    with pytest.raises(Forbidden, match="incident:restrict"):
        await opened(world, visible_to=())
    one = await opened(world, actor=BEA, visible_to=(f"person:{JONAS.id}",))
    assert (await seen(world, one.id, JONAS)).visible_to == one.visible_to
    with pytest.raises(NotFound):
        await seen(world, one.id, MAYA)


async def test_roles_and_teams_decide_who_may(world: World) -> None:
    ours = await opened(world, team="shop", actor=person(20, "Root", Role.ADMIN))
    shop = replace(VIEWER, teams={"shop": Role.RESPONDER})
    pay = replace(VIEWER, teams={"pay": Role.RESPONDER})
    for actor in (VIEWER, pay):
        for act in (
            lambda u: actions.set_severity(u, ours.id, Severity.SEV1),
            lambda u: actions.add_note(u, ours.id, "x"),
            lambda u: actions.merge(u, ours.id, ours.id),
            lambda u: actions.split(u, ours.id, [G1], "x"),
            lambda u: actions.leave(u, ours.id, PersonId(MAYA.id)),
        ):
            with pytest.raises(Forbidden):
                await run(world, act, actor)
    await run(world, lambda u: actions.set_severity(u, ours.id, Severity.SEV1), shop)
    with pytest.raises(Forbidden):
        await run(world, lambda u: actions.open(u, Opening(title="x", team="pay")), shop)
    with pytest.raises(Forbidden):
        await run(world, lambda u: actions.restrict(u, ours.id, [], []), MAYA)
    machine = Actor(kind="token", id=uuid7(), name="am", role=Role.INTEGRATION)
    with pytest.raises(Forbidden):
        await run(world, lambda u: reads.incident_list(u, reads.IncidentFilter()), machine)
