"""What people do with incidents while alerts go on, and nobody who must hear of it goes unheard."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fakes.world import World
from tocsin.command import actions as command
from tocsin.command import reads as incidents
from tocsin.command.model import Opening
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.ids import IncidentId
from tocsin.kernel.vocabulary import Urgency
from tocsin.web.api.notify import NewPage, page_somebody

pytestmark = [pytest.mark.db, pytest.mark.journey]

BEA = Actor(kind="token", id=UUID(int=7), name="bea", role=Role.MANAGER)
DATABASE = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: database}
spec: {steps: [{targets: [{person: boss}]}], ackTimeout: 0s}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: everything}
spec: {order: 1, continue: true, groupBy: [service]}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: database}
spec: {order: 2, match: {layer: db}, policy: database}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: waits}
spec: {order: 0, match: {class: slow}, groupWait: 60s}
"""
PAYLOAD = {"summary": "Disk is full", "source": "web-7", "severity": "critical"}


def alert(world: World, name: str, *, over: bool = False, **labels: str) -> dict[str, Any]:
    now = world.clock.now()
    ends_at = now if over else now + timedelta(days=30)
    labels = {"alertname": name, "service": "checkout", "severity": "critical", **labels}
    return {
        "labels": labels, "startsAt": (now - timedelta(seconds=1)).isoformat(),
        "endsAt": ends_at.isoformat(),
    }  # fmt: skip


async def send(world: World, action: str, key: str = "k1", **more: Any) -> None:
    event = {"routing_key": world.token, "event_action": action, "dedup_key": key}
    if action == "trigger":
        event["payload"] = {**PAYLOAD, **more}
    answer = await world.http.post("/v2/enqueue", json=event)
    assert answer.status_code == 202, answer.text
    await world.settle()


async def incident_ids(world: World) -> list[IncidentId]:
    return [
        row[0] for row in await world.rows("SELECT id FROM command.incidents ORDER BY number")
    ]


async def statuses(world: World) -> list[str]:
    rows = await world.rows("SELECT status FROM command.incidents ORDER BY number")
    return [row[0] for row in rows]


async def pages(world: World) -> list[tuple[str, str]]:
    return await world.rows(
        """
        SELECT p.state, c.policy
          FROM oncall.pages p JOIN command.incident_pages c ON c.page_id = p.id
         ORDER BY p.opened_at, p.id
        """
    )


async def merge(world: World, one: IncidentId, into: IncidentId) -> None:
    await world.app.units.run(BEA, lambda unit: command.merge(unit, one, into))
    await world.settle()


async def test_what_reaches_a_further_policy_reopens_what_a_person_had_resolved(
    world: World,
) -> None:
    await world.apply(DATABASE)
    await world.post([alert(world, "Slow")])
    (incident_id,) = await incident_ids(world)
    await world.app.units.run(BEA, lambda unit: command.resolve(unit, incident_id))
    await world.forward(minutes=1)
    await world.post([alert(world, "Locked", layer="db")])
    assert await statuses(world) == ["investigating"]
    assert ("triggered", "database") in await pages(world)
    assert len(world.mail.to("boss@example.org")) == 1
    await world.app.units.run(BEA, lambda unit: command.resolve(unit, incident_id))
    await world.settle()
    assert {state for state, _ in await pages(world)} == {"resolved"}  # nobody is called on


async def test_an_incident_is_not_over_by_one_group_while_another_fires_again(
    world: World,
) -> None:
    for first, second in (("cart", "mail"), ("mail", "cart")):
        at = len(await incident_ids(world))
        await world.post([alert(world, "Down", service=first)])
        await world.post([alert(world, "Down", service=second)])
        one, other = (await incident_ids(world))[at:]
        await merge(world, one, other)
        await world.forward(seconds=30)
        await world.post([alert(world, "Down", service=second, over=True)])
        await world.forward(seconds=30)
        # in one batch the one comes back and the other ends
        await world.post(
            [
                alert(world, "Down", service=second),
                alert(world, "Down", service=first, over=True),
            ]
        )
        assert (await statuses(world))[-1] == "investigating"
        assert (await pages(world))[-1][0] == "triggered"
        await world.post([alert(world, "Down", service=second, over=True)])
        assert (await statuses(world))[-1] == "resolved"
        await world.forward(minutes=20)


async def test_who_was_called_for_what_is_merged_is_called_for_what_it_is_part_of(
    world: World,
) -> None:
    await world.apply(DATABASE)
    await world.post([alert(world, "Slow")])
    opening = Opening(title="The database is locked", policy="database", urgency=Urgency.HIGH)
    source = await world.app.units.run(BEA, lambda unit: command.open(unit, opening))
    await world.settle()
    target, _ = await incident_ids(world)
    await world.app.units.run(BEA, lambda unit: _take(unit, target))
    await merge(world, source.id, target)
    found = await pages(world)
    assert found.count(("triggered", "database")) == 1
    assert ("resolved", "database") in found


async def test_what_was_called_over_and_still_fires_is_paged_for_when_it_is_part_of_another(
    world: World,
) -> None:
    await world.post([alert(world, "Slow")])
    await world.post([alert(world, "Full", service="mail", severity="warning")])
    source, target = await incident_ids(world)
    await world.app.units.run(BEA, lambda unit: command.resolve(unit, source))
    await merge(world, source, target)
    assert await statuses(world) == ["closed", "investigating"]
    assert [state for state, _ in await pages(world)] == ["resolved", "triggered"]


async def test_whoever_reopens_what_was_split_off_and_fires_has_somebody_called(
    world: World,
) -> None:
    await world.post([alert(world, "Slow")])
    await world.post([alert(world, "Slow", service="mail")])
    source, target = await incident_ids(world)
    await merge(world, source, target)
    await world.app.units.run(BEA, lambda unit: command.resolve(unit, target))
    ((group_id,),) = await world.rows("SELECT id FROM triage.groups ORDER BY id LIMIT 1")
    part = await world.app.units.run(
        BEA, lambda unit: command.split(unit, target, [group_id], "One part of it")
    )
    await world.settle()
    assert {state for state, _ in await pages(world)} == {"resolved"}
    await world.app.units.run(BEA, lambda unit: command.reopen(unit, part.id))
    await world.settle()
    assert (await pages(world))[-1][0] == "triggered"


async def test_what_is_left_of_an_incident_without_alerts_is_over(world: World) -> None:
    await world.post([alert(world, "Slow")])
    await world.post([alert(world, "Slow", service="mail")])
    source, target = await incident_ids(world)
    await merge(world, source, target)
    await world.post([alert(world, "Slow", over=True)])
    rows = await world.rows("SELECT id FROM triage.groups WHERE firing_count > 0")
    await world.app.units.run(
        BEA, lambda unit: command.split(unit, target, [rows[0][0]], "What goes on")
    )
    await world.settle()
    assert await statuses(world) == ["closed", "resolved", "investigating"]
    assert [state for state, _ in await pages(world)][-2:] == ["resolved", "triggered"]


async def _take(unit: Any, incident_id: IncidentId) -> None:
    from tocsin.oncall import actions as oncall

    await oncall.acknowledge_incident(unit, incident_id, channel="api")


async def test_a_trigger_after_a_resolve_by_hand_calls_somebody(world: World) -> None:
    await send(world, "trigger")
    ids = [row[0] for row in await world.rows("SELECT id FROM triage.alerts")]
    answer = await world.http.post(
        "/api/v1/alerts/resolve", json={"alerts": [str(one) for one in ids]},
        headers=world.bearer,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    await world.settle()
    assert await statuses(world) == ["resolved"]
    sent = len(world.mail.sent)
    await world.forward(hours=5)
    await send(world, "trigger")  # nothing but a new event makes this sender speak
    assert len(world.mail.sent) == sent + 1


async def test_what_its_sender_acknowledges_while_it_waits_calls_nobody(world: World) -> None:
    await world.apply(DATABASE)
    await send(world, "trigger", **{"class": "slow"})
    await world.forward(seconds=20)
    await send(world, "acknowledge")
    await world.forward(minutes=25)
    assert world.mail.sent == []
    assert await pages(world) == [("acknowledged", "default")]
    assert await statuses(world) == ["investigating"]
    await world.forward(minutes=10)  # as any acknowledgement, it runs out
    assert len(world.mail.sent) == 1


async def test_a_sender_takes_no_page_but_those_that_its_own_alert_calls_by(
    world: World,
) -> None:
    await world.apply(DATABASE)
    await send(world, "trigger")
    await world.post([alert(world, "Locked", service="mail", layer="db")])
    source, target = await incident_ids(world)
    await merge(world, source, target)
    incident = await world.app.units.run(
        BEA, lambda unit: incidents.incident(unit, str(target))
    )
    await world.app.units.run(
        BEA, lambda unit: page_somebody(unit, incident, NewPage(person="boss"))
    )
    await world.settle()
    await send(world, "acknowledge")
    open_pages = [policy for state, policy in await pages(world) if state == "triggered"]
    assert sorted(open_pages) == ["", "database"]


async def test_a_sender_that_has_what_wakes_nobody_takes_no_page(world: World) -> None:
    await send(world, "trigger", severity="warning")
    await world.post([alert(world, "Slow", service="mail")])
    source, target = await incident_ids(world)
    await merge(world, source, target)
    await send(world, "acknowledge")
    assert await pages(world) == [("triggered", "default")]


async def test_an_event_that_has_become_worse_calls_somebody(world: World) -> None:
    await send(world, "trigger", severity="warning")
    assert world.mail.sent == []
    await send(world, "trigger", severity="critical")
    assert len(world.mail.sent) == 1
    query = "SELECT labels ->> 'severity', urgency, seen_count FROM triage.alerts"
    assert await world.rows(query) == [("critical", "high", 2)]
    await send(world, "trigger", severity="warning")
    assert await pages(world) == [("triggered", "default")]
    await send(world, "resolve")
    await world.forward(minutes=20)
    await send(world, "trigger", severity="info")
    assert await world.rows(query) == [("info", "low", 5)]


async def test_what_is_new_after_the_senders_acknowledgement_calls_somebody(
    world: World,
) -> None:
    await world.apply(DATABASE)
    await send(world, "trigger", **{"class": "slow"})
    await send(world, "acknowledge")
    await world.forward(seconds=20)
    await send(world, "trigger", "k2", source="web-8", **{"class": "slow"})
    await world.forward(minutes=2)
    assert len(world.mail.sent) == 1
