"""The JSON API about access and configuration, and what machines ask without a session."""

from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.kernel.errors import ALL
from tocsin.web import api
from tocsin.web.problems import HANDLERS
from tocsin.web.units import asking

pytestmark = pytest.mark.db
EVE: dict[str, Any] = {
    "apiVersion": "tocsin/v1",
    "kind": "Person",
    "metadata": {"name": "eve"},
    "spec": {"displayName": "Eve Adams"},
}


async def post(world: World, path: str, body: object) -> httpx.Response:
    return await world.http.post(f"/api/v1{path}", json=body, headers=world.bearer)


async def test_a_new_token_works_at_once_and_is_shown_once(acme: World) -> None:
    made = await post(acme, "/tokens", {"name": "prom", "role": "integration", "rate": 5})
    assert made.status_code == 201
    secret = made.json()["token"]
    me = await acme.http.get("/api/v1/me", headers={"authorization": f"Bearer {secret}"})
    assert (me.json()["name"], me.json()["role"]) == ("prom", "integration")
    assert me.json()["permissions"] == [
        "alert:read",
        "change:accept",
        "heartbeat:ping",
        "signal:accept",
    ]
    again = await post(acme, "/tokens", {"name": "prom", "role": "integration"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "role": "king"}, "role"),
        ({"name": "x", "role": "system"}, "role"),
        ({"name": "no spaces", "role": "viewer"}, "name"),
        ({"name": "x", "role": "viewer", "rate": 0}, "rate"),
        ({"name": "x", "role": "viewer", "rats": 1}, None),
    ],
)
async def test_a_token_that_cannot_be_is_refused(
    acme: World, body: dict[str, Any], field: str | None
) -> None:
    refused = await post(acme, "/tokens", body)
    assert refused.status_code == 422, refused.text
    assert field is None or refused.json()["field"] == field


async def test_only_who_may_create_tokens_gives_access(acme: World) -> None:
    manager = {"authorization": f"Bearer {await acme.make_token('boss', Role.MANAGER)}"}
    for path, body in (("/tokens", {"name": "x", "role": "viewer"}), ("/links/sign-in", {})):
        refused = await acme.http.post(f"/api/v1{path}", json=body, headers=manager)
        assert refused.status_code == 403, path
    link = await post(acme, "/links/sign-in", {"role": "responder"})
    assert link.status_code == 201
    assert link.json()["url"].startswith("http://127.0.0.1:8640/sign-in/")
    assert (await post(acme, "/links/sign-in", {"role": "system"})).status_code == 422


async def test_nobody_is_told_anything(acme: World) -> None:
    for path in ("/me", "/incidents", "/alerts", "/oncall"):
        for headers in (
            {},
            {"authorization": "Bearer tocsin_nope"},
            {"authorization": "Basic x"},
        ):
            refused = await acme.http.get(f"/api/v1{path}", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


async def test_what_is_applied_is_in_force_when_the_answer_comes(acme: World) -> None:
    before = acme.app.store.current.revision
    applied = (await post(acme, "/resources/apply", {"documents": [EVE]})).json()
    assert applied["changes"] == ["created Person/eve"]
    assert applied["revision"] == acme.app.store.current.revision > before
    again = (await post(acme, "/resources/apply", {"documents": [EVE]})).json()
    assert again == {
        "revision": applied["revision"], "changed": False, "changes": ["unchanged Person/eve"],
        "warnings": [],
    }  # fmt: skip


async def test_one_refused_document_keeps_all_from_being_applied(acme: World) -> None:
    before = acme.app.store.current.revision
    broken = EVE | {"metadata": {"name": "mallory"}, "spec": {"displayName": 1}}
    refused = await post(acme, "/resources/apply", {"documents": [EVE, broken]})
    assert refused.status_code == 422
    assert "Person/mallory: spec.displayName: Expected `str`" in refused.json()["detail"]
    assert acme.app.store.current.revision == before


async def test_health_is_open_and_says_what_is_wrong(acme: World) -> None:
    assert (await acme.http.get("/health/live")).text == "ok"
    ready = await acme.http.get("/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    acme.clock.forward(minutes=5)  # no worker has looked since
    late = await acme.http.get("/health/ready")
    assert (late.status_code, late.json()["ready"]) == (503, False)
    assert "worker" in late.json()["problems"][0]


async def test_metrics_are_open_on_loopback_alone(acme: World) -> None:
    near = await acme.http.get("/metrics")
    assert "tocsin_due_timer_lag_seconds 0.0" in near.text
    assert near.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    proxied = await acme.http.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"})
    assert proxied.status_code == 401
    far = httpx.ASGITransport(acme.app.site, client=("203.0.113.9", 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=far, base_url="http://tocsin.test") as http:
        assert (await http.get("/metrics")).status_code == 401
        assert (await http.get("/metrics", headers=acme.bearer)).status_code == 200
        viewer = {"authorization": f"Bearer {await acme.make_token('eye', Role.VIEWER)}"}
        assert (await http.get("/metrics", headers=viewer)).status_code == 403


async def test_every_error_code_is_listed(acme: World) -> None:
    listed = (await acme.http.get("/errors")).text
    assert [line.split()[0] for line in listed.splitlines()] == [kind.code for kind in ALL]


def test_the_api_describes_itself_and_answers_unknown_paths_with_a_problem() -> None:
    site = Litestar(
        logging_config=None,
        route_handlers=api.ROUTES,
        openapi_config=api.OPENAPI,
        exception_handlers=HANDLERS,
        dependencies={"asking": Provide(asking)},
    )
    with TestClient(site) as client:
        found = client.get("/api/v1/openapi.json").json()
        unknown = client.get("/api/v1/nope")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")
    assert unknown.json()["title"] == "Not found"
    operations = [one for path in found["paths"].values() for one in path.values()]
    assert all(one.get("tags") and one.get("description") for one in operations)
    refusals = found["paths"]["/api/v1/incidents/{reference}"]["get"]["responses"]
    assert {"400", "401", "403", "404", "422", "503"} <= set(refusals)
    assert all(
        "application/problem+json" in refusals[code]["content"] for code in ("400", "404")
    )
    body = found["paths"]["/api/v1/resources/apply"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"]["examples"]
