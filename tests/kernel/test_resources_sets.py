"""Plan, apply, prune and export agree: what a plan says is done, and then there is nothing to do."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_world import NOON, rows
from msgspec.structs import replace
from resources_shelf import Shelf, document

from fakes.world import ACME
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Conflict, Forbidden, Invalid
from tocsin.kernel.ids import uuid7
from tocsin.kernel.resources import Document, yaml_text
from tocsin.kernel.resources.model import Key, Metadata

pytestmark = pytest.mark.db
SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


def later(one: Document, days: float | None) -> Document:
    """Put a document off, or bring it into force at once."""
    since = None if days is None else NOON + timedelta(days=days)
    return replace(one, metadata=Metadata(one.metadata.name, since))


_people = st.builds(
    document,
    st.just("Person"),
    st.sampled_from(["ada", "bob", "cy"]),
    st.fixed_dictionaries(
        {"displayName": st.sampled_from(["Ada", "Bob", "Änne O'Hara"])},
        optional={
            "active": st.booleans(),
            "contact": st.just([{"type": "email", "address": "a@example.org"}]),
        },
    ),
)
_routes = st.builds(
    document,
    st.just("Route"),
    st.sampled_from(["web", "batch", "default"]),
    st.fixed_dictionaries(
        {}, optional={"order": st.integers(0, 5), "groupWait": st.just("30s")}
    ),
)
_schedules = st.builds(
    document,
    st.just("Schedule"),
    st.sampled_from(["days", "nights"]),
    st.fixed_dictionaries(
        {
            "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
            "rotation": st.fixed_dictionaries(
                {
                    "start": st.just("2026-01-05T09:00"),
                    "every": st.sampled_from(["day", "week"]),
                    "people": st.lists(st.just("zoe"), min_size=1, max_size=2),
                }
            ),
        }
    ),
)
ZOE = document("Person", "zoe", {"displayName": "Zoe"})
_when = st.sampled_from([None, None, None, -1.0, 1.0, 2.5])
_documents = st.lists(
    st.builds(later, st.one_of(_people, _routes, _schedules), _when),
    max_size=6,
    unique_by=lambda one: (one.key, one.metadata.effective_from),
).map(lambda found: [ZOE, *found])


def complete(found: list[Document]) -> list[Document]:
    """Leave out what a set says only of later: until then such a resource stays as it was."""
    due = {
        one.key
        for one in found
        if (since := one.metadata.effective_from) is None or since <= NOON
    }
    return [one for one in found if one.key in due]


_complete = _documents.map(complete)


async def state(shelf: Shelf) -> list[Document]:
    return await shelf.export()


@SLOW
@given(one=_documents, two=_documents, prune=st.booleans())
async def test_what_is_planned_is_done_and_then_there_is_nothing_to_do(
    shelf: Shelf, one: list[Document], two: list[Document], prune: bool
) -> None:
    await shelf.put(one)
    before = await shelf.dump()
    plan = await shelf.plan(two, prune=prune)
    assert await shelf.dump() == before
    applied = await shelf.put(two, prune=prune)
    assert applied.changed == plan.changed
    assert applied.changes == tuple(change.words() for change in plan.changes)
    after = await shelf.dump()
    again = await shelf.plan(two, prune=prune)
    assert not again.changed
    assert again.words == ()
    assert {change.action for change in again.changes} <= {"unchanged"}
    assert not (await shelf.put(two, prune=prune)).changed
    assert await shelf.dump() == after


@SLOW
@given(one=_documents, two=_complete)
async def test_with_prune_the_past_does_not_matter(
    shelf: Shelf, one: list[Document], two: list[Document]
) -> None:
    await shelf.put(two, prune=True)
    alone = await state(shelf)
    await shelf.put(one, prune=True)
    await shelf.put(two, prune=True)
    assert await state(shelf) == alone


@SLOW
@given(found=_complete, orders=st.randoms(use_true_random=False))
async def test_sets_may_come_in_any_order(
    shelf: Shelf, found: list[Document], orders: Any
) -> None:
    whole: dict[Key, list[Document]] = {}
    for one in found:
        whole.setdefault(one.key, []).append(one)
    await shelf.put(found, prune=True)
    expected = await state(shelf)
    parts = [part for key, part in whole.items() if key != ZOE.key]
    for _ in range(2):
        orders.shuffle(parts)
        await shelf.put([ZOE], prune=True)
        for part in parts:
            await shelf.put(part)
        assert await state(shelf) == expected


@SLOW
@given(found=_documents)
async def test_when_its_instant_has_passed_a_set_is_still_what_is_in_force(
    shelf: Shelf, found: list[Document]
) -> None:
    """A file may keep its dates: neither the timers nor a second apply change anything more."""
    now = shelf.clock.now()
    moved = [
        replace(one, metadata=Metadata(one.metadata.name, since + (now - NOON)))
        if (since := one.metadata.effective_from)
        else one
        for one in found
    ]
    await shelf.put(moved, prune=True)
    await shelf.forward(hours=72)
    assert not (await shelf.plan(moved, prune=True)).changed


@SLOW
@given(found=_documents)
async def test_what_is_exported_as_yaml_is_read_back_as_it_was(
    shelf: Shelf, found: list[Document]
) -> None:
    await shelf.put(found, prune=True)
    text = yaml_text.write(await state(shelf))
    back = [one.document for one in yaml_text.parse("export.yaml", text)]
    assert not (await shelf.plan(back, prune=True)).changed


async def test_prune_deletes_what_files_manage_and_the_set_does_not_name(shelf: Shelf) -> None:
    await shelf.apply(ACME)
    screen = document("Person", "zoe", {"displayName": "Zoe"})
    admin = Actor(kind="person", id=uuid7(), name="m", role=Role.MANAGER)
    await shelf.units.run(admin, lambda unit: shelf.store.put(unit, screen, seen=0))
    route = document("Route", "web", {})
    await shelf.put([route])
    rest = [one for one in await state(shelf) if one.kind != "Route"]
    applied = await shelf.put([one for one in rest if one.key != screen.key], prune=True)
    assert [word for word in applied.changes if not word.startswith("unchanged")] == [
        "deleted Route/web"
    ]
    assert screen.key in {one.key for one in await state(shelf)}
    [event] = await rows(
        shelf.database,
        "SELECT line FROM kernel.intake_log WHERE line LIKE '%deleted Route/web%'",
    )
    assert event


async def test_prune_refuses_to_delete_what_is_still_pointed_at_and_says_by_what(
    shelf: Shelf,
) -> None:
    await shelf.apply(ACME)
    kept = [one for one in await state(shelf) if one.key != ("Person", "jonas")]
    before = await shelf.dump()
    with pytest.raises(Conflict) as caught:
        await shelf.put(kept, prune=True)
    for words in (
        "cannot be deleted",
        "Schedule/primary points at Person/jonas in spec.rotation.people",
        "EscalationPolicy/default points at Person/jonas in spec.steps[1].targets",
    ):
        assert words in caught.value.detail
    assert await shelf.dump() == before


async def test_a_deleted_resource_comes_back_as_itself(shelf: Shelf) -> None:
    route = document("Route", "web", {})
    await shelf.put([route, ZOE])
    first = await rows(shelf.database, "SELECT uid FROM kernel.resources WHERE name = 'web'")
    await shelf.put([ZOE], prune=True)
    assert [one.key for one in await state(shelf)] == [ZOE.key]
    await shelf.put([route])
    found = await rows(
        shelf.database, "SELECT uid, version, deleted FROM kernel.resources WHERE name = 'web'"
    )
    assert found == [(first[0][0], 3, False)]


async def test_a_deleted_person_leaves_no_address_behind(shelf: Shelf) -> None:
    contact = [{"type": "email", "address": "zoe@example.org"}]
    zoe = document("Person", "zoe", {"displayName": "Zoe", "contact": contact})
    await shelf.put([zoe, document("Route", "web", {})])
    await shelf.put([document("Route", "web", {})], prune=True)
    for table in ("resources", "resource_versions", "resource_private", "resource_scheduled"):
        found = await rows(shelf.database, f"SELECT t::text FROM kernel.{table} t")
        assert "zoe@example.org" not in str(found), table


async def test_a_private_field_that_stays_keeps_its_commitment(shelf: Shelf) -> None:
    person = document("Person", "zoe", {"displayName": "Zoe"})
    await shelf.put([person])
    await shelf.put([replace(person, spec={"displayName": "Zoe", "active": False})])
    await shelf.put([replace(person, spec={"displayName": "Zoë", "active": False})])
    found = await rows(
        shelf.database,
        "SELECT spec -> 'displayName' ->> 'commit' FROM kernel.resource_versions ORDER BY version",
    )
    one, two, three = (row[0] for row in found)
    assert one == two != three


async def test_many_who_apply_at_once_come_one_after_another(shelf: Shelf) -> None:
    names = [f"route-{n}" for n in range(8)]

    async def put(name: str) -> None:
        await shelf.put(
            [document("Route", name, {}), document("Route", "shared", {"order": len(name)})]
        )

    await asyncio.gather(*map(put, names))
    found = await rows(shelf.database, "SELECT revision FROM kernel.revisions ORDER BY 1")
    assert [row[0] for row in found] == list(range(1, 9))
    assert {one.metadata.name for one in await state(shelf)} == {*names, "shared"}


def of_team(owner: str) -> Sequence[Document]:
    team = {name: document("Team", name, {"displayName": name}) for name in ("red", "blue")}
    return [*team.values(), document("Service", "shop", {"owner": owner})]


async def test_who_may_apply_in_a_team_changes_what_is_the_teams_and_nothing_else(
    shelf: Shelf,
) -> None:
    await shelf.put(of_team("red"))
    lead = Actor(
        kind="token", id=uuid7(), name="red", role=Role.VIEWER, teams={"red": Role.MANAGER}
    )
    await shelf.put([document("Service", "shop", {"owner": "red", "tier": 1})], lead)
    with pytest.raises(Forbidden, match="in team blue"):
        await shelf.put([document("Service", "shop", {"owner": "blue"})], lead)
    with pytest.raises(Forbidden, match="belongs to no team"):
        await shelf.put([document("Route", "web", {})], lead)
    with pytest.raises(Forbidden, match="in team blue"):
        await shelf.put([document("Service", "mail", {"owner": "blue"})], lead)


async def test_a_text_that_no_database_keeps_is_refused(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match="NUL"):
        await shelf.put([document("Person", "zoe", {"displayName": "Z\x00oe"})])
