"""Plan and apply warn of what they name, and of what they bring about in what they do not name."""

from resources_shelf import Shelf, document

from tocsin.kernel.db import Database

BEA = {"displayName": "Bea", "contact": [{"type": "email", "address": "bea@example.org"}]}
TURNS = {
    "timezone": "UTC",
    "rotation": {"start": "2026-01-05T09:00", "every": "week", "people": ["bea"]},
}
CALL = {"steps": [{"targets": [{"schedule": "primary"}]}]}
ENDS = "policy default ends with nobody when nobody acknowledges"


async def test_a_warning_comes_with_what_it_is_about_and_with_what_causes_it(
    database: Database,
) -> None:
    shelf = Shelf(database)
    policy = document("EscalationPolicy", "default", CALL)
    found = [document("Person", "bea", BEA), document("Schedule", "primary", TURNS), policy]
    planned = (await shelf.plan(found)).warnings
    assert [one.partition(":")[0] for one in planned] == [ENDS]
    applied = await shelf.put(found)
    again = await shelf.put([policy])
    assert applied.warnings == again.warnings == planned
    assert not again.changed
    elsewhere = await shelf.put([document("Person", "cid", BEA)])
    assert elsewhere.warnings == ()
    silent = await shelf.plan([document("Person", "bea", BEA | {"contact": []})])
    told = "Bea takes turns in schedule primary and has no contact method; add spec.contact"
    assert told in silent.warnings
    assert any("the default route pages nobody" in one for one in silent.warnings)
