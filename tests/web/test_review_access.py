"""What a second look at the screens and the API asked: forms, keys, teams, what is hidden."""

import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pages_world import browser, fire, person, proof

from fakes.world import NOON, World
from tocsin.governance import actions as governance
from tocsin.governance.model import TokenScope
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor

pytestmark = pytest.mark.db
LATER = NOON + timedelta(hours=5)
PASSWORD = "correct horse battery staple"
TEAMS = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: shop}
spec: {displayName: Shop}
---
apiVersion: tocsin/v1
kind: Team
metadata: {name: payments}
spec: {displayName: Payments}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: default}
spec: {groupWait: 5m, groupBy: [alertname, team]}
"""


async def do(client: httpx.AsyncClient, path: str, **form: str | list[str]) -> httpx.Response:
    return await client.post(path, data={**proof(await client.get("/account")), **form})


async def of_team(world: World, team: str, role: Role) -> dict[str, str]:
    """Return the header of a token that is `role` in one team alone."""
    scope = TokenScope(teams=(team,))
    made = await world.app.units.run(
        SYSTEM, lambda unit: governance.make_token(unit, f"of-{team}", role, scope=scope)
    )
    return {"authorization": f"Bearer {made.secret}"}


async def test_a_form_carries_another_proof_each_time_so_that_no_length_tells_it(
    world: World,
) -> None:
    await fire(world)
    async with browser(world) as client:
        first, second = proof(await client.get("/")), proof(await client.get("/"))
        assert first != second
        for form in (first, second):
            answer = await client.post("/incidents/INC-1/acknowledge", data=form)
            assert answer.status_code == 303
        for broken in (first["_csrf"][:-1], first["_csrf"][:64], "g" * 128, "0" * 128):
            answer = await client.post("/sign-out", data={"_csrf": broken})
            assert answer.status_code == 403


async def test_a_kept_request_gives_no_password_away_to_who_reads_the_database(
    world: World,
) -> None:
    body = b'{"current":"wrong","new":"' + PASSWORD.encode() + b'"}'
    document = {
        "apiVersion": "tocsin/v1", "kind": "Person", "metadata": {"name": "ada"},
        "spec": {"displayName": "Ada"},
    }  # fmt: skip
    headers = world.bearer | {"Idempotency-Key": "k", "content-type": "application/json"}
    path = "/api/v1/resources/apply"
    request = world.http.build_request(
        "POST", path, json={"documents": [document]}, headers=headers
    )
    answer = await world.http.send(request)
    assert answer.status_code == 200, body
    [(kept,)] = await world.rows("SELECT request FROM kernel.answers")
    guess = hashlib.sha256(f"POST {path}?\n".encode() + request.content).digest()
    assert bytes(kept) != guess


async def test_a_large_body_is_refused_with_a_key_as_without(world: World) -> None:
    headers = world.bearer | {"content-type": "application/json"}
    for more in ({}, {"Idempotency-Key": "k"}):
        answer = await world.http.post(
            "/api/v1/incidents", content=b" " * (5 * 1024 * 1024), headers=headers | more
        )
        assert answer.status_code == 413, (more, answer.text)


async def groups_of(world: World) -> list[str]:
    return [str(one[0]) for one in await world.rows("SELECT id FROM triage.groups")]


async def declared(
    world: World, headers: dict[str, str], group: str, **more: Any
) -> httpx.Response:
    body = {"title": "Ours now", "team": "shop", "groups": [group], "urgency": "low", **more}
    return await world.http.post("/api/v1/incidents", json=body, headers=headers)


async def test_alerts_of_another_team_cannot_be_taken_or_hidden_by_declaring(
    world: World,
) -> None:
    await world.apply(TEAMS)  # its groups wait, so that no incident has them yet
    labels = {"alertname": "Low", "team": "payments", "severity": "info"}
    await world.signal(labels, ends_at=LATER)
    [group] = await groups_of(world)
    own = await of_team(world, "shop", Role.MANAGER)
    answer = await declared(world, own, group)
    assert answer.status_code == 403, answer.text
    answer = await declared(world, own, group, restriction={"roles": ["viewer"]})
    assert answer.status_code == 403, answer.text
    theirs = await of_team(world, "payments", Role.MANAGER)
    answer = await declared(world, theirs, group, team="payments")
    assert answer.status_code == 201, answer.text


async def test_an_alerts_history_names_no_incident_that_is_hidden(world: World) -> None:
    await fire(world)
    await world.signal(
        {"alertname": "Slow", "service": "search", "severity": "critical"}, ends_at=LATER
    )
    maya = await person(world, "maya")
    async with browser(world, Role.MANAGER, maya) as client:
        assert (await do(client, "/incidents/INC-2/merge", into="INC-1")).status_code == 303
        group = await world.rows(
            "SELECT group_id FROM command.incident_groups g JOIN triage.groups t"
            " ON t.id = g.group_id WHERE t.labels ->> 'service' = 'search'"
            " OR t.title LIKE '%Slow%'"
        )
        assert (await do(client, "/incidents/INC-1/restrict", person="maya")).status_code == 303
        split = await do(
            client, "/incidents/INC-1/split", group=str(group[0][0]), title="Search"
        )
        assert split.status_code == 303, split.text
        assert split.headers["location"] == "/incidents/INC-3"
        opened = await do(client, "/incidents/INC-3/restrict")
        assert opened.status_code == 303, opened.text
    [(alert,)] = await world.rows(
        "SELECT id FROM triage.alerts WHERE labels ->> 'service' = 'search'"
    )
    async with browser(world) as other:
        page = await other.get(f"/alerts/{alert}")
        assert page.status_code == 200
        assert "INC-3" in page.text
        assert "INC-1" not in page.text


async def test_the_badge_of_who_sees_no_calling_incident_is_not_red(world: World) -> None:
    await fire(world)
    token = world.bearer
    quiet = await world.http.post(
        "/api/v1/incidents", json={"title": "Quiet", "urgency": "low"}, headers=token
    )
    assert quiet.status_code == 201
    maya = await person(world, "maya")
    async with browser(world, Role.MANAGER, maya) as client, browser(world) as other:
        red = (await other.get("/_nav")).text
        assert 'data-tone="crit"' in red
        assert (await do(client, "/incidents/INC-1/restrict", person="maya")).status_code == 303
        assert 'data-tone="crit"' in (await client.get("/_nav")).text
        assert 'data-tone="crit"' not in (await other.get("/_nav")).text


@pytest.mark.parametrize("back", ["a=1\r\nSet-Cookie: x=1", "@evil.test/", "//evil.test"])
async def test_where_a_form_leads_back_to_is_a_page_of_ours(world: World, back: str) -> None:
    await fire(world)
    async with browser(world) as client:
        page = await client.get("/alerts")
        groups = await groups_of(world)
        answer = await client.post(
            "/alerts/_many",
            data={**proof(page), "group": groups, "verb": "acknowledge", "back": back},
        )
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/alerts?")
        assert "\n" not in answer.headers["location"]
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/alerts?q=%00a", "/alerts?integration=%00", "/alerts?team=%00", "/search?q=%00%00",
        "/incidents?q=%00", "/incidents?team=%00", "/palette?q=%00a", "/incidents/%00",
        "/services/%00", "/people/%00", "/resources/Person/%00", "/alerts?filter=a%3D%22%00%22",
        "/alerts?service=%00", "/changes?service=%00", "/declare?title=%00",
    ],
)  # fmt: skip
async def test_a_nul_in_an_address_is_no_mistake_of_ours(world: World, path: str) -> None:
    await fire(world)
    async with browser(world, Role.ADMIN) as client:
        assert (await client.get(path)).status_code < 500


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00"])
async def test_a_cursor_that_somebody_made_up_is_no_mistake_of_ours(
    world: World, at: str
) -> None:
    from tocsin.web.api import paging

    cursor = paging.encode((at, "0195d3a0-7c1e-7a3b-9c58-5d0f4e6a1b2c"))
    for path in ("alerts", "changes", "incidents"):
        answer = await world.http.get(f"/api/v1/{path}?cursor={cursor}", headers=world.bearer)
        assert answer.status_code < 500, (path, answer.text)


async def test_a_token_for_less_than_its_person_may_takes_no_page(world: World) -> None:
    """A script's token that only reads cannot end what pages its person."""
    await fire(world)
    [(person_id,)] = await world.rows("SELECT person_id FROM oncall.notifications")
    [(name,)] = await world.rows(f"SELECT name FROM kernel.resources WHERE uid = '{person_id}'")
    invited = await world.http.post(
        f"/api/v1/people/{name}/invite", json={"role": "responder"}, headers=world.bearer
    )
    assert invited.status_code == 201, invited.text
    who = Actor(kind="person", id=person_id, name="x", role=Role.RESPONDER, person_id=person_id)
    for role, status in ((Role.VIEWER, 403), (Role.RESPONDER, 200)):
        made = await world.app.units.run(
            who, lambda unit, role=role: governance.make_own_token(unit, f"a-{role}", role)
        )
        answer = await world.http.post(
            "/api/v1/incidents/INC-1/acknowledge",
            headers={"authorization": f"Bearer {made.secret}"},
        )
        assert answer.status_code == status, answer.text


async def test_what_is_hidden_counts_for_no_route(world: World) -> None:
    await fire(world)
    maya = await person(world, "maya")
    async with browser(world, Role.MANAGER, maya) as client:
        assert (await do(client, "/incidents/INC-1/restrict", person="maya")).status_code == 303
        eye = {"authorization": f"Bearer {await world.make_token('eye', Role.VIEWER)}"}
        seen = (await client.get("/api/v1/routes")).json()
        hidden = (await world.http.get("/api/v1/routes", headers=eye)).json()
    assert sum(one["groups_lately"] for one in seen["items"]) == 1
    for count in ("groups_lately", "alerts_lately", "alerts_firing"):
        assert not [one for one in hidden["items"] if one[count]]
