"""What a newer release has stored stops nobody: what is unknown is left aside, said, and kept."""

import pytest
from kernel_world import MAYA, rows
from resources_shelf import Shelf, document

from fakes.world import ACME
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.resources import Store
from tocsin.kernel.resources.reads import exported, shown
from tocsin.oncall.core.config import Directory
from tocsin.triage.model import Routing

pytestmark = pytest.mark.db
REVISION = """
INSERT INTO kernel.revisions (revision, applied_at, applied_by)
SELECT max(revision) + 1, now(), 'node:newer' FROM kernel.revisions
"""
FIELD = """
UPDATE kernel.resources SET spec = spec || '{"futureField": 1}' WHERE kind = 'Schedule'
"""
DEEP = """
UPDATE kernel.resource_private
   SET fields = jsonb_set(fields, '{contact,0,futureField}', '1')
 WHERE uid = (SELECT uid FROM kernel.resources WHERE name = 'maya')
"""
KIND = """
INSERT INTO kernel.resources (uid, kind, name, version, spec, managed_by)
VALUES (gen_random_uuid(), 'Runbook', 'web', 1, '{"steps": []}', 'file')
"""
VALUE = """
UPDATE kernel.resources SET spec = spec || '{"timezone": "Mars/Olympus"}' WHERE kind = 'Schedule'
"""
NO_VALUE = """
UPDATE kernel.resources SET spec = spec || '{"rotation": 7}' WHERE kind = 'Schedule'
"""
ROUTE = "{apiVersion: tocsin/v1, kind: Route, metadata: {name: web}, spec: {policy: default}}"


async def acme(database: Database) -> Shelf:
    shelf = Shelf(database)
    await shelf.apply(ACME)
    await shelf.refresh()
    return shelf


async def newer(shelf: Shelf, statement: str) -> None:
    """Do what a node of a newer release does."""
    async with shelf.database.connection() as conn:
        await conn.execute(statement.encode())
        await conn.execute(REVISION)
    await shelf.refresh()


def again(shelf: Shelf) -> Shelf:
    """Start another process of the same release."""
    return Shelf(shelf.database)


@pytest.mark.parametrize(
    ("statement", "field"),
    [(FIELD, "Schedule: spec.futureField"), (DEEP, "Person: spec.contact.futureField")],
)
async def test_a_field_of_a_newer_release_is_left_aside_and_named(
    database: Database, statement: str, field: str
) -> None:
    shelf = await acme(database)
    before = shelf.store.current
    await newer(shelf, statement)
    assert shelf.store.current.revision == before.revision + 1
    assert shelf.store.current.part(Directory) == before.part(Directory)
    assert shelf.store.newer == (field,)
    assert shelf.store.unread == ()
    fresh = again(shelf)
    await fresh.refresh()
    assert fresh.store.current.part(Directory) == before.part(Directory)


async def test_the_older_node_says_all_else_and_refuses_to_lose_the_field(
    database: Database,
) -> None:
    shelf = await acme(database)
    await newer(shelf, FIELD)
    zone = ACME.replace("Europe/Berlin", "Europe/Vienna")
    with pytest.raises(Conflict, match=r"Schedule/primary: .*spec\.futureField.*newer") as no:
        await shelf.apply(zone)
    assert no.value.field == "spec.futureField"
    [schedule] = [one for one in await shelf.export() if one.kind == "Schedule"]
    schedule.spec["timezone"] = "Europe/Vienna"
    with pytest.raises(Conflict, match="futureField"):
        await shelf.plan([schedule])
    assert not (await shelf.apply(ACME)).changed  # the same again changes nothing
    await shelf.apply(ROUTE)  # what is not newer can be changed
    found = await rows(
        database, "SELECT spec -> 'futureField' FROM kernel.resources WHERE kind = 'Schedule'"
    )
    assert found == [(1,)]


async def test_a_new_field_that_nobody_has_written_is_in_nobodys_way(
    database: Database,
) -> None:
    shelf = await acme(database)
    await newer(shelf, FIELD.replace("1}", 'null, "b": "", "c": [], "d": {}, "e": false}'))
    assert shelf.store.newer == ()
    await shelf.apply(ACME.replace("Europe/Berlin", "Europe/Vienna"))
    await newer(shelf, FIELD.replace("1}", "0}"))
    assert shelf.store.newer == ("Schedule: spec.futureField",)


async def test_what_people_write_is_read_strictly_all_the_same(database: Database) -> None:
    shelf = await acme(database)
    await newer(shelf, FIELD)
    refused = await shelf.refused(ROUTE.replace("policy:", "futureField: 1, policy:"))
    assert "spec.futureField: is no field here" in refused.detail


async def test_a_kind_of_a_newer_release_is_left_alone(database: Database) -> None:
    shelf = await acme(database)
    await newer(shelf, KIND)
    assert shelf.store.newer == ("Runbook",)
    await shelf.apply(ROUTE)
    await shelf.refresh()
    assert len(shelf.store.current.part(Routing).routes) == 1
    everything = [one for one in await shelf.export() if one.kind != "Route"]
    applied = await shelf.put(everything, prune=True)
    assert applied.changes[-1] == "deleted Route/web"
    kept = await rows(
        database, "SELECT name FROM kernel.resources WHERE kind = 'Runbook' AND NOT deleted"
    )
    assert kept == [("web",)]
    for read in (
        lambda unit: shown(unit, shelf.store, "Runbook", "web"),
        lambda unit: shelf.store.delete(unit, "Runbook", "web"),
        lambda unit: exported(unit, shelf.store, "Runbook"),
    ):
        with pytest.raises(NotFound, match="there is no kind 'Runbook'"):
            await shelf.units.run(MAYA, read)


@pytest.mark.parametrize(("statement", "why"), [(VALUE, "timezone"), (NO_VALUE, "rotation")])
async def test_what_is_not_understood_stays_as_it_was_and_all_else_goes_on(
    database: Database, statement: str, why: str
) -> None:
    shelf = await acme(database)
    before = shelf.store.current
    await newer(shelf, statement)
    now = shelf.store.current
    assert now.revision == before.revision + 1
    assert now.part(Directory).schedules == before.part(Directory).schedules
    [said] = shelf.store.unread
    assert said.startswith("Schedule/primary")
    assert "as it was before" in said
    await newer(
        shelf,
        "UPDATE kernel.resources SET spec = spec || '{\"repeat\": 2}' WHERE kind = 'EscalationPolicy'",
    )
    assert shelf.store.current.part(Directory).policy("default").repeat == 2
    with pytest.raises(Invalid, match=why):
        await shelf.apply(ROUTE)  # who writes is told
    await shelf.apply(ACME)  # and it can be mended
    await shelf.refresh()
    assert shelf.store.unread == ()


@pytest.mark.parametrize("statement", [VALUE, NO_VALUE])
async def test_a_process_that_starts_leaves_out_what_it_does_not_understand(
    database: Database, statement: str
) -> None:
    shelf = await acme(database)
    policy = shelf.store.current.part(Directory).policy("default")
    await newer(shelf, statement)
    fresh = again(shelf)
    await fresh.refresh()
    directory = fresh.store.current.part(Directory)
    assert directory.schedules == {}
    assert directory.policy("default") == policy  # its other targets are called
    [said] = fresh.store.unread
    assert "left out" in said
    ladder = directory.ladder(policy.id, fresh.clock.now())
    assert any(rung.reach for rung in ladder.rungs)


async def test_who_is_left_out_is_not_named(database: Database) -> None:
    shelf = await acme(database)
    await newer(
        shelf,
        "UPDATE kernel.resource_private SET fields = fields || '{\"contact\": 7}'"
        " WHERE uid = (SELECT uid FROM kernel.resources WHERE name = 'maya')",
    )
    [said] = shelf.store.unread
    assert "maya" not in said
    assert said.startswith("Person/")


async def test_a_configuration_that_cannot_be_compiled_at_all_leaves_what_was(
    database: Database,
) -> None:
    shelf = await acme(database)
    before = shelf.store.current

    def broken(_resources: object) -> object:
        raise ZeroDivisionError

    store: Store = shelf.store
    store.checker.compilers = (*store.checker.compilers, broken)
    await newer(shelf, FIELD)
    assert store.current.parts == before.parts
    assert store.current.revision == before.revision + 1
    assert store.unread == ("the configuration cannot be compiled (ZeroDivisionError)",)


async def test_what_is_scheduled_in_words_that_are_not_understood_waits_for_who_does(
    database: Database,
) -> None:
    shelf = await acme(database)
    await shelf.apply(
        ROUTE.replace("name: web", "name: web, effectiveFrom: 2026-03-27T13:00:00Z")
    )
    await newer(shelf, NO_VALUE)
    await shelf.forward(hours=1)
    count = "SELECT failure FROM kernel.resource_scheduled"
    assert await rows(database, count) == [(None,)]
    await shelf.apply(ACME)
    await shelf.forward(minutes=1)
    assert await rows(database, count) == []


async def test_what_comes_into_force_keeps_the_fields_of_a_newer_release(
    database: Database,
) -> None:
    shelf = await acme(database)
    later = document("Route", "web", {"policy": "default"})
    await shelf.apply(
        ROUTE.replace("name: web", "name: web, effectiveFrom: 2026-03-27T13:00:00Z")
    )
    assert later.kind == "Route"
    await newer(
        shelf, "UPDATE kernel.resource_scheduled SET spec = spec || '{\"futureField\": 1}'"
    )
    await shelf.forward(hours=1)
    found = await rows(
        database, "SELECT spec -> 'futureField' FROM kernel.resources WHERE kind = 'Route'"
    )
    assert found == [(1,)]
