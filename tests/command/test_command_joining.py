"""Merging and splitting incidents, on a real database."""

from uuid import UUID

import pytest
from command_world import (
    JONAS,
    declared,
    opened,
    run,
    seen,
    story,
)

from fakes.world import World
from tocsin.command import actions, reads
from tocsin.command.model import (
    IncidentStatus,
    ResolvedBy,
)
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Conflict, NotFound
from tocsin.kernel.ids import GroupId, IncidentId, PersonId, uuid7
from tocsin.kernel.vocabulary import Urgency

pytestmark = pytest.mark.db

G1, G2, G3 = (GroupId(UUID(int=n)) for n in (1, 2, 3))


async def test_a_merge_moves_groups_and_people_and_closes_the_source(world: World) -> None:
    source = await declared(world, 1, firing=2)
    target = await declared(world, 2, firing=1)
    await run(world, lambda u: actions.join(u, source.id, PersonId(JONAS.id)), JONAS)
    into = await run(world, lambda u: actions.merge(u, source.id, target.id))
    again = await run(world, lambda u: actions.merge(u, source.id, target.id))
    assert into.id == again.id == target.id
    gone = await seen(world, source.id)
    assert (gone.status, gone.merged_into) == (IncidentStatus.CLOSED, target.id)
    [row] = [
        one
        for one in await run(world, lambda u: reads.incident_list(u, reads.IncidentFilter()))
        if one.id == target.id
    ]
    assert (row.alert_count, row.firing_count) == (3, 3)
    assert row.responders == (JONAS.person_id,)
    assert [one.id for one in await run(world, lambda u: reads.merged_into(u, target.id))] == [
        source.id
    ]
    assert (await story(world)).count("incident_merged") == 1
    # it clears as one: when the last of its groups has
    await run(world, lambda u: actions.clear_for(u, G1), SYSTEM)
    assert (await seen(world, target.id)).resolved_at is None
    await run(world, lambda u: actions.clear_for(u, G2), SYSTEM)
    assert (await seen(world, target.id)).resolved_by is ResolvedBy.ALERTS
    # and what fires again is the one it belongs to
    await run(world, lambda u: actions.reopen_for(u, G1), SYSTEM)
    assert (await seen(world, target.id)).resolved_at is None
    assert (await seen(world, source.id)).status is IncidentStatus.CLOSED


async def test_merging_an_urgent_one_calls_somebody_for_the_other(world: World) -> None:
    source = await opened(world, urgency=Urgency.HIGH, policy="")
    target = await opened(world, "Quiet")
    into = await run(world, lambda u: actions.merge(u, source.id, target.id))
    assert into.urgency is Urgency.HIGH
    pages = dict(await world.rows("SELECT incident_id, state FROM oncall.pages"))
    assert pages.keys() == {source.id, target.id}
    assert pages[source.id] == "resolved"
    assert pages[target.id] != "resolved"


async def test_merges_that_make_no_sense_say_what_would(world: World) -> None:
    a, b, c = [await opened(world, name) for name in "abc"]

    async def merge(one: IncidentId, into: IncidentId) -> None:
        await run(world, lambda u: actions.merge(u, one, into))

    with pytest.raises(Conflict, match="itself"):
        await merge(a.id, a.id)
    await merge(a.id, b.id)
    with pytest.raises(Conflict, match="merged itself"):
        await merge(c.id, a.id)
    with pytest.raises(Conflict, match="merged before"):
        await merge(a.id, c.id)
    with pytest.raises(Conflict, match="was merged"):
        await run(world, lambda u: actions.reopen(u, a.id))
    await run(world, lambda u: actions.resolve(u, b.id))
    with pytest.raises(Conflict, match="reopen it before"):
        await merge(c.id, b.id)
    await run(world, lambda u: actions.reopen(u, b.id))
    await merge(b.id, c.id)
    assert (await seen(world, a.id)).merged_into == c.id  # what was part of b is part of c
    with pytest.raises(NotFound):
        await merge(c.id, IncidentId(uuid7()))


async def test_a_split_takes_groups_along_and_calls_for_what_is_urgent(world: World) -> None:
    one = await declared(world, 1, Urgency.HIGH, firing=2)
    two = await declared(world, 2, Urgency.HIGH, firing=1)
    await run(world, lambda u: actions.merge(u, two.id, one.id))
    for wanted, cure in (([], "at least one"), ([G1, G2], "leave"), ([G3], "look again")):
        with pytest.raises(Conflict, match=cure):
            await run(world, lambda u, w=wanted: actions.split(u, one.id, w, "x"))
    new = await run(world, lambda u: actions.split(u, one.id, [G2], " Search "))
    assert (new.title, new.number, new.urgency) == ("Search", 3, Urgency.HIGH)
    groups = await run(world, lambda u: reads.groups_of(u, [one.id, new.id]))
    assert groups == {one.id: [G1], new.id: [G2]}
    assert (await run(world, lambda u: reads.incident_of(u, [G2])))[G2][0] == new.id
    open_pages = await world.rows(
        "SELECT incident_id FROM oncall.pages WHERE resolved_at IS NULL"
    )
    assert (new.id,) in open_pages
    await run(world, lambda u: actions.clear_for(u, G2), SYSTEM)
    assert (await seen(world, new.id)).resolved_at is not None
    assert (await seen(world, one.id)).resolved_at is None
