"""Snooze, reassign and hand back on real rows, and over the API."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from paging_world import (
    FIRE,
    FOR_HOURS,
    JONAS,
    MAYA,
    NTFY,
    PEOPLE,
    STATES,
    do,
    fire,
    last,
    to,
)

from fakes.world import NOON, World
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid
from tocsin.kernel.ids import uuid7
from tocsin.oncall import actions as oncall
from tocsin.oncall.actions import Assignee

pytestmark = pytest.mark.db


async def test_a_snoozed_page_calls_nobody_until_then_and_says_why_it_calls_again(
    world: World,
) -> None:
    page_id = await fire(world)
    until = NOON + timedelta(hours=1)
    page = await do(world, lambda u: oncall.snooze(u, page_id, until=until, channel="API"))
    assert (page.state, page.waits_until) == ("snoozed", until)
    assert await world.rows("SELECT state FROM command.incident_pages") == [("snoozed",)]
    await world.forward(minutes=59)
    assert to(world, JONAS) == [0]
    await world.forward(minutes=2)
    assert to(world, JONAS) == [0, 60]
    assert "It had been snoozed; that is over." in last(world).text
    assert await world.rows("SELECT state FROM command.incident_pages") == [("calling",)]
    story = await world.story()
    assert [k for k in story if "snooze" in k] == ["oncall.page_snoozed", "oncall.snooze_ended"]


# Grafana #3111: an alert that had been acknowledged was paged again after four months.
async def test_a_snooze_ends_within_7_days_and_not_in_the_past(world: World) -> None:
    page_id = await fire(world)
    for wrong in (NOON, NOON + timedelta(days=8)):
        with pytest.raises(Invalid):
            await do(world, lambda u, w=wrong: oncall.snooze(u, page_id, until=w, channel="x"))


async def test_a_resolve_ends_a_snooze_for_good(world: World) -> None:
    page_id = await fire(world)
    until = NOON + timedelta(hours=1)
    await do(world, lambda u: oncall.snooze(u, page_id, until=until, channel="API"))
    await world.signal(FIRE, ends_at=NOON)
    await world.forward(hours=3)
    assert await world.rows(STATES) == [("resolved",)]
    assert to(world, JONAS) == [0]
    with pytest.raises(Conflict):
        await do(
            world,
            lambda u: oncall.snooze(u, page_id, until=NOON + timedelta(hours=4), channel="x"),
        )


async def test_a_viewer_may_neither_snooze_nor_reassign(world: World) -> None:
    page_id = await fire(world)
    viewer = Actor(kind="token", id=uuid7(), name="v", role=Role.VIEWER)
    until = NOON + timedelta(hours=1)
    with pytest.raises(Forbidden):
        await do(world, lambda u: oncall.snooze(u, page_id, until=until, channel="x"), viewer)
    with pytest.raises(Forbidden):
        await do(world, lambda u: oncall.reassign(u, page_id, Assignee(person="maya")), viewer)
    with pytest.raises(Forbidden):
        await do(world, lambda u: oncall.hand_back(u, page_id), viewer)


async def test_reassigning_calls_them_at_once_and_the_policy_after_them(world: World) -> None:
    page_id = await fire(world)
    await do(world, lambda u: oncall.acknowledge(u, page_id, channel="API"))
    await do(world, lambda u: oncall.reassign(u, page_id, Assignee(person="maya")))
    assert to(world, MAYA) == [0]
    assert "Somebody has reassigned it." in last(world).text
    await world.forward(minutes=6)
    assert to(world, JONAS) == [0, 5]  # the policy's first step
    story = await world.story()
    assert "oncall.page_reassigned" in story


async def test_a_page_goes_to_a_schedules_slot_and_to_a_team(world: World) -> None:
    await world.apply(PEOPLE)
    page_id = await fire(world)
    await do(world, lambda u: oncall.reassign(u, page_id, Assignee(schedule="primary")))
    assert to(world, JONAS) == [0, 0]
    await do(world, lambda u: oncall.reassign(u, page_id, Assignee(team="sre")))
    assert to(world, f"{NTFY}nora") == to(world, f"{NTFY}omar") == [0]
    for wrong in (Assignee(), Assignee(person="x"), Assignee(schedule="primary", slot="x")):
        with pytest.raises(Invalid):
            await do(world, lambda u, w=wrong: oncall.reassign(u, page_id, w))


async def test_a_page_of_another_policy_is_still_the_page_of_its_route(world: World) -> None:
    await world.apply(PEOPLE)
    page_id = await fire(world)
    await do(world, lambda u: oncall.reassign(u, page_id, Assignee(policy="office")))
    assert to(world, JONAS) == [0, 0]
    await fire(world, instance="another")  # its group grows: no second page of the route
    await world.forward(minutes=10)
    assert len(await world.rows(STATES)) == 1


# OnCall had no way back from an acknowledgement: who could not help had it for good.
async def test_who_hands_a_page_back_lets_others_be_called(world: World) -> None:
    page_id = await fire(world)
    await do(world, lambda u: oncall.acknowledge(u, page_id, channel="API"))
    await do(world, lambda u: oncall.hand_back(u, page_id))
    assert to(world, JONAS) == [0, 0]
    assert "handed it back" in last(world).text
    with pytest.raises(Conflict):
        await do(world, lambda u: oncall.hand_back(u, page_id))


async def test_the_api_snoozes_reassigns_and_hands_back(world: World) -> None:
    page_id = await fire(world)

    async def post(verb: str, body: object = None) -> Any:
        return await world.http.post(
            f"/api/v1/pages/{page_id}/{verb}", json=body, headers=world.bearer
        )

    answer = await post("snooze", {"for": "30m"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "snoozed"
    assert datetime.fromisoformat(answer.json()["waits_until"]) == NOON + timedelta(minutes=30)
    assert (await post("snooze", {})).status_code == 422
    assert (await post("hand-back")).json()["state"] == "triggered"
    answer = await post("reassign", {"person": "maya"})
    assert (answer.json()["assigned"], answer.json()["called_for"]) == (
        "Maya Okafor", "reassigned",
    )  # fmt: skip
    assert (await post("acknowledge")).json()["state"] == "acknowledged"
    assert (await world.http.post("/api/v1/pages/x/snooze", json={"for": "1h"},
                                  headers=world.bearer)).status_code == 422  # fmt: skip


async def test_why_says_who_was_called_by_which_shift_and_what_comes_next(world: World) -> None:
    page_id = await fire(world)
    await do(world, lambda u: oncall.acknowledge(u, page_id, channel="API"))
    answer = await world.http.get("/api/v1/incidents/INC-1/why", headers=world.bearer)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["verdict"] == "It has paged Jonas Weber by email."
    assert any(one.startswith("score: high") for one in found["sorted_by"])
    [page] = found["pages"]
    words = " / ".join(one["words"] for one in page["because"])
    assert "Step 1: calling Jonas Weber; Jonas Weber was on call for primary" in words
    assert "Unless somebody answers, it goes on at 2026-03-27 12:05 UTC" in words
    assert "Paged Jonas Weber by email" in words


# Grafana #2912, #2929: a silenced or empty chain left nobody a trace of why nothing was sent.
async def test_why_says_why_nobody_was_called(world: World) -> None:
    await world.signal(FIRE | {"severity": "warning"}, ends_at=FOR_HOURS)
    answer = await world.http.get("/api/v1/incidents/INC-1/why", headers=world.bearer)
    assert "no route of low urgency" in answer.json()["verdict"]
    assert answer.json()["pages"] == []
