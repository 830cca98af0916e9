"""Low urgency, notification rules, bundles, turns and webhooks on real rows."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import yaml
from paging_world import (
    BOSS,
    FIRE,
    JONAS,
    LOUD,
    MAYA,
    NTFY,
    PEOPLE,
    STATES,
    TOKEN,
    do,
    fire,
    to,
)

from fakes.world import ACME, NOON, World, running
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall.model import Brief
from tocsin.oncall.ports import PermanentFailure, Sent

pytestmark = pytest.mark.db


# Grafana #4846: nobody on call at the hour, and the page never delivered afterwards.
async def test_a_low_page_is_held_outside_of_support_hours_and_delivered_when_they_begin(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    await world.forward(hours=6)  # Friday 18:00
    await fire(world, severity="low")
    assert await world.rows("SELECT state, urgency FROM oncall.pages") == [("held", "low")]
    assert await world.rows("SELECT state FROM command.incident_pages") == [("held",)]
    await world.forward(hours=60)  # Monday 06:00
    assert to(world, JONAS) == []
    await world.forward(hours=3.1)
    assert to(world, JONAS) == [(2 * 24 + 21) * 60]
    assert (await world.story()).count("oncall.page_held") == 1


# Grafana #1206: a chain paused by a time range was never resumed after a restart.
async def test_a_held_page_that_has_lost_its_timer_is_set_going_again(world: World) -> None:
    await world.apply(PEOPLE)
    await world.forward(hours=6)
    await fire(world, severity="low")
    async with world.app.db.connection() as conn:
        await conn.execute("DELETE FROM kernel.jobs WHERE kind = 'oncall.page_timer'")
    restored = await do(world, oncall.watch, SYSTEM)
    assert len(restored) == 1
    await world.forward(hours=64)
    assert (2 * 24 + 21) * 60 in to(world, JONAS)  # beside the alarm about it


async def test_a_low_page_that_becomes_urgent_is_called_at_once(world: World) -> None:
    await world.apply(PEOPLE)
    await world.forward(hours=6)
    await fire(world, severity="low")
    assert to(world, JONAS) == []
    await world.apply(LOUD)
    await fire(world, severity="low", instance="b")
    await world.forward(minutes=10)
    assert len(to(world, JONAS)) > 0
    assert "now it is" in world.mail.sent[0][1].text
    assert await world.rows("SELECT DISTINCT urgency FROM oncall.pages") == [("high",)]


async def test_rules_tell_by_each_method_at_its_instant_and_the_next_step_cancels_none(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    await world.apply(
        """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: rules}
spec:
  steps:
    - {targets: [{person: nora}], timeout: 1m}
    - {targets: [{person: omar}], timeout: 10m}
"""
    )
    page_id = await fire(world, team="rules")
    await world.forward(minutes=3)
    assert to(world, f"{NTFY}nora") == [0]
    assert to(world, f"{NTFY}omar") == [1]
    assert to(world, "+491700000001") == [2]
    await do(world, lambda u: oncall.acknowledge(u, page_id, channel="API"))


async def test_an_acknowledgement_cancels_the_rules_that_wait(world: World) -> None:
    await world.apply(PEOPLE)
    page_id = await fire(world, team="rules")
    await do(world, lambda u: oncall.acknowledge(u, page_id, channel="API"))
    await world.forward(minutes=5)
    assert to(world, "+491700000001") == []


# Grafana #2622: no reception, and nobody tried the next means at once.
async def test_a_method_that_fails_is_followed_by_the_next_rule_at_once(world: World) -> None:
    await world.apply(PEOPLE)
    world.mail.judge = lambda message: (
        PermanentFailure("gone") if message.to.startswith(NTFY) else Sent("ok")
    )
    await fire(world, team="rules")
    assert to(world, "+491700000001") == [0]
    await world.forward(minutes=3)
    assert to(world, "+491700000001") == [0]


async def test_pages_to_one_phone_within_a_minute_leave_together(world: World) -> None:
    await world.apply(PEOPLE)
    for service in ("a", "b", "c"):
        await fire(world, team="rules", service=service)
        await world.forward(seconds=10)
    assert to(world, f"{NTFY}nora") == [0]
    await world.forward(seconds=45)
    assert to(world, f"{NTFY}nora") == [0, 1]
    message = world.mail.sent[1][1]
    assert message.subject == "2 pages: INC-2, INC-3"
    assert message.text.count("Acknowledge: http") == 2
    rows = await world.rows(
        "SELECT n.state, count(a.*) FROM oncall.notifications n LEFT JOIN oncall.attempts a"
        " ON a.notification_id = n.id WHERE n.kind = 'ntfy' GROUP BY n.id, n.state"
    )
    assert rows == [("sent", 1)] * 3
    # one tap takes all of them
    path = message.ack_link.partition("/a/")[2]
    answer = await world.http.post(f"/a/{path}")
    assert answer.status_code == 200
    assert sorted(await world.rows(STATES)) == [
        ("acknowledged",), ("acknowledged",), ("triggered",)
    ]  # fmt: skip


async def test_what_was_acknowledged_while_it_gathered_is_not_sent(world: World) -> None:
    await world.apply(PEOPLE)
    pages = [await fire(world, team="rules", service=service) for service in ("a", "b", "c")]
    for page_id in (pages[0], pages[1]):
        await do(world, lambda u, p=page_id: oncall.acknowledge(u, p, channel="API"))
    await world.forward(minutes=1.5)
    assert to(world, f"{NTFY}nora") == [0, 1]
    assert "INC-3" in world.mail.sent[1][1].subject
    assert "INC-2" not in world.mail.sent[1][1].text


async def test_a_bundle_that_fails_sends_each_page_on_its_own_way(world: World) -> None:
    await world.apply(PEOPLE)
    world.mail.judge = lambda message: (
        PermanentFailure("gone")
        if "pages:" in message.subject and message.to.startswith(NTFY)
        else Sent("ok")
    )
    for service in ("a", "b", "c"):
        await fire(world, team="rules", service=service)
    await world.forward(minutes=1.2)
    failed = await world.rows(
        "SELECT count(*) FROM oncall.notifications WHERE state = 'failed'"
    )
    assert failed == [(2,)]
    # the next rule of each page now: the first text at once, the other with those that follow
    assert to(world, "+491700000001") == [1]
    await world.forward(minutes=2)
    told = await world.rows(
        "SELECT count(DISTINCT page_id) FROM oncall.notifications"
        " WHERE kind = 'sms' AND state = 'sent'"
    )
    assert told == [(3,)]


async def test_two_chains_that_reach_one_phone_for_one_page_ring_it_once(world: World) -> None:
    await world.apply(PEOPLE)
    await world.apply(
        """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: rules}
spec:
  steps:
    - {targets: [{person: nora}], timeout: 30s}
    - {targets: [{person: nora}], timeout: 10m}
"""
    )
    await fire(world, team="rules")
    await world.forward(minutes=4)
    assert to(world, f"{NTFY}nora") == [0, 0.5]  # the second step calls again
    assert to(world, "+491700000001") == [2]  # what both chains would say half a minute apart
    states = await world.rows("SELECT state FROM oncall.notifications WHERE kind = 'sms'")
    assert sorted(states) == [("folded",), ("sent",)]


async def test_each_new_page_begins_with_the_next_person_also_when_they_come_at_once(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    for n in range(3):
        await fire(world, team="turns", service=f"s{n}")
    assert (len(to(world, MAYA)), len(to(world, JONAS)), len(to(world, BOSS))) == (1, 1, 1)
    rows = await world.rows("SELECT incident_id FROM oncall.pages ORDER BY id")

    async def request(incident_id: Any) -> Any:
        async def act(unit: Unit) -> Any:
            brief = Brief(number=1, title="x", summary="", labels={})
            return await oncall.request_policy(unit, incident_id, "turns", brief)

        return await world.app.units.run(TOKEN, act)

    async def resolved(unit: Unit) -> None:
        for (incident_id,) in rows:
            await oncall.resolve_pages(unit, incident_id)

    await do(world, resolved, SYSTEM)
    await asyncio.gather(*(request(row[0]) for row in rows))
    await world.settle()
    assert (len(to(world, MAYA)), len(to(world, JONAS)), len(to(world, BOSS))) == (2, 2, 2)


async def test_a_webhook_of_a_step_is_told_and_the_next_step_comes_at_once(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    await fire(world, team="hooks")
    assert to(world, "https://hooks.example.org/shop") == to(world, MAYA) == [0]
    hook = next(m for _, m in world.mail.sent if m.to.startswith("https://hooks"))
    assert hook.secret is None  # signed with the installation's
    assert (await world.story()).count("oncall.webhook_told") == 1


HOLIDAYS = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: office}
spec:
  steps: [{targets: [{person: jonas}], timeout: 10m}]
  catchAll: [{person: boss}]
  supportHours:
    - weekdays: [mon, tue, wed, thu, fri]
      from: "09:00"
      to: "17:00"
      timezone: UTC
      holidays: {country: DE, subdivision: BE}
"""


async def test_a_low_page_is_held_over_public_holidays_and_says_because_of_which(
    dsn: str,
) -> None:
    thursday = NOON + timedelta(hours=150)  # 2 April, 18:00, before Easter
    async with running(dsn, at=thursday) as world:
        await world.apply(ACME)
        await world.apply(PEOPLE)
        await world.apply(HOLIDAYS)
        await world.signal(FIRE | {"severity": "low"}, ends_at=NOON + timedelta(days=30))
        assert await world.rows("SELECT state FROM oncall.pages") == [("held",)]
        why = await world.http.get("/api/v1/incidents/INC-1/why", headers=world.bearer)
        words = "Held until 2026-04-07 09:00 UTC, low urgency: no support hours because of Good"
        assert f"{words} Friday" in why.text
        asked = {"urgency": "low", "at": "2026-04-03T12:00:00Z"}
        simulated = await world.http.get(
            "/api/v1/policies/office/simulate", params=asked, headers=world.bearer
        )
        first = simulated.json()["calls"][0]
        assert first["held_until"] == "2026-04-07T09:00:00Z"
        assert first["holiday"] == "Good Friday"
        await world.forward(hours=4 * 24 + 15.1)
        tuesday = thursday + timedelta(hours=4 * 24 + 15)
        assert world.mail.to(JONAS) == [tuesday]
        await check_refusals(world)


async def check_refusals(world: World) -> None:
    """A calendar that is not known is refused by its field; only support hours have one."""
    document = yaml.safe_load(HOLIDAYS)
    document["spec"]["supportHours"][0]["holidays"]["country"] = "XX"
    quiet = {"from": "22:00", "to": "07:00", "holidays": {"country": "DE"}}
    person = {"apiVersion": "tocsin/v1", "kind": "Person", "metadata": {"name": "omar"},
              "spec": {"displayName": "Omar", "quietHours": [quiet]}}  # fmt: skip
    wanted = {
        "spec.supportHours[0].holidays.country": document,
        "spec.quietHours[0]": person,
    }
    for field, one in wanted.items():
        refused = await world.http.post(
            "/api/v1/resources/apply", json={"documents": [one]}, headers=world.bearer
        )
        assert refused.status_code == 422
        assert refused.json()["field"].startswith(field), refused.text
