"""Heartbeats over JSON: how they stand, a key that is shown once, pause, resume, a ping by hand."""

from collections.abc import AsyncIterator

import pytest

from fakes.world import ACME, World, running
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
API = "/api/v1/heartbeats"
JOBS = """
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {name: backup}
spec: {every: 10m, grace: 2m, description: Nightly dump, labels: {service: storage}}
---
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {name: payroll}
spec: {cron: "@monthly", timezone: Europe/Berlin, paused: true}
"""


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME + "---" + JOBS)
        yield world


async def bearer(world: World, role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {await world.make_token(f'a-{role}', role)}"}


async def test_a_heartbeat_from_its_key_to_its_page(world: World) -> None:
    listed = (await world.http.get(API, headers=world.bearer)).json()["items"]
    assert [(one["name"], one["state"], one["paused_by"]) for one in listed] == [
        ("backup", "new", ""),
        ("payroll", "paused", "resource"),
    ]
    assert (listed[1]["cron"], listed[1]["timezone"]) == ("0 0 1 * *", "Europe/Berlin")
    made = await world.http.post(f"{API}/backup/key", headers=world.bearer)
    assert made.status_code == 200
    base = world.app.settings.base_url
    assert made.json()["url"] == f"{base}/heartbeat/{made.json()['key']}"
    answer = await world.http.post(f"/heartbeat/{made.json()['key']}", content=b"42 rows")
    assert answer.status_code == 200
    shown = await world.http.get(f"{API}/backup", headers=world.bearer)
    assert made.json()["key"] not in shown.text
    one = shown.json()
    assert (one["state"], one["has_key"], one["pings"]) == ("up", True, 1)
    assert one["expected_at"] == "2026-03-27T12:10:00Z"
    assert one["missed_at"] == "2026-03-27T12:12:00Z"
    assert [ping["text"] for ping in one["recent"]] == ["42 rows"]
    assert one["url"] == f"{base}/heartbeat/KEY"
    await world.forward(minutes=11)
    late = await world.http.get(f"{API}/backup", headers=world.bearer)
    assert late.json()["state"] == "late"
    await world.forward(minutes=1)
    down = await world.http.get(f"{API}/backup", headers=world.bearer)
    assert (down.json()["state"], down.json()["missed_at"]) == ("down", None)
    assert (await world.http.get(f"{API}/nothing", headers=world.bearer)).status_code == 404
    headers = world.bearer | {"idempotency-key": "once"}  # a key is not said again
    assert (await world.http.post(f"{API}/backup/key", headers=headers)).status_code == 200
    assert (await world.http.post(f"{API}/backup/key", headers=headers)).status_code == 409


async def test_who_may_do_what(world: World) -> None:
    for role, pause, key in (
        (Role.VIEWER, 403, 403),
        (Role.RESPONDER, 200, 403),
        (Role.MANAGER, 200, 200),
        (Role.INTEGRATION, 403, 403),
    ):
        headers = await bearer(world, role)
        for verb, status in (("pause", pause), ("resume", pause), ("key", key)):
            answer = await world.http.post(f"{API}/backup/{verb}", headers=headers)
            assert answer.status_code == status, (role, verb)
        ping = await world.http.post(f"{API}/backup/ping", json={}, headers=headers)
        assert ping.status_code == (403 if role is Role.VIEWER else 200), role
        if role is Role.INTEGRATION:  # who may ping and not read is not shown how it stands
            assert ping.json() is None


async def test_a_ping_by_hand_pages_as_the_job_would(world: World) -> None:
    body = {"kind": "fail", "text": "a drill\0"}
    answer = await world.http.post(f"{API}/backup/ping", json=body, headers=world.bearer)
    assert (answer.status_code, answer.json()["state"]) == (200, "down")
    await world.settle()
    assert len(world.mail.sent) == 1
    shown = (await world.http.get(f"{API}/backup", headers=world.bearer)).json()
    assert shown["recent"][0]["sender"] == "by hand"
    assert shown["recent"][0]["text"] == "a drill\ufffd"
    [(actor,)] = await world.rows(
        "SELECT line::jsonb->>'actor' FROM kernel.log WHERE kind = 'signals.heartbeat_failed'"
    )
    assert actor.startswith("token:")


async def test_what_people_do_is_in_the_log_and_what_the_resource_pauses_stays_so(
    world: World,
) -> None:
    paused = await world.http.post(f"{API}/backup/pause", headers=world.bearer)
    assert (paused.json()["state"], paused.json()["paused_by"]) == ("paused", "hand")
    await world.http.post(f"{API}/backup/pause", headers=world.bearer)
    await world.apply(JOBS.replace("grace: 2m", "grace: 3m"))  # by hand, and so it stays
    shown = await world.http.get(f"{API}/backup", headers=world.bearer)
    assert shown.json()["state"] == "paused"
    resumed = await world.http.post(f"{API}/backup/resume", headers=world.bearer)
    assert resumed.json()["state"] == "new"
    refused = await world.http.post(f"{API}/payroll/resume", headers=world.bearer)
    assert refused.status_code == 409
    assert "paused: false" in refused.json()["detail"]
    await world.settle()
    story = [kind for kind in await world.story() if kind.startswith("signals.")]
    assert story == ["signals.heartbeat_paused", "signals.heartbeat_resumed"]
    document = {
        "apiVersion": "tocsin/v1", "kind": "Heartbeat", "metadata": {"name": "x"},
        "spec": {"cron": "61 * * * *"},
    }  # fmt: skip
    answer = await world.http.put(
        "/api/v1/resources/Heartbeat/x", json=document, headers=world.bearer
    )
    assert answer.status_code == 422
    assert (
        "Heartbeat/x: spec.cron: '61 * * * *' is no cron expression: bad minute"
        in (answer.json()["detail"])
    )
