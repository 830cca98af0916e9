"""A PagerDuty client against Tocsin: trigger, page, acknowledge, resolve, and what changed."""

from typing import Any

import httpx
import pytest

from fakes.world import World
from web.pages_world import browser

pytestmark = [pytest.mark.db, pytest.mark.journey]

PAYLOAD = {"summary": "Checkout answers 5xx", "source": "web-7", "severity": "critical"}


async def send(
    world: World, action: str, key: str | None = "k1", *, path: str = "/v2/enqueue", **more: Any
) -> httpx.Response:
    event: dict[str, Any] = {"routing_key": world.token, "event_action": action, **more}
    if key:
        event["dedup_key"] = key
    if action == "trigger":
        event.setdefault("payload", PAYLOAD)
    answer = await world.http.post(path, json=event)
    await world.settle()
    return answer


async def states(world: World) -> tuple[str, str]:
    ((page,),) = await world.rows("SELECT state FROM oncall.pages")
    ((incident,),) = await world.rows("SELECT status FROM command.incidents")
    return page, incident


async def test_trigger_pages_acknowledge_stops_escalation_and_resolve_ends_it(
    world: World,
) -> None:
    answer = await send(world, "trigger")
    assert answer.status_code == 202
    assert answer.json() == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "k1",
    }
    assert len(world.mail.to("jonas@example.org")) == 1
    assert (await send(world, "acknowledge")).status_code == 202
    await world.forward(minutes=29)  # the policy's acknowledgement runs out after 30
    assert len(world.mail.sent) == 1
    assert await states(world) == ("acknowledged", "investigating")
    assert (await send(world, "resolve")).status_code == 202
    assert await states(world) == ("resolved", "resolved")
    story = await world.story()
    assert "triage.group_acknowledged_by_sender" in story
    assert "oncall.page_acknowledged_by_token" in story
    await world.forward(hours=3)
    assert len(world.mail.sent) == 1


async def test_where_somebody_has_taken_it_is_named_everywhere(world: World) -> None:
    await world.apply(
        "apiVersion: tocsin/v1\nkind: Integration\nmetadata: {name: test}\n"
        "spec: {type: pagerduty}\n"
    )
    await send(world, "trigger")
    await send(world, "acknowledge")
    where = "PagerDuty integration test"
    found = (await world.http.get("/api/v1/incidents", headers=world.bearer)).json()
    assert [one["acknowledged_via"] for one in found["items"]] == [where]
    room = (await world.http.get("/api/v1/incidents/INC-1", headers=world.bearer)).json()
    assert [one["acknowledged_via"] for one in room["pages"]] == [where]
    async with browser(world) as client:
        for path in ("/incidents", "/incidents/INC-1"):
            shown = (await client.get(path)).text
            assert f"somebody at {where}" in shown, path
            assert "with a token" not in shown
        assert f"Acknowledged at {where}" in (await client.get("/incidents/INC-1")).text
    await world.http.post("/api/v1/incidents/INC-1/escalate", headers=world.bearer)
    await world.http.post("/api/v1/incidents/INC-1/acknowledge", headers=world.bearer)
    room = (await world.http.get("/api/v1/incidents/INC-1", headers=world.bearer)).json()
    assert [one["acknowledged_via"] for one in room["pages"]] == [""]


async def test_a_trigger_again_is_the_same_alert_and_pages_nobody_twice(world: World) -> None:
    await send(world, "trigger")
    await send(world, "trigger", payload={**PAYLOAD, "summary": "Checkout still answers 5xx"})
    assert len(world.mail.sent) == 1
    assert await world.rows(
        "SELECT seen_count, annotations->>'summary' FROM triage.alerts"
    ) == [(2, "Checkout still answers 5xx")]


async def test_a_resolve_keeps_the_words_of_the_trigger(world: World) -> None:
    await send(world, "trigger", client_url="https://mon.example.org/1")
    await send(world, "resolve")
    query = "SELECT state, annotations->>'summary', source_url FROM triage.alerts"
    assert await world.rows(query) == [
        ("resolved", "Checkout answers 5xx", "https://mon.example.org/1")
    ]


async def test_acknowledge_and_resolve_of_what_nobody_knows_are_taken_and_change_nothing(
    world: World,
) -> None:
    assert (await send(world, "acknowledge", "never")).status_code == 202
    assert (await send(world, "resolve", "never")).status_code == 202
    assert await world.rows("SELECT 1 FROM triage.alerts") == []
    assert await world.rows("SELECT 1 FROM signals.unsortable") == []


async def test_trigger_and_acknowledge_in_one_batch_page_once_and_no_more(world: World) -> None:
    for action in ("trigger", "acknowledge"):
        body = {"routing_key": world.token, "event_action": action, "dedup_key": "k"}
        await world.http.post("/v2/enqueue", json={**body, "payload": PAYLOAD})
    await world.settle()
    await world.forward(minutes=20)
    assert (await states(world))[0] == "acknowledged"


async def test_a_low_severity_wakes_nobody(world: World) -> None:
    await send(world, "trigger", payload={**PAYLOAD, "severity": "warning"})
    assert world.mail.sent == []
    assert await world.rows("SELECT urgency FROM command.incidents") == [("low",)]


async def test_the_key_may_stand_in_the_path_in_a_header_or_as_bearer(world: World) -> None:
    event = {"event_action": "trigger", "payload": PAYLOAD, "routing_key": "0" * 32}
    for path, headers in (
        (f"/integrations/{world.token}/v2/enqueue", {}),
        ("/v2/enqueue", {"X-Routing-Key": world.token}),
        ("/v2/enqueue", world.bearer),
    ):
        answer = await world.http.post(path, json=event, headers=headers)
        assert answer.status_code == 202, answer.text
        assert len(answer.json()["dedup_key"]) == 32


async def test_what_is_wrong_is_said_in_pagerdutys_words(world: World) -> None:
    answer = await world.http.post("/v2/enqueue", content=b"{nonsense")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "status": "Unrecognized object",
            "message": "Event object format is unrecognized",
            "errors": ["JSON parse error"],
        },
    )
    answer = await send(world, "trigger", payload={"summary": "x"})
    assert answer.status_code == 400
    assert answer.json() == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": [
            "'payload.severity' is missing or blank",
            "'payload.source' is missing or blank",
        ],
    }
    answer = await world.http.post("/v2/enqueue", json={"routing_key": "R" * 32})
    assert (answer.status_code, answer.json()["status"]) == (400, "invalid event")
    assert "R" * 32 not in answer.text
    big = {"routing_key": world.token, "event_action": "trigger", "payload": "x" * 600_000}
    answer = await world.http.post("/v2/enqueue", json=big)
    assert (answer.status_code, answer.json()["status"]) == (413, "invalid event")
    answer = await world.http.get("/v2/enqueue")
    assert answer.status_code == 405


async def test_who_sends_too_much_is_told_to_come_again(world: World) -> None:
    from tocsin.kernel.access import Role

    world.token = await world.make_token("noisy", Role.INTEGRATION, 1)
    event = {"routing_key": world.token, "event_action": "trigger", "payload": PAYLOAD}
    for _ in range(60):
        answer = await world.http.post("/v2/enqueue", json=event)
        if answer.status_code != 202:
            break
    assert answer.status_code == 429
    assert answer.json()["status"] == "throttle exceeded"
    assert answer.headers["retry-after"] == "1"


async def test_changes_are_kept_once_and_listed_newest_first(world: World) -> None:
    for summary, at in (
        ("Deploy 41", "2026-03-27T11:00:00Z"),
        ("Deploy 42", "2026-03-27T11:30:00Z"),
    ):
        change = {
            "routing_key": world.token,
            "payload": {
                "summary": summary, "source": "ci", "timestamp": at,
                "custom_details": {"service": "checkout", "build": 42},
            },
            "links": [{"href": "https://ci.example.org/42", "text": "Build"}],
        }  # fmt: skip
        for _ in range(2):  # a client that got no answer comes again
            answer = await world.http.post("/v2/change/enqueue", json=change)
            assert answer.status_code == 202
            assert answer.json() == {
                "status": "success",
                "message": "Change event processed",
            }
    await world.settle()
    rows = await world.rows("SELECT summary, service, source FROM topology.changes ORDER BY at")
    assert rows == [("Deploy 41", "checkout", "ci"), ("Deploy 42", "checkout", "ci")]
    assert (await world.story()).count("topology.change_recorded") == 2
    listed = (await world.http.get("/api/v1/changes", headers=world.bearer)).json()
    assert [one["summary"] for one in listed["items"]] == ["Deploy 42", "Deploy 41"]
    assert listed["items"][0]["links"] == [
        {"title": "Build", "url": "https://ci.example.org/42"}
    ]
    one = await world.http.get("/api/v1/changes?service=other", headers=world.bearer)
    assert one.json()["items"] == []
    assert world.mail.sent == []
