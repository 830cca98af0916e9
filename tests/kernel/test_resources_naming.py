"""What is not there is answered with what was probably meant."""

import pytest
from kernel_world import MAYA
from resources_shelf import Shelf, document

from tocsin.kernel.db import Database
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.resources.reads import exported, history, shown
from tocsin.kernel.unit import Unit

BEA = {"displayName": "Bea"}


@pytest.mark.parametrize(
    ("kind", "name", "words", "field"),
    [
        ("Persn", "beata", "there is no kind 'Persn'; did you mean Person? known: ", "kind"),
        (
            "Person",
            "beate",
            "no Person named 'beate'; did you mean beata? known: beata",
            "name",
        ),
        ("Schedule", "x", "no Schedule named 'x'; there is no Schedule at all", "name"),
    ],
)
async def test_a_kind_or_name_that_is_not_there_says_what_was_meant(
    database: Database, kind: str, name: str, words: str, field: str
) -> None:
    shelf = Shelf(database)
    await shelf.put([document("Person", "beata", BEA)])

    async def roll_back(unit: Unit) -> object:
        return await shelf.store.rollback(unit, kind, name, to=1)

    async def show(unit: Unit) -> object:
        return await shown(unit, shelf.store, kind, name)

    async def look_back(unit: Unit) -> object:
        return await history(unit, shelf.store, kind, name)

    for asked in (show, look_back, roll_back):
        with pytest.raises(NotFound) as caught:
            await shelf.units.run(MAYA, asked)
        assert words in caught.value.detail
        assert caught.value.field == field
    if field == "kind":
        with pytest.raises(NotFound, match="did you mean Person"):
            await shelf.units.run(MAYA, lambda unit: exported(unit, shelf.store, kind))


async def test_a_reference_that_leads_nowhere_says_what_was_meant(database: Database) -> None:
    shelf = Shelf(database)
    policy = {"steps": [{"targets": [{"person": "beate"}]}]}
    with pytest.raises(Invalid, match="no Person named 'beate'; did you mean beata"):
        await shelf.put(
            [document("Person", "beata", BEA), document("EscalationPolicy", "default", policy)]
        )
    with pytest.raises(Invalid, match="unknown kind; did you mean Person"):
        await shelf.put([document("Persn", "bea", BEA)])


async def test_a_time_zone_that_is_none_names_its_field(database: Database) -> None:
    shelf = Shelf(database)
    with pytest.raises(Invalid, match=r"Person/bea: spec\.timezone: 'Berlin' is no") as caught:
        await shelf.put([document("Person", "bea", BEA | {"timezone": "Berlin"})])
    assert caught.value.field == "spec.timezone"


async def test_a_field_of_another_type_of_contact_is_not_meant_itself(
    database: Database,
) -> None:
    shelf = Shelf(database)
    contact = [{"type": "ntfy", "url": "https://ntfy.example.org/bea"}]
    with pytest.raises(Invalid, match=r"contact\[0\]\.url: is no field here; ") as caught:
        await shelf.put([document("Person", "bea", BEA | {"contact": contact})])
    assert "did you mean url" not in caught.value.detail
