"""A token that is limited to a team: every operation that writes is refused beyond the team."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes.things import things
from fakes.world import ACME, NOON, World, running
from tocsin.governance import actions as governance
from tocsin.governance.model import TokenScope
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM

pytestmark = pytest.mark.db
TABLE = Path(__file__).parents[1] / "golden" / "routes.txt"
TEAMS = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: red}
spec: {displayName: Red}
---
apiVersion: tocsin/v1
kind: Team
metadata: {name: blue}
spec: {displayName: Blue}
---
apiVersion: tocsin/v1
kind: Service
metadata: {name: theirs}
spec: {owner: blue}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: reds}
spec: {team: red, steps: [{targets: [{person: maya}]}]}
---
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {name: theirs}
spec: {team: blue, every: 1h}
"""
THEIRS_LATER = """
apiVersion: tocsin/v1
kind: Service
metadata: {{name: theirs, effectiveFrom: "{later}"}}
spec: {{owner: blue, tier: 2}}
"""
SERVICE = {"apiVersion": "tocsin/v1", "kind": "Service", "metadata": {"name": "theirs"},
           "spec": {"owner": "blue", "tier": 1}}  # fmt: skip
TAKE_OVER = "?take_over=true"
STRETCH = {"start_at": (NOON + timedelta(hours=1)).isoformat(),
           "end_at": (NOON + timedelta(hours=2)).isoformat()}  # fmt: skip
SWAP = """
    INSERT INTO oncall.swaps
           (id, state, schedule_id, layer, turn, asker_id, partner_id, created_at, author)
    SELECT gen_random_uuid(), 'requested', s.uid, 'rotation', 3, p.uid, p.uid, now(), 'person:x'
      FROM kernel.resources s, kernel.resources p
     WHERE s.kind = 'Schedule' AND s.name = 'primary' AND p.kind = 'Person' AND p.name = 'maya'
    RETURNING id
"""
CALENDAR = """
    INSERT INTO oncall.calendar_feeds (id, token_hash, kind, owner_id, author, created_at)
    SELECT gen_random_uuid(), sha256('x'), 'person', uid, 'person:x', now()
      FROM kernel.resources
     WHERE kind = 'Person' AND name = 'maya'
    RETURNING id
"""
PAGE = """
    SELECT p.id
      FROM oncall.pages p
      JOIN command.incidents i ON i.id = p.incident_id
     WHERE i.number = {number}
"""
INC = "/api/v1/incidents/{reference}"
# what each operation that writes is sent; {} stands for what an incident or a group is called
BODIES: dict[str, Any] = {
    "POST /api/v1/alerts/resolve": {"alerts": ["{alert}"]},
    "POST /api/v1/heartbeats/{name}/key": None,
    "POST /api/v1/heartbeats/{name}/pause": None,
    "POST /api/v1/heartbeats/{name}/ping": {},
    "POST /api/v1/heartbeats/{name}/resume": None,
    "POST /api/v1/incidents": {"title": "x", "team": "blue"},
    f"PATCH {INC}": {"title": "x"},
    f"POST {INC}/acknowledge": None,
    f"POST {INC}/escalate": None,
    f"POST {INC}/links": {"url": "https://x.test/"},
    f"DELETE {INC}/links/{{link_id}}": None,
    f"POST {INC}/merge": {"incident": "{other}"},
    f"POST {INC}/notes": {"text": "x"},
    f"DELETE {INC}/notes/{{note_id}}": None,
    f"POST {INC}/page": {"policy": "reds"},
    f"POST {INC}/priority": {"priority": "P1"},
    f"POST {INC}/relations": {"incident": "{other}"},
    f"DELETE {INC}/relations/{{other}}": None,
    f"POST {INC}/reopen": None,
    f"POST {INC}/resolve": None,
    f"PUT {INC}/responders/{{name}}": None,
    f"DELETE {INC}/responders/{{name}}": None,
    f"PUT {INC}/restriction": {"roles": ["viewer"]},
    f"DELETE {INC}/restriction": None,
    f"POST {INC}/severity": {"severity": 1},
    f"POST {INC}/split": {"groups": ["{group}"], "title": "x"},
    f"POST {INC}/status": {"status": "identified"},
    "POST /api/v1/integrations/try": {
        "spec": {"type": "webhook", "team": "blue", "mapping": {"labels": "item"}},
        "payload": {"a": "b"},
    },
    "POST /api/v1/links/sign-in": {"role": "viewer"},
    "DELETE /api/v1/oncall/calendars/{feed_id}": None,
    "POST /api/v1/oncall/calendars/{feed_id}/regenerate": None,
    "POST /api/v1/oncall/leave": {"person": "maya", **STRETCH},
    "POST /api/v1/oncall/overrides": {
        "kind": "cover",
        "schedule": "primary",
        "slot": "primary",
        "person": "maya",
        **STRETCH,
    },
    "DELETE /api/v1/oncall/overrides/{override_id}": None,
    "POST /api/v1/oncall/swaps/{swap_id}/accept": None,
    "POST /api/v1/oncall/swaps/{swap_id}/decline": None,
    "POST /api/v1/oncall/swaps/{swap_id}/withdraw": None,
    "POST /api/v1/pages/{page_id}/acknowledge": None,
    "POST /api/v1/pages/{page_id}/hand-back": None,
    "POST /api/v1/pages/{page_id}/reassign": {"policy": "reds"},
    "POST /api/v1/pages/{page_id}/snooze": {"for": "1h"},
    "POST /api/v1/paging/hold": None,
    "POST /api/v1/paging/release": None,
    "POST /api/v1/people/{name}/disable": None,
    "POST /api/v1/people/{name}/enable": None,
    "POST /api/v1/people/{name}/invite": {"role": "viewer"},
    "POST /api/v1/people/{name}/reset": None,
    "POST /api/v1/people/{name}/role": {"role": "viewer"},
    "POST /api/v1/resources/apply": {"documents": [SERVICE]},
    "PUT /api/v1/resources/{kind}/{name}": SERVICE,
    "DELETE /api/v1/resources/{kind}/{name}": None,
    "POST /api/v1/resources/{kind}/{name}/rollback": {"to": 1},
    "DELETE /api/v1/resources/{kind}/{name}/scheduled": None,
    "POST /api/v1/system/log-level": {"level": "debug"},
    "POST /api/v1/tokens": {"name": "x", "role": "viewer"},
    "DELETE /api/v1/tokens/{reference}": None,
}
# one's own things, what nobody signs in for, and what only looks
FREE = (
    "/api/v1/me", "/api/v1/login", "/api/v1/push/received", "/api/v1/resources/plan",
    "/api/v1/routes/try", "/api/v1/oncall/schedules/",
)  # fmt: skip
OWN = ("POST /api/v1/oncall/calendars", "POST /api/v1/oncall/swaps")


def writes() -> list[str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    found = [" ".join(line.split()[:2]) for line in lines]
    return [
        one
        for one in found
        if not one.startswith("GET ") and not one.partition(" ")[2].startswith(FREE)
        if one not in OWN
    ]


def test_each_operation_that_writes_is_asked() -> None:
    assert set(writes()) == set(BODIES)


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME + "---" + TEAMS)
        for n, team in enumerate(("blue", "blue", "")):
            labels = {"alertname": f"Down-{n}", "service": f"s{n}", "severity": "critical"}
            labels |= {"team": team} if team else {}
            await world.signal(labels, ends_at=NOON + timedelta(days=9000))
        later = NOON + timedelta(days=1)
        await world.apply(THEIRS_LATER.format(later=later.isoformat()))
        yield world


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    return [filled(one, names) for one in value] if isinstance(value, list) else value


async def story(world: World) -> list[Any]:
    """Return what happened, but that somebody was refused."""
    await world.settle()
    return [kind for kind in await world.story() if kind != "governance.access_refused"]


@pytest.mark.parametrize("ours", ["INC-1", "INC-3"], ids=["of another team", "of nobody"])
async def test_it_writes_nothing_beyond_its_team(world: World, ours: str) -> None:
    made = await world.app.units.run(
        SYSTEM,
        lambda unit: governance.make_token(
            unit, "reds", Role.MANAGER, scope=TokenScope(teams=("red",))
        ),
    )
    bearer = {"authorization": f"Bearer {made.secret}", "if-match": "*"}
    note = await world.http.post(
        f"/api/v1/incidents/{ours}/notes", json={"text": "a"}, headers=world.bearer
    )
    link = await world.http.post(
        f"/api/v1/incidents/{ours}/links",
        json={"url": "https://y.test/"},
        headers=world.bearer,
    )
    override = await world.http.post(
        "/api/v1/oncall/overrides",
        json=BODIES["POST /api/v1/oncall/overrides"],
        headers=world.bearer,
    )
    ((swap,),) = await world.rows(SWAP)
    ((calendar,),) = await world.rows(CALENDAR)
    ((page,),) = await world.rows(PAGE.format(number=ours[-1]))
    there = await things(world)
    at = int(ours[-1]) - 1
    names = {
        "{alert}": there["alert_id"][at], "{group}": there["group_id"][at],
        "{other}": "INC-2", "{link_id}": link.json()["id"], "{note_id}": note.json()["id"],
        "{reference}": ours, "{name}": "maya", "{kind}": "Service", "{swap_id}": str(swap),
        "{override_id}": override.json()["id"], "{feed_id}": str(calendar),
        "{page_id}": str(page),
    }  # fmt: skip
    before = await story(world)
    wrong = {}
    for operation in writes():
        method, path = operation.split(" ")
        is_theirs = "/resources/" in path or "/heartbeats/" in path
        known = names | ({"{name}": "theirs"} if is_theirs else {})
        for name, value in known.items():
            path = path.replace(name, value)
        if "/resources/" in path and path.endswith(("/theirs", "/rollback")):
            path += TAKE_OVER
        answer = await world.http.request(
            method, path, json=filled(BODIES[operation], known), headers=bearer
        )
        if answer.status_code != 403:
            wrong[operation] = f"{answer.status_code} {answer.text[:200]}"
    assert not wrong, "\n".join(f"{one}: {said}" for one, said in wrong.items())
    assert await story(world) == before


@pytest.mark.parametrize(
    ("services", "answer"),
    [(["ours"], 201), (["nobodys", "ours"], 201), (["theirs"], 403), (["nobodys"], 403)],
)
async def test_what_it_declares_belongs_to_the_owner_of_the_service(
    world: World, services: list[str], answer: int
) -> None:
    await world.apply(
        "apiVersion: tocsin/v1\nkind: Service\nmetadata: {name: ours}\nspec: {owner: red}\n"
    )
    made = await world.app.units.run(
        SYSTEM,
        lambda unit: governance.make_token(
            unit, "reds", Role.RESPONDER, scope=TokenScope(teams=("red",))
        ),
    )
    found = await world.http.post(
        "/api/v1/incidents",
        json={"title": "Slow", "services": services},
        headers={"authorization": f"Bearer {made.secret}"},
    )
    assert found.status_code == answer, found.text
    if answer == 201:
        assert found.json()["team"] == "red"
