"""Overrides, leave and swaps over the API: who may, what the pager then does, what is refused."""

from datetime import datetime
from typing import Any

import httpx
import pytest
from pages_world import browser, person

from fakes.world import World
from tocsin.app.wiring import local_actor
from tocsin.kernel.access import Role
from tocsin.kernel.ids import ScheduleId
from tocsin.oncall import store

pytestmark = pytest.mark.db
API = "/api/v1/oncall"
OTHER = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: other}
spec: {timezone: UTC, rotation: {start: "2026-01-05T09:00", every: week, people: [jonas]}}
"""
SOON = {"start_at": "2026-03-27T13:00:00Z", "end_at": "2026-03-27T18:00:00Z"}
FIRE = {"alertname": "Down", "service": "a", "severity": "critical"}


async def post(world: World, path: str, **body: Any) -> httpx.Response:
    return await world.http.post(f"{API}{path}", json=body, headers=world.bearer)


async def get(world: World, path: str, **params: str) -> Any:
    answer = await world.http.get(f"{API}{path}", params=params, headers=world.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def who(world: World) -> str | None:
    [slot] = (await get(world, "/now"))["schedules"]
    return str(slot["now"]["person"]["name"]) if slot["now"] else None


async def test_a_cover_is_paged_and_shown_alike(acme: World) -> None:
    # Grafana #3096, #1296: lists and chat did not know of overrides, the pager did
    assert await who(acme) == "Jonas Weber"
    made = await post(
        acme, "/overrides", kind="cover", schedule="primary", person="maya", **SOON
    )
    assert made.status_code == 201, made.text
    assert await who(acme) == "Jonas Weber"
    await acme.forward(hours=1, minutes=1)
    assert await who(acme) == "Maya Okafor"
    await acme.signal(FIRE)
    told, paged = acme.mail.to("maya@example.org")  # that she covers, and that it is down
    assert told < paged
    assert len(acme.mail.to("jonas@example.org")) == 1  # that he does not have it, and no page
    plan = await get(acme, "/schedules/primary/shifts")
    assert plan["shifts"][0]["overrides"] == [made.json()["id"]]
    [listed] = (await get(acme, "/overrides", schedule="primary"))["items"]
    assert listed["person"]["name"] == "Maya Okafor"
    ended = await acme.http.delete(f"{API}/overrides/{made.json()['id']}", headers=acme.bearer)
    assert ended.status_code == 204
    assert await who(acme) == "Jonas Weber"
    assert "oncall.schedule_overridden" in await acme.story()
    again = await acme.http.delete(f"{API}/overrides/{made.json()['id']}", headers=acme.bearer)
    assert again.status_code == 409


async def test_leave_goes_to_whoever_is_below_and_else_leaves_a_gap(acme: World) -> None:
    answer = await post(acme, "/leave", person="jonas", **SOON)
    assert answer.status_code == 201, answer.text
    await acme.forward(hours=2)
    assert await who(acme) is None
    # OneUptime #2086: an override for who is on vacation did not appear in the final schedule
    since = {"from": "2026-03-27T12:00:00Z", "to": "2026-04-03T12:00:00Z"}
    plan = await get(acme, "/schedules/primary/shifts", **since)
    ends = [
        one["end_at"] for one in plan["shifts"] if one["people"][0]["name"] == "Jonas Weber"
    ]
    assert SOON["start_at"] in ends
    assert [one["end_at"] for one in plan["gaps"]][:1] == [SOON["end_at"]]
    [gap] = [one for one in (await get(acme, "/coverage"))["items"] if one["trouble"] == "gap"]
    assert gap["end_at"] == SOON["end_at"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "cover"}, "person"),
        ({"kind": "cover", "person": "nobody"}, "person"),
        ({"kind": "replace", "person": "maya"}, "replaced"),
        ({"kind": "replace", "person": "maya", "replaced": "maya"}, "replaced"),
        ({"kind": "cover", "person": "maya", "slot": "third"}, "slot"),
        ({"kind": "leave", "person": "maya"}, "kind"),
        ({"kind": "temporary"}, "shifts"),
        ({"kind": "cover", "person": "maya", "end_at": "2026-03-27T12:00:00Z"}, "end_at"),
        ({"kind": "cover", "person": "maya", "end_at": "2028-03-27T12:00:00Z"}, "end_at"),
        # OpsKnight #378: clocks in Berlin show 02:30 never on 29 March, and twice on 25 October
        ({"kind": "cover", "person": "maya", "end_at": "2026-03-29T02:30"}, "end_at"),
        ({"kind": "cover", "person": "maya", "end_at": "2026-10-25T02:30"}, "end_at"),
        ({"kind": "cover", "person": "maya", "end_at": "soon"}, "end_at"),
    ],
)
async def test_what_cannot_be_agreed_is_refused_by_field(
    acme: World, body: dict[str, Any], field: str
) -> None:
    answer = await post(acme, "/overrides", **{"schedule": "primary", **SOON, **body})
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field
    if "02:30" in str(body):
        assert "+02:00" in answer.json()["detail"]


async def test_who_takes_turns_may_take_a_shift_over_but_not_give_it_away(acme: World) -> None:
    body = {"kind": "cover", "schedule": "primary", **SOON}
    async with browser(acme, Role.VIEWER, await person(acme, "maya")) as client:
        mine = await client.post(
            f"{API}/overrides",
            json={**body, "person": "maya"},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert mine.status_code == 201, mine.text
        others = await client.post(
            f"{API}/overrides",
            json={**body, "person": "jonas"},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert others.status_code == 403
    async with browser(acme, Role.VIEWER, await person(acme, "boss")) as client:
        foreign = await client.post(
            f"{API}/overrides",
            json={**body, "person": "boss"},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert foreign.status_code == 403  # who takes no turns there takes no pages either


async def test_a_swap_is_asked_for_accepted_and_then_paged(acme: World) -> None:
    plan = await get(acme, "/schedules/primary/shifts")
    hers = next(one for one in plan["shifts"] if one["person"]["name"] == "Maya Okafor")
    wanted = {"schedule": "primary", "turn": hers["turn"], "partner": "jonas"}
    headers = {"sec-fetch-site": "same-origin"}
    async with browser(acme, Role.VIEWER, await person(acme, "maya")) as maya:
        made = await maya.post(f"{API}/swaps", json=wanted, headers=headers)
        assert made.status_code == 201, made.text
        # Grafana #2787: the same shift was in two requests at once
        assert (
            await maya.post(f"{API}/swaps", json=wanted, headers=headers)
        ).status_code == 409
        path = f"{API}/swaps/{made.json()['id']}"
        assert (await maya.post(f"{path}/accept", headers=headers)).status_code == 403
    async with browser(acme, Role.VIEWER, await person(acme, "jonas")) as jonas:
        taken = await jonas.post(f"{path}/accept", headers=headers)
        assert taken.json()["state"] == "accepted"
        assert (await jonas.post(f"{path}/decline", headers=headers)).status_code == 409
    after = (await get(acme, "/schedules/primary/shifts"))["shifts"]
    assert {one["person"]["name"] for one in after if one["turn"] == hers["turn"]} == {
        "Jonas Weber"
    }
    await acme.settle()
    assert {"oncall.swap_requested", "oncall.swap_accepted"} <= {*await acme.story()}


async def test_layers_and_who_is_next_are_told(acme: World) -> None:
    found = await get(acme, "/schedules/primary/layers")
    [one] = found["layers"]
    assert (one["name"], one["slot"], one["zone"]) == ("rotation", "primary", "Europe/Berlin")
    assert (await get(acme, "/schedules/primary/next"))["person"]["name"] == "Maya Okafor"
    assert (await get(acme, "/coverage"))["zones"]


async def test_an_override_of_somebody_who_has_left_can_be_taken_back(acme: World) -> None:
    # Grafana #4343: of a user who was deleted the override could not be
    body = {"kind": "cover", "schedule": "primary", "person": "extra", **SOON}
    await acme.apply(EXTRA)
    made = await post(acme, "/overrides", **body)
    assert made.status_code == 201, made.text
    await acme.app.units.run(
        local_actor(),
        lambda unit: acme.app.store.delete(unit, "Person", "extra", take_over=True),
    )
    await acme.forward(hours=2)
    assert await who(acme) == "Jonas Weber"  # who is gone is passed over
    [listed] = (await get(acme, "/overrides"))["items"]
    path = f"{API}/overrides/{listed['id']}"
    assert (await acme.http.delete(path, headers=acme.bearer)).status_code == 204
    assert (await get(acme, "/overrides"))["items"] == []


EXTRA = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: extra}
spec: {displayName: Eva Extra, contact: [{type: email, address: extra@example.org}]}
"""


async def test_a_page_loads_what_was_agreed_of_the_schedules_it_calls_alone(
    acme: World,
) -> None:
    await acme.apply(OTHER)
    await acme.settle()
    for name in ("primary", "other"):
        body = {"kind": "cover", "schedule": name, "person": "maya", **SOON}
        assert (await post(acme, "/overrides", **body)).status_code == 201
    away = await post(acme, "/leave", person="boss", **SOON)
    assert away.status_code == 201, away.text
    start, end = (datetime.fromisoformat(SOON[key]) for key in ("start_at", "end_at"))
    [(other,)] = await acme.rows(
        "SELECT uid FROM kernel.resources WHERE kind = 'Schedule' AND name = 'other'"
    )
    async with acme.app.db.connection() as conn:
        found = await store.overrides(conn, start, end, [ScheduleId(other)])
        assert {one.schedule_id for one in found} == {other, None}
        assert len(await store.overrides(conn, start, end)) == 3
        assert len(await store.overrides(conn, start, end, [])) == 1  # leave is of all
