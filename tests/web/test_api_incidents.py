"""The JSON API about incidents, alerts, pages and who is on call."""

from datetime import timedelta
from typing import Any

import pytest

from fakes.world import NOON, World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
LATER = NOON + timedelta(hours=5)


async def get(world: World, path: str, **params: str | int) -> Any:
    answer = await world.http.get(f"/api/v1{path}", params=params, headers=world.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(world: World, path: str, **headers: str) -> Any:
    answer = await world.http.post(f"/api/v1{path}", headers=world.bearer | headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def every_page(world: World, path: str, **params: str | int) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    while True:
        more = params if cursor is None else params | {"cursor": cursor}
        part = await get(world, path, **more)
        assert len(part["items"]) <= int(params["limit"])
        found += part["items"]
        cursor = part["next"]
        if cursor is None:
            return found


async def test_a_new_tocsin_has_no_incidents_and_no_alerts(acme: World) -> None:
    assert await get(acme, "/incidents") == {"items": [], "next": None}
    assert await get(acme, "/alerts", state="all") == {"items": [], "next": None}


async def test_lists_are_walked_without_loss_although_many_began_at_one_instant(
    acme: World,
) -> None:
    ends = {"endsAt": LATER.isoformat(), "startsAt": NOON.isoformat()}
    fires = [{"labels": FIRE | {"service": f"s{n}"}, **ends} for n in range(7)]
    await acme.post(fires)
    await post(acme, "/incidents/INC-3/resolve")
    await post(acme, "/incidents/INC-5/resolve")

    async def numbers(status: str) -> list[int]:
        found = await every_page(acme, "/incidents", status=status, limit=2)
        return sorted(one["number"] for one in found)

    assert await numbers("all") == [1, 2, 3, 4, 5, 6, 7]
    assert await numbers("open") == [1, 2, 4, 6, 7]
    assert await numbers("resolved") == [3, 5]
    for state in ("firing", "all"):
        found = await every_page(acme, "/alerts", state=state, limit=3)
        assert sorted(one["labels"]["service"] for one in found) == [f"s{n}" for n in range(7)]


async def test_an_incident_shows_whom_it_pages_and_when_it_pages_next(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER, summary="too many errors")
    await acme.forward(minutes=6)
    found = await get(acme, "/incidents/INC-1")
    [page] = found["pages"]
    assert (found["reference"], found["alert_count"], found["firing_count"]) == ("INC-1", 1, 1)
    assert (page["state"], page["policy"], page["step"]) == ("escalating", "default", 1)
    assert page["next_at"] == "2026-03-27T12:15:00Z"
    assert [one["person"]["name"] for one in page["notifications"]] == ["Jonas Weber"] * 2
    assert [one["attempts"][0]["outcome"] for one in page["notifications"]] == ["sent"] * 2
    assert found["groups"][0]["labels"] == {"service": "checkout"}


async def test_an_incident_is_found_by_every_name_it_has(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    [listed] = (await get(acme, "/incidents"))["items"]
    for reference in ("INC-1", "inc-1", "1", listed["id"]):
        assert (await get(acme, f"/incidents/{reference}"))["id"] == listed["id"]


async def test_a_timeline_in_parts_is_the_whole_timeline(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    await acme.forward(minutes=40)
    whole = await get(acme, "/incidents/1/timeline", limit=200)
    assert whole["next"] is None
    assert await every_page(acme, "/incidents/1/timeline", limit=4) == whole["items"]
    assert "Step 1: calling Jonas Weber" in [one["sentence"] for one in whole["items"]]


async def test_what_is_not_sealed_yet_is_on_the_timeline_and_loses_nothing(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    sealed = (await get(acme, "/incidents/1/timeline"))["items"]
    await post(acme, "/incidents/1/acknowledge")
    await post(acme, "/incidents/1/resolve")
    first = await get(acme, "/incidents/1/timeline", limit=1)
    assert len(first["items"]) >= 2
    assert all(one["seq"] is None for one in first["items"])
    rest = await get(acme, "/incidents/1/timeline", cursor=first["next"])
    assert rest["items"] == sealed


async def test_an_acknowledgement_says_by_what_and_moves_the_next_call(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    await acme.forward(minutes=1)
    taken = await post(acme, "/incidents/INC-1/acknowledge", **{"x-tocsin-channel": "cli"})
    [page] = taken["pages"]
    assert page["state"] == "acknowledged"
    why = await get(acme, f"/pages/{page['id']}")
    assert why["log"][0]["sentence"] == "Acknowledged by cli (test)"
    assert why["next_at"] == "2026-03-27T12:31:00Z"  # and not the old step's at 12:05
    again = await post(acme, "/incidents/INC-1/acknowledge")
    assert again["pages"][0]["acknowledged_at"] == page["acknowledged_at"]


async def test_a_page_tells_its_policy_and_its_story(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    page_id = (await get(acme, "/incidents/1"))["pages"][0]["id"]
    why = await get(acme, f"/pages/{page_id}")
    policy = why["policy_now"]
    assert [step["targets"][0] for step in policy["steps"]] == [
        {"kind": "schedule", "name": "primary"},
        {"kind": "person", "name": "Jonas Weber"},
    ]
    assert (policy["repeat"], policy["ack_timeout_s"]) == (1, 1800)
    assert why["incident"]["reference"] == "INC-1"
    assert why["waiting"] == [{"job": "oncall.page_timer", "due_at": "2026-03-27T12:05:00Z"}]


async def test_resolving_an_incident_closes_its_pages(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    resolved = await post(acme, "/incidents/1/resolve")
    assert (resolved["status"], resolved["resolved_by"]) == ("resolved", "person")
    [page] = (await get(acme, "/incidents/1"))["pages"]
    assert (page["state"], page["next_at"]) == ("resolved", None)


async def test_an_alert_says_why_it_became_what_it_is(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER, summary="too many errors")
    [listed] = (await get(acme, "/alerts"))["items"]
    why = await get(acme, f"/alerts/{listed['id']}")
    assert [one["stage"] for one in why["reasons"]] == ["dedupe", "route", "group", "score"]
    assert why["incident"]["reference"] == "INC-1"
    assert why["group"]["id"] == listed["group_id"]
    assert why["annotations"] == {"summary": "too many errors"}


async def test_on_call_says_who_has_it_until_when_and_who_is_next(acme: World) -> None:
    [primary] = (await get(acme, "/oncall"))["schedules"]
    assert primary["now"]["person"]["name"] == "Jonas Weber"
    assert primary["next"]["person"]["name"] == "Maya Okafor"
    assert primary["now"]["end_at"] == primary["next"]["start_at"] == "2026-03-30T07:00:00Z"


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/incidents/INC-77", 404, None),
        ("/incidents/bogus", 422, "incident"),
        ("/incidents?status=bogus", 422, "status"),
        ("/incidents?limit=0", 422, "limit"),
        ("/incidents?cursor=bogus", 422, "cursor"),
        ("/incidents/1/timeline?cursor=-1", 422, "cursor"),
        ("/alerts/01a20702-c2f5-70df-8362-b2773566c8a6", 404, None),
        ("/pages/bogus", 422, "page"),
    ],
)
async def test_a_refusal_is_a_problem_that_names_the_field(
    acme: World, path: str, status: int, field: str | None
) -> None:
    answer = await acme.http.get(f"/api/v1{path}", headers=acme.bearer)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("field") == field


async def test_who_may_only_look_cannot_acknowledge(acme: World) -> None:
    await acme.signal(FIRE, ends_at=LATER)
    viewer = {"authorization": f"Bearer {await acme.make_token('eye', Role.VIEWER)}"}
    assert (await acme.http.get("/api/v1/incidents/1", headers=viewer)).status_code == 200
    for verb in ("acknowledge", "resolve"):
        refused = await acme.http.post(f"/api/v1/incidents/1/{verb}", headers=viewer)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
