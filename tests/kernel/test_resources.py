"""Configuration: applied whole or not at all, twice without effect, and private in every history."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_world import NOON, recorded, rows
from msgspec import convert
from resources_shelf import Shelf, document

from fakes.world import ACME
from tocsin.app.wiring import KINDS
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Conflict, Forbidden, Invalid
from tocsin.kernel.ids import uuid7
from tocsin.kernel.resources import DOCUMENTS_MAX, Document
from tocsin.oncall.core.config import Directory
from tocsin.triage.model import Routing

pytestmark = pytest.mark.db

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


async def test_an_apply_is_one_revision_and_one_event_and_reaches_the_snapshot(
    shelf: Shelf,
) -> None:
    applied = await shelf.apply(ACME)
    assert applied.changed
    assert applied.changes == (
        "created Person/maya",
        "created Person/jonas",
        "created Person/boss",
        "created Schedule/primary",
        "created EscalationPolicy/default",
    )
    assert await recorded(shelf.database) == ["kernel.resources_applied"]
    await shelf.refresh()
    assert shelf.store.current.revision == applied.revision
    directory = shelf.store.current.part(Directory)
    assert {person.display_name for person in directory.people.values()} == {
        "Maya Okafor",
        "Jonas Weber",
        "Bea Boss",
    }
    assert list(directory.policies) == ["default"]


async def test_the_same_again_changes_nothing_and_leaves_no_trace(shelf: Shelf) -> None:
    first = await shelf.apply(ACME)
    before = await shelf.dump()
    again = await shelf.apply(ACME)
    assert not again.changed
    assert again.revision == first.revision
    assert {word.split()[0] for word in again.changes} == {"unchanged"}
    assert await shelf.dump() == before


async def test_the_organisation_that_is_shipped_can_be_applied(shelf: Shelf) -> None:
    for folder in {path.parent for path in EXAMPLES.rglob("*.yaml")}:
        if folder.name != "acme":
            continue
        text = "\n---\n".join(path.read_text() for path in sorted(folder.glob("*.yaml")))
        assert (await shelf.apply(text)).changed
        assert not (await shelf.apply(text)).changed


_names = st.sampled_from(["ada", "bob", "cy"])
_person = st.fixed_dictionaries(
    {"displayName": st.sampled_from(["Ada", "Bob", "Änne O'Hara"])},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        "active": st.booleans(),
        "contact": st.lists(
            st.sampled_from(
                [
                    {"type": "email", "address": "a@example.org"},
                    {"type": "email", "address": "b@example.org"},
                    {"type": "webhook", "url": "https://hooks.example.org/y", "secret": "s"},
                ]
            ),
            max_size=2,
        ),
    },
)
_route = st.fixed_dictionaries(
    {},
    optional={
        "order": st.integers(0, 5),
        "match": st.dictionaries(
            st.sampled_from(["service", "team"]), st.text("ab", min_size=1)
        ),
        "groupBy": st.lists(st.sampled_from(["service", "zone"]), unique=True),
        "groupWait": st.sampled_from(["0", "30s", "1m30s"]),
        "urgency": st.sampled_from(["high", "low"]),
    },
)
_documents = st.lists(
    st.one_of(
        st.builds(document, st.just("Person"), _names, _person),
        st.builds(document, st.just("Route"), _names, _route),
    ),
    max_size=4,
    unique_by=lambda one: (one.kind, one.metadata.name),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(one=_documents, two=_documents)
async def test_whatever_was_there_the_last_apply_wins_and_a_second_one_is_idle(
    shelf: Shelf, one: list[Document], two: list[Document]
) -> None:
    await shelf.put(one)
    await shelf.put(two)
    once = await shelf.dump()
    again = await shelf.put(two)
    assert not again.changed
    assert await shelf.dump() == once
    kept = await rows(
        shelf.database,
        """
        SELECT kind, name, spec || fields
          FROM kernel.resources JOIN kernel.resource_private USING (uid)
        """,
    )
    found = {(kind, name): spec for kind, name, spec in kept}
    specs = {kind.name: kind.spec for kind in KINDS}
    for wanted in two:
        spec = specs[wanted.kind]
        assert convert(found[wanted.key], spec) == convert(wanted.spec, spec)


async def test_each_change_is_a_version_with_the_instant_it_took_effect(shelf: Shelf) -> None:
    await shelf.apply(ACME)
    shelf.clock.forward(hours=1)
    applied = await shelf.apply(ACME.replace("Maya Okafor", "Maya O."))
    assert [word for word in applied.changes if not word.startswith("unchanged")] == [
        "changed Person/maya"
    ]
    assert await rows(
        shelf.database,
        """
        SELECT v.version, v.effective_from
          FROM kernel.resource_versions v JOIN kernel.resources r USING (uid)
         WHERE r.name = 'maya' ORDER BY 1
        """,
    ) == [(1, NOON), (2, NOON + timedelta(hours=1))]


async def test_what_is_not_named_stays_as_it_is(shelf: Shelf) -> None:
    await shelf.apply(ACME)
    await shelf.put([document("Person", "dana", {"displayName": "Dana"})])
    await shelf.refresh()
    assert len(shelf.store.current.part(Directory).people) == 4


async def test_an_address_never_reaches_history_or_log(shelf: Shelf) -> None:
    await shelf.apply(ACME)
    await shelf.apply(ACME.replace("maya@example.org", "m.okafor@example.net"))
    private = ("maya@example.org", "m.okafor@example.net", "hooks.example.org", "Okafor")
    for table in (
        "resource_versions",
        "resources",
        "revisions",
        "intake_log",
        "jobs",
        "parked",
    ):
        found = await rows(shelf.database, f"SELECT t::text FROM kernel.{table} t")
        raw = "\n".join(row[0] for row in found)
        assert not [word for word in private if word in raw], table
    [(kept,)] = await rows(
        shelf.database,
        "SELECT string_agg(fields::text, '') FROM kernel.resource_private",
    )
    assert "m.okafor@example.net" in kept
    assert "maya@example.org" not in kept  # current values only


async def test_a_commitment_to_a_private_value_cannot_be_guessed(shelf: Shelf) -> None:
    """Two people with one address have different commitments: a salt that was thrown away."""
    spec = {"displayName": "X", "contact": [{"type": "email", "address": "x@example.org"}]}
    await shelf.put([document("Person", name, spec) for name in ("one", "two")])
    found = await rows(
        shelf.database, "SELECT spec -> 'contact' ->> 'commit' FROM kernel.resource_versions"
    )
    assert len({row[0] for row in found}) == 2


PERSON = "apiVersion: tocsin/v1\nkind: Person\nmetadata: {name: maya}\nspec: {displayName: Maya"
SCHEDULE = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary}
spec: {timezone: ZONE, rotation: {start: "START", every: week, people: [PEOPLE]}}
"""
POLICY = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [TARGET], timeout: TIMEOUT}]}
"""


def schedule(zone: str = "UTC", start: str = "2026-01-05T09:00", people: str = "maya") -> str:
    text = SCHEDULE.replace("ZONE", zone).replace("START", start).replace("PEOPLE", people)
    return f"{PERSON}}}\n---{text}"


def policy(target: str = "{person: maya}", timeout: str = "5m") -> str:
    return f"{PERSON}}}\n---{POLICY.replace('TARGET', target).replace('TIMEOUT', timeout)}"


MISTAKES = [
    (f"{PERSON}, shoeSize: 43}}", ["Person/maya", "shoeSize"]),
    (f"{PERSON}, contact: [{{type: email, address: nobody}}]}}", ["Person/maya", "contact"]),
    (f"{PERSON}, contact: [{{type: fax, number: 1}}]}}", ["Person/maya", "contact", "fax"]),
    (f"{PERSON}, timezone: Mars/Olympus}}", ["Person/maya", "Mars/Olympus", "Europe/Berlin"]),
    (
        f"{PERSON}}}".replace("Person", "Persn"),
        ["Persn/maya", "known: ", "EscalationPolicy", "Person"],
    ),
    (f"{PERSON}}}".replace("/v1", "/v9"), ["Person/maya", "tocsin/v1"]),
    (schedule(zone="Berlin"), ["Schedule/primary", "Berlin", "Europe/Berlin"]),
    (schedule(start="2026-02-30T09:00"), ["Schedule/primary", "rotation.start"]),
    (schedule(start="monday"), ["Schedule/primary", "start"]),
    (schedule(people="maya, bob"), ["Schedule/primary", "people", "Person named 'bob'"]),
    (
        policy(target="{person: bob}"),
        ["EscalationPolicy/default", "spec.steps[0].targets", "bob"],
    ),
    (
        policy(target="{schedule: nights}"),
        ["EscalationPolicy/default", "Schedule named 'nights'"],
    ),
    (
        policy(target="{}"),
        ["EscalationPolicy/default", "spec.steps[0].targets", "one of person, schedule, team"],
    ),
    (policy(timeout="soon"), ["EscalationPolicy/default", "steps[0].timeout", "1h30m"]),
    (policy(timeout="0s"), ["EscalationPolicy/default", "steps[0].timeout", "at least 1s"]),
    (
        "apiVersion: tocsin/v1\nkind: Route\nmetadata: {name: web}\nspec: {policy: nobody}",
        ["Route/web", "spec.policy", "'nobody'"],
    ),
    (
        "apiVersion: tocsin/v1\nkind: Route\nmetadata: {name: web}\nspec: {matchRe: {a: '['}}",
        ["Route/web", "matchRe.a"],
    ),
]


async def test_a_mistake_is_named_with_its_document_its_field_and_its_cure(
    shelf: Shelf,
) -> None:
    for text, words in MISTAKES:
        error = await shelf.refused(text)
        assert not [word for word in words if word not in error.detail], error.detail
        assert error.field


async def test_one_mistake_among_good_documents_undoes_them_all(shelf: Shelf) -> None:
    await shelf.apply(ACME)
    await shelf.refused(
        ACME.replace("Maya Okafor", "Maya O.")
        + "---\n"
        + POLICY.replace("TARGET", "{person: x}").replace("default", "other")
    )
    await shelf.refresh()
    names = {p.display_name for p in shelf.store.current.part(Directory).people.values()}
    assert "Maya Okafor" in names


async def test_a_document_that_stands_twice_is_a_conflict(shelf: Shelf) -> None:
    before = await shelf.dump()
    with pytest.raises(Conflict, match="Person/maya stands twice"):
        await shelf.apply(f"{PERSON}}}\n---\n{PERSON} Two}}")
    assert await shelf.dump() == before


async def test_a_set_that_is_too_large_is_refused(shelf: Shelf) -> None:
    one = document("Person", "maya", {"displayName": "Maya"})
    with pytest.raises(Invalid, match=str(DOCUMENTS_MAX)):
        await shelf.put([one] * (DOCUMENTS_MAX + 1))


async def test_only_who_may_manage_applies(shelf: Shelf) -> None:
    for role in Role:
        actor = Actor(kind="token", id=uuid7(), name="ci", role=role)
        if role in (Role.MANAGER, Role.ADMIN, Role.SYSTEM):
            await shelf.apply(ACME, actor)
            continue
        with pytest.raises(Forbidden, match="resource:apply"):
            await shelf.apply(ACME, actor)


async def test_routes_are_asked_in_their_order_and_the_default_last(shelf: Shelf) -> None:
    specs = {
        "default": {},
        "late": {"order": 9},
        "b-early": {"order": 1},
        "a-early": {"order": 1},
    }
    await shelf.put([document("Route", name, spec) for name, spec in specs.items()])
    await shelf.refresh()
    routing = shelf.store.current.part(Routing)
    assert [route.name for route in routing.routes] == ["a-early", "b-early", "late"]
    assert routing.default.name == "default"
