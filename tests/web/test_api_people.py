"""Access over JSON: people, tokens with a scope, oneself, and who is refused what."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from fakes.world import ACME, World, running
from tocsin.kernel.access import Role
from tocsin.kernel.ids import uuid7
from tocsin.web.identity import CACHE_S, Identity

pytestmark = pytest.mark.db
GOOD = "seven green parrots"
TEAMS = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: payments}
spec:
  displayName: Payments
  members: [{person: maya, role: manager}, {person: jonas}]
---
apiVersion: tocsin/v1
kind: Team
metadata: {name: search}
spec: {displayName: Search}
"""


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        await world.apply(TEAMS)
        yield world


async def ask(
    world: World, method: str, path: str, body: object = None, *, token: str | None = None
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else world.bearer
    return await world.http.request(method, f"/api/v1{path}", json=body, headers=headers)


async def done(world: World, *words: Any, **more: Any) -> Any:
    answer = await ask(world, *words, **more)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def member(world: World, name: str, role: str) -> str:
    """Invite somebody, let them choose GOOD, and log them in; returns their token."""
    link = await done(world, "POST", f"/people/{name}/invite", {"role": role})
    path = link["url"][link["url"].index("/sign-in/") :]
    chosen = await world.http.post(path, data={"password": GOOD, "again": GOOD})
    assert chosen.status_code == 303, chosen.text
    world.http.cookies.clear()
    login = await world.http.post("/api/v1/login", json={"name": name, "password": GOOD})
    assert login.status_code == 201, login.text
    return str(login.json()["token"])


async def test_a_person_is_invited_signs_in_and_is_disabled(world: World) -> None:
    await member(world, "boss", "admin")
    token = await member(world, "maya", "responder")
    me = await done(world, "GET", "/me", token=token)
    assert (me["person"], me["role"], me["kind"]) == ("Maya Okafor", "responder", "token")
    assert me["teams"] == [{"team": "payments", "role": "responder"}]  # a token's own limit
    people = {one["name"]: one for one in (await done(world, "GET", "/people"))["items"]}
    maya = people["maya"]
    assert (maya["state"], maya["role"], maya["methods_count"]) == ("active", "responder", 1)
    assert maya["teams"] == [{"team": "payments", "role": "manager"}]
    assert (people["jonas"]["state"], people["jonas"]["role"]) == ("none", None)
    assert (await done(world, "POST", "/people/maya/disable"))["state"] == "disabled"
    assert (await ask(world, "GET", "/me", token=token)).status_code == 401
    refused = await world.http.post("/api/v1/login", json={"name": "maya", "password": GOOD})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert (await done(world, "POST", "/people/maya/enable"))["state"] == "active"


async def test_names_are_for_all_who_read_and_access_for_auditors(world: World) -> None:
    for role, is_open in ((Role.VIEWER, False), (Role.AUDITOR, True), (Role.MANAGER, False)):
        token = await world.make_token(f"t-{role}", role)
        found = (await done(world, "GET", "/people", token=token))["items"]
        assert [one["name"] for one in found] == ["boss", "jonas", "maya"]
        assert (found[0]["state"] is not None) == is_open
        assert (found[0]["methods_count"] is not None) == is_open
    token = await world.make_token("machine", Role.INTEGRATION)
    assert (await ask(world, "GET", "/people", token=token)).status_code == 403


async def test_what_cannot_be_is_refused_in_words(world: World) -> None:
    for path, body, status, words in (
        ("/people/nobody/invite", {"role": "viewer"}, 404, "no person 'nobody'"),
        ("/people/maya/invite", {"role": "integration"}, 422, "a person cannot be"),
        ("/people/maya/invite", {"role": "king"}, 422, ""),
        ("/people/maya/reset", None, 404, "invite them first"),
        ("/people/maya/role", {"role": "admin"}, 404, "invite them first"),
    ):
        answer = await ask(world, "POST", path, body)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), path
    await member(world, "maya", "admin")
    for verb, body in (("role", {"role": "viewer"}), ("disable", None)):
        answer = await ask(world, "POST", f"/people/maya/{verb}", body)
        assert (answer.status_code, "last admin" in answer.text) == (409, True)


async def test_a_token_of_a_team_sees_everywhere_and_acts_there_alone(world: World) -> None:
    made = await done(
        world,
        "POST",
        "/tokens",
        {"name": "bot", "role": "responder", "teams": ["payments"], "integration": "grafana"},
    )
    caller = await world.app.services.identity.by_token(made["token"])
    assert caller.integration == "grafana"
    actor = caller.actor
    assert (actor.role, dict(actor.teams)) == (Role.VIEWER, {"payments": Role.RESPONDER})
    assert actor.may_on("incident:respond", "payments")
    assert not actor.may_on("incident:respond", "search")
    assert not actor.may_on("incident:respond", None)
    assert actor.may_on("incident:read", "search")
    unknown = await ask(
        world, "POST", "/tokens", {"name": "x", "role": "viewer", "teams": ["nobody"]}
    )
    assert (unknown.status_code, unknown.json()["field"]) == (422, "teams")


async def test_a_persons_teams_come_from_the_configuration_at_once(world: World) -> None:
    token = await member(world, "maya", "viewer")
    login = {"name": "maya", "password": GOOD}
    answer = await world.http.post("/sign-in", data=login, headers={"accept": "text/html"})
    session = answer.cookies["tocsin_session"]
    world.http.cookies.clear()
    identity = world.app.services.identity
    actor = await identity.by_session(session)
    assert actor is not None
    assert dict(actor.teams) == {"payments": Role.MANAGER}
    # a viewer's token stays a viewer's, whatever its person is in a team
    assert dict((await identity.by_token(token)).actor.teams) == {"payments": Role.VIEWER}
    await world.apply(TEAMS.replace("{person: maya, role: manager}, ", ""))
    actor = await identity.by_session(session)
    assert actor is not None
    assert not actor.teams


async def test_a_personal_token_is_never_more_than_its_person_is_now(world: World) -> None:
    await member(world, "boss", "admin")
    token = await member(world, "maya", "admin")
    assert (await ask(world, "GET", "/tokens", token=token)).status_code == 200
    await done(world, "POST", "/people/maya/role", {"role": "viewer"})
    assert (await ask(world, "GET", "/tokens", token=token)).status_code == 403
    assert (await done(world, "GET", "/me", token=token))["role"] == "viewer"


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


async def test_a_revoked_token_ends_at_once_here_and_within_five_seconds_elsewhere(
    world: World,
) -> None:
    made = await done(world, "POST", "/tokens", {"name": "ci", "role": "viewer"})
    hand = Hand()
    elsewhere = Identity(world.app.db, world.clock, store=world.app.store, monotonic=hand)
    bearer = f"Bearer {made['token']}"
    assert await elsewhere.of(authorization=bearer, session=None)
    assert (await ask(world, "GET", "/me", token=made["token"])).status_code == 200
    gone = await done(world, "DELETE", "/tokens/ci")
    assert (gone["id"], gone["name"]) == (made["id"], "ci")
    assert "token" not in gone
    refused = await ask(world, "GET", "/me", token=made["token"])
    assert (refused.status_code, "revoked" in refused.text) == (401, True)
    hand.at += CACHE_S + 0.001
    with pytest.raises(Exception, match="revoked"):
        await elsewhere.of(authorization=bearer, session=None)
    assert (await ask(world, "DELETE", "/tokens/ci")).status_code == 404


async def test_a_token_ends_when_it_was_to_and_shows_when_it_was_used(world: World) -> None:
    made = await done(
        world, "POST", "/tokens", {"name": "day", "role": "viewer", "expires_in": "1d"}
    )
    assert made["expires_at"] == "2026-03-28T12:00:00Z"
    identity = world.app.services.identity
    await done(world, "GET", "/me", token=made["token"])
    world.clock.forward(hours=2)
    identity.forget()
    await done(world, "GET", "/me", token=made["token"])
    [day] = [
        one for one in (await done(world, "GET", "/tokens"))["items"] if one["name"] == "day"
    ]
    assert day["last_used_at"] == "2026-03-27T14:00:00Z"
    world.clock.forward(hours=22)
    identity.forget()
    refused = await ask(world, "GET", "/me", token=made["token"])
    assert (refused.status_code, "expired" in refused.text) == (401, True)


async def test_a_mistyped_token_is_refused_without_a_look_into_the_database(
    world: World,
) -> None:
    typo = world.token[:-9] + ("a" if world.token[-9] != "a" else "b") + world.token[-8:]
    refused = await ask(world, "GET", "/me", token=typo)
    assert (refused.status_code, "mistyped" in refused.text) == (401, True)


async def test_logging_in_again_replaces_the_token_and_guessing_is_limited(
    world: World,
) -> None:
    first = await member(world, "maya", "viewer")
    body = {"name": "maya@example.org", "password": GOOD, "token": "cli"}
    headers = {"idempotency-key": "as the command line sends it"}
    answer = await world.http.post("/api/v1/login", json=body, headers=headers)
    second = answer.json()["token"]
    assert (await ask(world, "GET", "/me", token=first)).status_code == 401
    assert (await ask(world, "GET", "/me", token=second)).status_code == 200
    for _ in range(10):
        wrong = await world.http.post("/api/v1/login", json=body | {"password": "guess"})
        assert wrong.status_code == 401
    limited = await world.http.post("/api/v1/login", json=body)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "60")
    assert limited.json()["code"] == "too-many"


async def test_oneself_lists_and_ends_what_is_ones_own(world: World) -> None:
    token = await member(world, "maya", "responder")
    sessions = (await done(world, "GET", "/me/sessions", token=token))["items"]
    assert [one["is_current"] for one in sessions] == [False]
    await done(world, "DELETE", f"/me/sessions/{sessions[0]['id']}", token=token)
    assert (await done(world, "GET", "/me/sessions", token=token))["items"] == []
    gone = await ask(world, "DELETE", f"/me/sessions/{sessions[0]['id']}", token=token)
    assert gone.status_code == 404
    await done(world, "POST", "/me/tokens", {"name": "laptop"}, token=token)
    names = [
        one["name"] for one in (await done(world, "GET", "/me/tokens", token=token))["items"]
    ]
    assert names == ["cli", "laptop"]
    await done(world, "DELETE", "/me/tokens/laptop", token=token)
    new = {"current": GOOD, "new": "nine blue parrots"}
    await done(world, "POST", "/me/password", new, token=token)
    wrong = await ask(world, "POST", "/me/password", new, token=token)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "current")
    assert (await done(world, "DELETE", "/me/sessions", token=token)) == {"ended_count": 0}


async def test_what_was_refused_is_recorded_once_with_who_and_without_names(
    world: World,
) -> None:
    token = await world.make_token("nosy", Role.VIEWER)
    for _ in range(3):
        refused = await ask(world, "POST", "/people/maya/disable", token=token)
        assert refused.status_code == 403
    await world.settle()
    found = await world.rows(
        "SELECT line FROM kernel.log WHERE kind = 'governance.access_refused'"
    )
    assert len(found) == 1
    [(ident,)] = await world.rows("SELECT id FROM governance.tokens WHERE name = 'nosy'")
    assert f'"actor":"token:{ident}"' in found[0][0]
    assert '"route":"/api/v1/people/{name}/disable"' in found[0][0]
    assert "maya" not in found[0][0]


def filled(path: str) -> str:
    """Put something in the place of each parameter of a path."""
    kinds = {"uuid": str(uuid7()), "int": "1"}
    return re.sub(r"{[^}:]*:?(\w*)}", lambda found: kinds.get(found[1], "x"), path)


async def test_every_route_of_the_api_asks_who_it_is(world: World) -> None:
    site: Any = world.app.site
    doors = [
        (route.path, handler)
        for route in site._lobby.behind.routes
        if route.path.startswith("/api/v1/") and not route.path.startswith(OPEN)
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"}
    ]
    assert len(doors) > 25
    unasked = [path for path, handler in doors if "asking" not in handler.fn.__annotations__]
    assert not unasked
    for path, handler in doors:
        for method in handler.http_methods - {"OPTIONS", "HEAD"}:
            answer = await world.http.request(method, filled(path), json={})
            assert answer.status_code in (401, 422), f"{method} {path}"


# the first proves by a password who asks, the second is sealed; the others tell nothing of anybody
OPEN = ("/api/v1/login", "/api/v1/push/received", "/api/v1/openapi.json", "/api/v1/docs")
