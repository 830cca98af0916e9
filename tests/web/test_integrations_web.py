"""Integrations on screen and over JSON: how senders fare, trying a mapping, what is refused."""

from collections.abc import AsyncIterator

import pytest

from fakes.world import World, running
from tocsin.governance import actions as governance
from tocsin.governance.model import TokenScope
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from web.pages_world import browser, proof

pytestmark = pytest.mark.db

HOOK = """
apiVersion: tocsin/v1
kind: Integration
metadata: {name: shop}
spec:
  type: webhook
  description: The shop's own checks
  labels: {site: berlin}
  mapping:
    dedupKey: item.id
    firing: item.state == "alerting"
    labels: {alertname: item.title, service: '"checkout"'}
    severity: item.level
    summary: item.message
"""
TOKENS: dict[str, str] = {}  # of the world of the test that runs
BODY = {
    "id": 7,
    "title": "Slow",
    "state": "alerting",
    "level": "Critical",
    "message": "p99 4 s",
}


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    TOKENS.clear()
    async with running(dsn) as world:
        yield world


async def post(world: World, body: object, name: str = "shop") -> tuple[int, dict[str, object]]:
    if name not in TOKENS:
        TOKENS[name] = await world.make_token(name, Role.INTEGRATION)
    headers = {"authorization": f"Bearer {TOKENS[name]}"}
    answer = await world.http.post("/webhook", json=body, headers=headers)
    await world.settle()
    return answer.status_code, answer.json()


async def test_a_webhook_is_mapped_kept_sorted_and_resolved(world: World) -> None:
    await world.apply(HOOK)
    assert await post(world, BODY) == (202, {"status": "accepted", "signals": 1})
    query = "SELECT state, labels, annotations, integration FROM triage.alerts"
    assert await world.rows(query) == [
        (
            "firing",
            {
                "site": "berlin", "alertname": "Slow", "service": "checkout",
                "severity": "critical",
            },
            {"summary": "p99 4 s"},
            "shop",
        )
    ]  # fmt: skip
    await post(world, [{**BODY, "state": "ok"}])
    assert await world.rows("SELECT state FROM triage.alerts") == [("resolved",)]


async def test_a_payload_that_the_mapping_cannot_read_is_refused_whole_and_noted(
    world: World,
) -> None:
    await world.apply(HOOK)
    status, body = await post(world, [BODY, {"id": 8}])
    assert status == 422
    assert "labels.alertname (item 1)" in str(body["detail"])
    assert await world.rows("SELECT 1 FROM signals.receipts") == []
    shown = (await world.http.get("/api/v1/integrations/shop", headers=world.bearer)).json()
    assert (shown["messages"], shown["refusals"], len(shown["errors"])) == (0, 1, 1)
    assert shown["errors"][0]["status"] == 422


async def test_a_webhook_without_a_mapping_says_what_to_apply(world: World) -> None:
    status, body = await post(world, BODY, "nobody-described-me")
    assert status == 422
    assert "apply an Integration" in str(body["detail"])


async def test_a_wrong_expression_is_refused_where_it_is_applied(world: World) -> None:
    from tocsin.kernel.errors import Invalid

    with pytest.raises(Invalid) as refused:
        await world.apply(HOOK.replace("item.state ==", "item.state = "))
    assert "Integration/shop: spec.mapping.firing" in refused.value.detail
    with pytest.raises(Invalid, match="mapping"):
        await world.apply(HOOK.partition("  mapping:")[0])


async def test_an_alertmanager_that_is_described_gets_its_labels_and_team(world: World) -> None:
    await world.apply(
        """
apiVersion: tocsin/v1
kind: Integration
metadata: {name: test}
spec: {type: alertmanager, labels: {site: berlin, alertname: never}}
"""
    )
    await world.signal({"alertname": "Down"})
    assert await world.rows("SELECT labels FROM triage.alerts") == [
        ({"alertname": "Down", "site": "berlin"},)
    ]


async def test_the_list_counts_what_came_and_what_was_refused(world: World) -> None:
    await world.post([{"labels": {"alertname": f"A{n}"}} for n in range(3)])
    await world.http.post("/api/v2/alerts", content=b"{", headers=world.bearer)
    await world.settle()
    listed = (await world.http.get("/api/v1/integrations", headers=world.bearer)).json()
    (one,) = listed["items"]
    assert (one["name"], one["type"], one["configured"]) == ("test", "alertmanager", False)
    assert (one["messages"], one["signals"], one["refusals"]) == (1, 3, 1)
    assert (sum(one["per_minute"]), len(one["per_minute"])) == (3, 60)
    assert "unexpected EOF" in one["last_error"]
    await world.forward(minutes=61)
    listed = (await world.http.get("/api/v1/integrations", headers=world.bearer)).json()
    assert sum(listed["items"][0]["per_minute"]) == 0


async def test_trying_keeps_nothing_and_names_what_is_wrong(world: World) -> None:
    mapping = {"labels": {"alertname": "item.title"}, "dedupKey": "item.id"}
    asked = {"spec": {"type": "webhook", "mapping": mapping}, "payload": BODY}
    answer = await world.http.post("/api/v1/integrations/try", json=asked, headers=world.bearer)
    assert answer.status_code == 200, answer.text
    assert [one["labels"] for one in answer.json()["signals"]] == [{"alertname": "Slow"}]
    mapping["labels"] = {"alertname": "item.nothing", "x": "item."}  # type: ignore[assignment]
    answer = await world.http.post("/api/v1/integrations/try", json=asked, headers=world.bearer)
    assert [one["field"] for one in answer.json()["mistakes"]] == ["labels.x"]
    asked = {
        "spec": {"type": "pagerduty"},
        "payload": {
            "event_action": "trigger",
            "payload": {"summary": "Down", "source": "web-1", "severity": "error"},
        },
    }
    answer = await world.http.post("/api/v1/integrations/try", json=asked, headers=world.bearer)
    assert answer.json()["signals"][0]["labels"]["severity"] == "error"
    assert await world.rows("SELECT 1 FROM signals.inbox") == []


async def test_who_may_only_look_may_not_try(world: World) -> None:
    token = await world.make_token("eye", Role.VIEWER)
    headers = {"authorization": f"Bearer {token}"}
    asked = {"spec": {"type": "pagerduty"}, "payload": {}}
    answer = await world.http.post("/api/v1/integrations/try", json=asked, headers=headers)
    assert answer.status_code == 403
    assert (await world.http.get("/api/v1/changes", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/webhook", BODY),
        ("/api/v2/alerts", [{"labels": {"alertname": "Down"}}]),
        ("/v2/enqueue", {"event_action": "trigger", "payload": {
            "summary": "Down", "source": "a", "severity": "critical"}}),
        ("/v2/change/enqueue", {"payload": {
            "summary": "Deployed", "timestamp": "2026-03-27T12:00:00Z"}}),
    ],
)  # fmt: skip
async def test_a_token_that_may_not_send_or_has_expired_is_an_error_of_its_integration(
    world: World, path: str, body: dict[str, object]
) -> None:
    await world.apply(HOOK)
    scope = TokenScope(lasts_s=60, integration="shop")
    for name, role, status in (("eye", Role.VIEWER, 403), ("old", Role.INTEGRATION, 401)):
        made = await world.app.units.run(
            SYSTEM,
            lambda unit, name=name, role=role: governance.make_token(
                unit, name, role, scope=scope
            ),
        )
        if status == 401:
            world.clock.forward(minutes=2)
        keyed = {"routing_key": made.secret, **body} if path.startswith("/v2/") else body
        sent = {} if path.startswith("/v2/") else {"authorization": f"Bearer {made.secret}"}
        answer = await world.http.post(path, json=keyed, headers=sent)
        assert answer.status_code in (status, 400), answer.text
        await world.settle()
        shown = await world.http.get("/api/v1/integrations/shop", headers=world.bearer)
        error = shown.json()["errors"][0]
        assert error["status"] == status, shown.text
        assert made.secret not in shown.text


async def test_the_screen_shows_senders_a_line_to_paste_and_the_box(world: World) -> None:
    async with browser(world, Role.ADMIN) as client:
        page = await client.get("/integrations")
        assert "Nobody sends yet" in page.text
        assert "tocsin token create" in page.text
        await world.apply(HOOK)
        await post(world, BODY)
        await post(world, {"id": 1})
        page = await client.get("/integrations")
        assert 'href="/integrations/shop"' in page.text
        page = await client.get("/integrations/shop")
        assert "curl -sS" in page.text
        assert "/webhook" in page.text
        assert "Refused with 422" in page.text
        assert "item.title" in page.text
        form = {**proof(page), "spec": HOOK, "payload": '{"id": 1, "title": "<b>"}'}
        tried = await client.post("/integrations/shop", data=form)
        assert tried.status_code == 200
        assert "firing (item 0)" in tried.text
        form["payload"] = (
            '{"id":1,"title":"<b>Hey","state":"alerting","level":"info","message":"m"}'
        )
        tried = await client.post("/integrations", data=form)
        assert "1 signal:" in tried.text
        assert "&lt;b&gt;Hey" in tried.text
        form["spec"] = "kind: ["
        tried = await client.post("/integrations", data=form)
        assert "line:" in tried.text
        assert (await client.get("/integrations/never")).status_code == 404


async def test_a_viewer_sees_the_list_without_the_box(world: World) -> None:
    async with browser(world, Role.VIEWER) as client:
        page = await client.get("/integrations")
        assert page.status_code == 200
        assert 'id="try"' not in page.text
