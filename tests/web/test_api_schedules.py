"""Schedules over JSON: shifts, gaps, and my own turns."""

from typing import Any

import httpx
import pytest
from pages_world import browser, person

from fakes.world import World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db


async def get(world: World, path: str, **params: str) -> httpx.Response:
    return await world.http.get(f"/api/v1/oncall{path}", params=params, headers=world.bearer)


async def test_a_schedule_is_told_for_two_weeks_or_as_asked(acme: World) -> None:
    listed = (await get(acme, "/schedules")).json()["items"]
    assert [one["name"] for one in listed] == ["primary"]
    assert (await get(acme, "/now")).json() == (await get(acme, "")).json()
    found: Any = (await get(acme, "/schedules/primary/shifts")).json()
    assert found["start_at"] == "2026-03-27T12:00:00Z"
    assert found["end_at"] == "2026-04-10T12:00:00Z"
    assert (found["covered"], found["gaps"], len(found["shifts"])) == (1.0, [], 3)
    asked = {"from": "2026-01-01", "to": "2026-01-12T00:00:00+01:00"}
    early = (await get(acme, "/schedules/primary/shifts", **asked)).json()
    assert early["gaps"] == [
        {
            "slot": "primary",
            "start_at": "2026-01-01T00:00:00Z",
            "end_at": "2026-01-05T08:00:00Z",
        }
    ]
    assert 0 < early["covered"] < 1


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "9999-12-31"}, "from"),
        ({"to": "2020-01-01"}, "to"),
        ({"to": "2030-01-01"}, "to"),
    ],
)
async def test_a_stretch_that_is_none_is_refused(
    acme: World, params: dict[str, str], field: str
) -> None:
    answer = await get(acme, "/schedules/primary/shifts", **params)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_an_unknown_schedule_is_not_found_and_an_integration_may_not_look(
    acme: World,
) -> None:
    assert (await get(acme, "/schedules/nope/shifts")).status_code == 404
    acme.token = await acme.make_token("prom", Role.INTEGRATION)
    for path in ("/now", "/schedules", "/schedules/primary/shifts", "/me"):
        assert (await get(acme, path)).status_code == 403


async def test_a_person_is_told_their_own_turns(acme: World) -> None:
    assert (await get(acme, "/me")).json()["shifts"] == []
    maya = await person(acme, "maya")
    async with browser(acme, Role.VIEWER, maya) as client:
        mine = (await client.get("/api/v1/oncall/me")).json()
        now = (await client.get("/api/v1/oncall/now")).json()["schedules"][0]["now"]
    assert {one["schedule"] for one in mine["shifts"]} == {"primary"}
    is_hers = now["person"]["id"] == str(maya)
    assert (mine["until"] == now["end_at"]) == is_hers


LATER = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: bea, effectiveFrom: "2026-03-31T00:00:00Z"}
spec: {displayName: Bea}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary, effectiveFrom: "2026-03-31T10:00:00Z"}
spec:
  timezone: UTC
  rotation: {start: "2026-01-05T10:00", every: week, people: [bea]}
"""


async def test_what_is_scheduled_decides_from_its_instant_on(acme: World) -> None:
    await acme.apply(LATER)
    found: Any = (await get(acme, "/schedules/primary/shifts")).json()
    assert [(one["person"]["name"], one["end_at"]) for one in found["shifts"]] == [
        ("Jonas Weber", "2026-03-30T07:00:00Z"),
        ("Maya Okafor", "2026-03-31T10:00:00Z"),  # cut: her week would end on 6 April
        ("Bea", "2026-04-06T10:00:00Z"),
        ("Bea", "2026-04-13T10:00:00Z"),
    ]
    [one] = (await get(acme, "/now")).json()["schedules"]
    assert (one["now"]["person"]["name"], one["next"]["end_at"]) == (
        "Jonas Weber",
        "2026-03-31T10:00:00Z",
    )
    maya = await person(acme, "maya")
    async with browser(acme, Role.VIEWER, maya) as client:
        page = (await client.get("/oncall")).text
        # drawn by the clock of the version that is in force now
        assert "Maya Okafor, Mon 30 Mar 09:00 to Tue 31 Mar 12:00" in page
        assert "Bea, Tue 31 Mar 12:00 to Mon 6 Apr 12:00" in page
    await acme.forward(days=4)
    [one] = (await get(acme, "/now")).json()["schedules"]
    assert one["now"]["person"]["name"] == "Bea"
