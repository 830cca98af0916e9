"""Configuration that comes into force later: exactly then, if it still works, and never by half."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from kernel_world import MAYA, NOON, recorded, rows
from msgspec.structs import replace
from resources_shelf import Shelf, document

from fakes.world import ACME
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.resources import Document
from tocsin.kernel.resources.model import INSTANTS_MAX, Metadata
from tocsin.kernel.resources.reads import History, history, shown
from tocsin.oncall.core.config import Directory

pytestmark = pytest.mark.db
MONDAY = datetime.fromisoformat("2026-03-30T09:00+02:00")
FAILED = "kernel.scheduled_resources_failed"


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    """Acme, on a Friday at noon."""
    found = Shelf(database)
    await found.apply(ACME)
    return found


def primary(*people: str, since: datetime | None = MONDAY) -> Document:
    rotation = {"start": "2026-01-05T09:00", "every": "week", "people": list(people)}
    found = document("Schedule", "primary", {"timezone": "Europe/Berlin", "rotation": rotation})
    return replace(found, metadata=Metadata("primary", since))


async def people(shelf: Shelf) -> list[str]:
    """Return who takes turns in what is in force."""
    await shelf.refresh()
    directory = shelf.store.current.part(Directory)
    [schedule] = directory.schedules.values()
    return [directory.people[one].name for one in schedule.people]


async def past(shelf: Shelf, kind: str = "Schedule", name: str = "primary") -> History:
    return await shelf.units.run(MAYA, lambda unit: history(unit, shelf.store, kind, name))


async def scheduled(shelf: Shelf) -> list[tuple[Any, ...]]:
    return await rows(
        shelf.database, "SELECT name, effective_from FROM kernel.resource_scheduled ORDER BY 2"
    )


async def test_what_is_scheduled_comes_into_force_at_its_instant_and_not_before(
    shelf: Shelf,
) -> None:
    applied = await shelf.put([primary("jonas")])
    assert applied.changed
    assert applied.revision == 1  # nothing is in force yet
    assert applied.changes == ("scheduled Schedule/primary from 2026-03-30T07:00:00Z",)
    assert not (await shelf.put([primary("jonas")])).changed
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds() - 1)
    assert await people(shelf) == ["maya", "jonas"]
    [coming] = (await past(shelf)).scheduled
    assert (coming.effective_from, coming.failure) == (MONDAY, None)
    assert [change.path for change in coming.changes] == ["spec.rotation.people"]
    await shelf.forward(seconds=1)
    assert await people(shelf) == ["jonas"]
    assert await scheduled(shelf) == []
    newest = (await past(shelf)).versions[0]
    assert (newest.version, newest.at) == (2, MONDAY)
    assert newest.by == f"person:{MAYA.id}"  # who wrote it down, not who woke up for it
    assert (await recorded(shelf.database))[-2:] == [
        "kernel.resources_scheduled", "kernel.resources_applied",
    ]  # fmt: skip
    assert not (await shelf.put([primary("jonas")])).changed  # the file keeps its date


async def test_a_plan_says_from_when_it_pages_whom(shelf: Shelf) -> None:
    plan = await shelf.plan([primary("maya")])
    moved = "the default route pages Maya Okafor instead of Jonas Weber"
    assert plan.words == (
        f"{moved} from Monday 6 April 09:00 (Europe/Berlin)",
        "Jonas Weber is no longer on call for primary from Monday 09:00 (Europe/Berlin)",
    )


async def test_a_file_may_say_what_holds_now_and_what_will(shelf: Shelf) -> None:
    both = [primary("maya", since=None), primary("jonas")]
    applied = await shelf.put(both)
    assert [word.split()[0] for word in applied.changes] == ["changed", "scheduled"]
    assert await people(shelf) == ["maya"]
    assert not (await shelf.put(both)).changed
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds())
    assert await people(shelf) == ["jonas"]
    assert not (await shelf.put(both)).changed  # the newest that is due holds


async def test_another_date_replaces_the_one_before(shelf: Shelf) -> None:
    await shelf.put([primary("jonas")])
    tuesday = MONDAY + timedelta(days=1)
    applied = await shelf.put([primary("jonas", since=tuesday)])
    assert applied.changes == (
        "scheduled Schedule/primary from 2026-03-31T07:00:00Z",
        "cancelled Schedule/primary from 2026-03-30T07:00:00Z",
    )
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds())
    assert await people(shelf) == ["maya", "jonas"]
    await shelf.forward(hours=24)
    assert await people(shelf) == ["jonas"]


async def test_what_is_named_for_now_alone_keeps_what_is_scheduled_unless_pruned(
    shelf: Shelf,
) -> None:
    await shelf.put([primary("jonas")])
    applied = await shelf.put([primary("maya", since=None)])
    assert len(await scheduled(shelf)) == 1
    again = await shelf.plan([primary("maya", since=None)])
    assert not again.changed
    for warnings in (applied.warnings, again.warnings):
        assert warnings[0].startswith("Schedule/primary changes again at 2026-03-30 07:00 UTC")
    for documents in ([primary("maya", since=None), primary("jonas")], [primary("jonas")]):
        assert "again" not in str((await shelf.plan(documents)).warnings)
    everything = [one for one in await shelf.export() if one.metadata.effective_from is None]
    applied = await shelf.put(everything, prune=True)
    assert applied.changes[-1].startswith("cancelled") or "cancelled" in str(applied.changes)
    assert await scheduled(shelf) == []


async def test_an_export_carries_what_is_scheduled(shelf: Shelf) -> None:
    await shelf.put([primary("jonas")])
    exported = await shelf.export()
    assert (exported[-1].key, exported[-1].metadata.effective_from) == (
        ("Schedule", "primary"), MONDAY,
    )  # fmt: skip
    assert not (await shelf.plan(exported, prune=True)).changed


async def test_cancelled_is_cancelled(shelf: Shelf) -> None:
    await shelf.put([primary("jonas")])
    done = await shelf.units.run(
        MAYA, lambda unit: shelf.store.cancel(unit, "Schedule", "primary")
    )
    assert done.changes == ("cancelled Schedule/primary from 2026-03-30T07:00:00Z",)
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds())
    assert await people(shelf) == ["maya", "jonas"]
    with pytest.raises(NotFound, match="nothing is scheduled"):
        await shelf.units.run(
            MAYA, lambda unit: shelf.store.cancel(unit, "Schedule", "primary")
        )


async def test_what_could_never_work_is_not_even_scheduled(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match=r"no Person named 'nobody'.*from 2026-03-30"):
        await shelf.put([primary("nobody")])
    assert await scheduled(shelf) == []


async def test_what_is_scheduled_holds_on_to_what_it_needs(shelf: Shelf) -> None:
    zoe = document("Person", "zoe", {"displayName": "Zoe"})
    await shelf.put([zoe, primary("zoe")])
    with pytest.raises(Conflict, match=r"Schedule/primary points at Person/zoe.*scheduled"):
        await shelf.units.run(
            MAYA,
            lambda unit: shelf.store.delete(unit, "Person", "zoe", take_over=True),
        )


async def test_a_new_resource_may_be_scheduled_with_what_it_needs(shelf: Shelf) -> None:
    zoe = document("Person", "zoe", {"displayName": "Zoe"})
    zoe = replace(zoe, metadata=Metadata("zoe", MONDAY))
    await shelf.put([primary("zoe"), zoe])
    with pytest.raises(NotFound):
        await shelf.units.run(MAYA, lambda unit: shown(unit, shelf.store, "Person", "zoe"))
    assert len((await past(shelf, "Person", "zoe")).scheduled) == 1
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds())
    assert await people(shelf) == ["zoe"]


async def break_what_waits(shelf: Shelf) -> None:
    """What a new version of Tocsin may do: a kind no longer takes what was written."""
    await rows(
        shelf.database,
        """UPDATE kernel.resource_scheduled SET spec = jsonb_set(spec, '{timezone}', '"Mars"')""",
    )


async def test_what_no_longer_works_when_it_is_due_leaves_everything_as_it_was(
    shelf: Shelf,
) -> None:
    zoe = document("Person", "zoe", {"displayName": "Zoe"})
    zoe = replace(zoe, metadata=Metadata("zoe", MONDAY))
    await shelf.put([primary("zoe"), zoe])
    await break_what_waits(shelf)
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds())
    assert await people(shelf) == ["maya", "jonas"]
    assert (await recorded(shelf.database))[-1] == FAILED
    [coming] = (await past(shelf)).scheduled
    assert "Mars" in str(coming.failure)
    [other] = (await past(shelf, "Person", "zoe")).scheduled
    assert other.failure  # together, or not at all
    await shelf.forward(hours=24)
    assert (await recorded(shelf.database)).count(FAILED) == 1  # said once


async def test_a_mended_set_takes_the_place_of_one_that_failed(shelf: Shelf) -> None:
    await shelf.put([primary("jonas")])
    await break_what_waits(shelf)
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds())
    assert (await shelf.put([primary("jonas")])).changed
    assert await people(shelf) == ["jonas"]
    assert await scheduled(shelf) == []


async def test_a_deletion_takes_what_was_scheduled_with_it(shelf: Shelf) -> None:
    web = document("Route", "web", {})
    await shelf.put([web])
    await shelf.put([replace(web, metadata=Metadata("web", MONDAY), spec={"order": 7})])
    done = await shelf.units.run(
        MAYA, lambda unit: shelf.store.delete(unit, "Route", "web", take_over=True)
    )
    assert done.changes == (
        "deleted Route/web", "cancelled Route/web from 2026-03-30T07:00:00Z",
    )  # fmt: skip


async def test_there_are_only_so_many_instants(shelf: Shelf) -> None:
    many = [
        primary("maya" if n % 2 else "jonas", since=MONDAY + timedelta(hours=n))
        for n in range(INSTANTS_MAX + 1)
    ]
    with pytest.raises(Invalid, match=f"at most .* at {INSTANTS_MAX}"):
        await shelf.put(many)


async def test_an_address_that_waits_is_in_no_history_and_no_log(shelf: Shelf) -> None:
    contact = [{"type": "email", "address": "later@example.org"}]
    maya = document("Person", "maya", {"displayName": "Maya Okafor", "contact": contact})
    await shelf.put([replace(maya, metadata=Metadata("maya", MONDAY))])
    for table in ("resources", "resource_versions", "revisions", "intake_log", "jobs"):
        found = await rows(shelf.database, f"SELECT t::text FROM kernel.{table} t")
        assert "later@example.org" not in str(found), table
        assert "Person/maya" not in str(found), table
    await shelf.forward(seconds=(MONDAY - NOON).total_seconds())
    assert "later@example.org" not in str(await scheduled(shelf))
