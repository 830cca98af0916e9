"""Paging by hand on real rows: ask for somebody, escalate, restrict, and who may take a page."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.governance import actions as governance
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import IncidentId, uuid7
from tocsin.oncall import actions as oncall
from tocsin.oncall import reads
from tocsin.oncall.model import Brief, Page, PageState

pytestmark = pytest.mark.db

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
FOR_HOURS = NOON + timedelta(hours=9)
TOKEN = Actor(kind="token", id=uuid7(), name="ci", role=Role.RESPONDER)
BRIEF = Brief(number=1, title="checkout is down", summary="secret words", labels={"a": "b"})
SECOND = """
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: database}
spec: {steps: [{targets: [{person: boss}], timeout: 5m}]}
"""


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME + SECOND)
        yield world


async def fire(world: World) -> IncidentId:
    await world.signal(FIRE, ends_at=FOR_HOURS)
    [(incident_id,)] = await world.rows("SELECT id FROM command.incidents")
    return IncidentId(incident_id)


async def person(world: World, name: str, role: Role = Role.RESPONDER) -> Actor:
    [(uid,)] = await world.rows(f"SELECT uid FROM kernel.resources WHERE name = '{name}'")
    return Actor(kind="person", id=uid, name=name, role=role, person_id=uid)


async def request(
    world: World, incident_id: IncidentId, name: str, actor: Actor = TOKEN
) -> Page:
    return await world.app.units.run(
        actor, lambda unit: oncall.request_person(unit, incident_id, name, BRIEF)
    )


async def pages(world: World) -> list[tuple[str, bool]]:
    found = await world.rows("SELECT state, requested FROM oncall.pages ORDER BY id")
    return [(state, requested) for state, requested in found]


def told(world: World) -> list[str]:
    return [message.to for _, message in world.mail.sent]


# Grafana #4761: who was added to an acknowledged group could not stop their own pages.
async def test_who_is_asked_for_has_a_page_of_their_own_and_takes_it_themselves(
    world: World,
) -> None:
    incident_id = await fire(world)
    jonas, boss = await person(world, "jonas"), await person(world, "boss")
    await world.app.units.run(
        jonas, lambda unit: oncall.acknowledge_incident(unit, incident_id, channel="web")
    )
    page = await request(world, incident_id, "boss")
    await world.settle()
    assert told(world) == ["jonas@example.org", "boss@example.org"]
    assert "the one whom somebody asked for" in world.mail.sent[-1][1].text
    assert await pages(world) == [("acknowledged", False), ("triggered", True)]
    await world.app.units.run(
        boss, lambda unit: oncall.acknowledge(unit, page.id, channel="web")
    )
    assert await pages(world) == [("acknowledged", False), ("acknowledged", True)]
    assert "oncall.page_requested" in await world.story()


async def test_asking_for_the_same_person_again_changes_nothing(world: World) -> None:
    incident_id = await fire(world)
    first = await request(world, incident_id, "boss")
    again = await request(world, incident_id, "boss")
    assert first.id == again.id
    assert await pages(world) == [("triggered", False), ("triggered", True)]


async def test_who_was_asked_for_and_does_not_answer_is_backed_by_the_catch_all(
    world: World,
) -> None:
    incident_id = await fire(world)
    await world.app.units.run(
        TOKEN, lambda unit: oncall.acknowledge_incident(unit, incident_id, channel="api")
    )
    page = await request(world, incident_id, "maya")
    await world.forward(minutes=11)
    later = told(world)[1:]
    assert later[:2] == ["maya@example.org"] * 2
    assert "boss@example.org" in later
    [(catch,)] = await world.rows(f"SELECT catch FROM oncall.pages WHERE id = '{page.id}'")
    assert catch >= 1


async def test_a_policy_can_be_asked_for_beside_the_one_that_was_taken(world: World) -> None:
    incident_id = await fire(world)

    async def ask(name: str) -> Page:
        return await world.app.units.run(
            TOKEN, lambda unit: oncall.request_policy(unit, incident_id, name, BRIEF)
        )

    first = await ask("database")
    assert (await ask("database")).id == first.id
    await world.settle()
    assert "boss@example.org" in told(world)
    with pytest.raises(Invalid, match="known: database, default"):
        await ask("nobody")


async def test_who_cannot_be_reached_is_not_asked_for(world: World) -> None:
    incident_id = await fire(world)
    await world.apply(
        ACME.replace("{displayName: Bea Boss", "{active: false, displayName: Bea")
    )
    with pytest.raises(Invalid, match="boss is not active"):
        await request(world, incident_id, "boss")
    with pytest.raises(Invalid, match="no person named 'eve'"):
        await request(world, incident_id, "eve")


async def test_escalating_calls_the_next_step_now_and_fences_the_first(world: World) -> None:
    incident_id = await fire(world)
    await world.app.units.run(TOKEN, lambda unit: oncall.escalate(unit, incident_id))
    await world.settle()
    assert [(at - NOON).total_seconds() for at, _ in world.mail.sent] == [0, 0]
    assert await world.rows("SELECT epoch, step FROM oncall.pages") == [(2, 1)]
    assert "oncall.escalation_asked" in await world.story()


async def test_escalating_a_page_that_was_taken_looks_for_somebody_again(world: World) -> None:
    incident_id = await fire(world)
    await world.app.units.run(
        TOKEN, lambda unit: oncall.acknowledge_incident(unit, incident_id, channel="api")
    )
    [page] = await world.app.units.run(TOKEN, lambda unit: oncall.escalate(unit, incident_id))
    assert page.is_open


async def test_there_is_nothing_to_escalate_once_it_is_over(world: World) -> None:
    incident_id = await fire(world)
    await world.app.units.run(SYSTEM, lambda unit: oncall.resolve_pages(unit, incident_id))
    with pytest.raises(Conflict, match="page somebody"):
        await world.app.units.run(TOKEN, lambda unit: oncall.escalate(unit, incident_id))


async def test_each_policy_that_calls_has_one_page(world: World) -> None:
    incident_id = await fire(world)
    for name in ("default", "database", "database", "default", "unknown"):
        await world.app.units.run(
            SYSTEM,
            lambda unit, name=name: oncall.call(unit, incident_id, name, BRIEF),  # type: ignore[misc]
        )
    assert await pages(world) == [("triggered", False), ("triggered", False)]
    await world.settle()
    assert sorted(told(world)) == ["boss@example.org", "jonas@example.org"]


async def restrict(
    world: World, incident_id: IncidentId, visible_to: tuple[str, ...] | None
) -> None:
    await world.app.units.run(
        SYSTEM, lambda unit: oncall.restrict(unit, [incident_id], visible_to)
    )


async def test_the_pages_of_a_restricted_incident_are_seen_only_by_who_is_named(
    world: World,
) -> None:
    incident_id = await fire(world)
    maya, boss = await person(world, "maya"), await person(world, "boss", Role.VIEWER)
    await restrict(world, incident_id, (f"person:{boss.person_id}",))

    async def seen_by(actor: Actor) -> tuple[int, int]:
        async def read(unit) -> tuple[int, int]:  # type: ignore[no-untyped-def] # noqa: ANN001
            found = (await reads.pages_of(unit, [incident_id])).get(incident_id, [])
            [(page_id,)] = await world.rows("SELECT id FROM oncall.pages")
            sent = await reads.notifications_of(unit, [page_id])
            tries = await reads.attempts_of(unit, [one.id for one in sent])
            assert len(tries) == len(sent)
            return len(found), len(sent)

        return await world.app.units.run(actor, read)

    assert await seen_by(boss) == (1, 1)
    assert await seen_by(SYSTEM) == (1, 1)
    assert await seen_by(maya) == (0, 0)
    with pytest.raises(NotFound):
        await world.app.units.run(maya, lambda unit: oncall.escalate(unit, incident_id))
    with pytest.raises(NotFound):
        await world.app.units.run(
            maya, lambda unit: oncall.acknowledge_incident(unit, incident_id, channel="web")
        )
    await restrict(world, incident_id, None)
    assert await seen_by(maya) == (1, 1)


async def test_who_was_called_may_take_a_page_that_they_may_not_see(world: World) -> None:
    incident_id = await fire(world)
    jonas = await person(world, "jonas", Role.VIEWER)
    maya = await person(world, "maya", Role.VIEWER)
    await restrict(world, incident_id, ())
    [(page_id,)] = await world.rows("SELECT id FROM oncall.pages")

    async def take(actor: Actor) -> Page:
        return await world.app.units.run(
            actor, lambda unit: oncall.acknowledge(unit, page_id, channel="web")
        )

    with pytest.raises(NotFound):
        await take(maya)
    assert (await take(jonas)).state is PageState.ACKNOWLEDGED
    await restrict(world, incident_id, None)
    with pytest.raises(Forbidden, match="page:acknowledge"):
        await take(maya)


async def test_a_message_about_a_restricted_incident_says_only_that_there_is_one(
    world: World,
) -> None:
    incident_id = await fire(world)
    boss = await person(world, "boss")
    await restrict(world, incident_id, (f"person:{boss.person_id}",))
    await request(world, incident_id, "maya", boss)
    await request(world, incident_id, "boss", boss)
    await world.settle()
    maya_told, boss_told = (message for _, message in world.mail.sent[-2:])
    assert maya_told.subject == "A restricted incident, INC-1"
    assert "secret words" not in maya_told.text
    assert "/a/" in maya_told.text
    assert "secret words" in boss_told.text
    shown = await world.rows("SELECT show FROM oncall.attempts ORDER BY started_at, show")
    assert sorted(row[0] for row in shown) == ["full", "full", "reference"]


async def test_a_message_is_whole_for_whose_role_is_named(world: World) -> None:
    incident_id = await fire(world)
    boss = await person(world, "boss")
    await world.app.units.run(
        Actor(kind="token", id=uuid7(), name="admin", role=Role.ADMIN),
        lambda unit: governance.invite(unit, boss.id, Role.MANAGER),
    )
    await restrict(world, incident_id, ("role:manager",))
    await request(world, incident_id, "boss", SYSTEM)
    await world.settle()
    assert "secret words" in world.mail.sent[-1][1].text


async def test_a_new_page_of_a_restricted_incident_is_restricted_as_well(world: World) -> None:
    incident_id = await fire(world)
    await restrict(world, incident_id, ("role:admin",))
    await world.app.units.run(
        SYSTEM, lambda unit: oncall.call(unit, incident_id, "database", BRIEF)
    )
    assert await world.rows("SELECT visible_to FROM oncall.pages") == [(["role:admin"],)] * 2


async def test_a_role_in_a_team_counts_for_the_pages_of_that_team(world: World) -> None:
    team = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: payments}
spec: {displayName: Payments}
---"""
    owned = ACME.replace("  ackTimeout: 30m", "  ackTimeout: 30m\n  team: payments")
    await world.apply(team + owned)
    incident_id = await fire(world)
    boss = await person(world, "boss", Role.VIEWER)
    ours, theirs = (
        Actor(
            kind="person", id=boss.id, name="boss", role=Role.VIEWER, person_id=boss.id,
            teams={team: Role.RESPONDER},
        )
        for team in ("payments", "search")
    )  # fmt: skip
    with pytest.raises(Forbidden, match="in team payments"):
        await world.app.units.run(theirs, lambda unit: oncall.escalate(unit, incident_id))
    await world.app.units.run(ours, lambda unit: oncall.escalate(unit, incident_id))
