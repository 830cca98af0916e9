"""Alerts, routes and services over JSON: filters, resolve by hand, trying, and who sees what."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fakes.world import NOON, World
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.ids import GroupId
from tocsin.kernel.unit import Unit
from tocsin.triage import actions as triage
from tocsin.triage import reads
from tocsin.triage.model import Alert

pytestmark = pytest.mark.db

LATER = NOON + timedelta(hours=5)
SHOP = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: payments}
spec: {displayName: Payments}
---
apiVersion: tocsin/v1
kind: Service
metadata: {name: checkout}
spec:
  displayName: Checkout
  owner: payments
  tier: 1
  links: [{title: Dashboard, url: "https://grafana.test/d/checkout"}]
  runbooks: ["https://wiki.test/checkout"]
  labels: {service: [checkout, checkout-api]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: databases}
spec: {steps: [{targets: [{person: jonas}], timeout: 1m}]}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: databases}
spec:
  order: 1
  matchers: ['service=~".*-db"', 'severity!="info"']
  continue: true
  policy: databases
  repeatInterval: 2h
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: everything}
spec: {order: 2, policy: default}
"""


async def ask(world: World, method: str, path: str, status: int = 200, **more: Any) -> Any:
    answer = await world.http.request(method, f"/api/v1{path}", headers=world.bearer, **more)
    assert answer.status_code == status, answer.text
    return answer.json()


async def fire(world: World, *wanted: dict[str, str]) -> None:
    await world.post(
        [
            {
                "labels": labels,
                "annotations": {"summary": f"{labels['alertname']} is on"},
                "startsAt": (NOON - timedelta(minutes=5)).isoformat(),
                "endsAt": LATER.isoformat(),
            }
            for labels in wanted
        ]
    )


def alert(name: str, service: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, "service": service, **labels}


async def names(world: World, **params: Any) -> list[str]:
    found = await ask(world, "GET", "/alerts", params=params)
    return sorted(one["name"] for one in found["items"])


async def test_alerts_are_filtered_by_matchers_team_service_and_words(acme: World) -> None:
    await acme.apply(SHOP)
    await fire(
        acme,
        alert("A", "checkout", severity="critical"),
        alert("B", "checkout-api", severity="warning"),
        alert("C", "cart", severity="critical", team="payments"),
        alert("D", "search", zone="eu-1"),
    )
    assert await names(acme) == ["A", "B", "C", "D"]
    assert await names(acme, filter='severity="critical"') == ["A", "C"]
    assert await names(acme, filter='severity!="critical"') == ["B", "D"]
    assert await names(acme, filter=['service=~"check.*"', 'severity!~"crit.*"']) == ["B"]
    assert await names(acme, filter='{zone=~".+", alertname!=""}') == ["D"]
    assert await names(acme, filter='zone=""') == ["A", "B", "C"]
    assert await names(acme, service="checkout") == ["A", "B"]
    assert await names(acme, team="payments") == ["A", "B", "C"]
    assert await names(acme, integration="test", state="all") == ["A", "B", "C", "D"]
    assert await names(acme, integration="other") == []
    assert await names(acme, state="resolved") == []
    await acme.forward(seconds=5)  # words are gathered behind the sorter
    assert await names(acme, q="check crit") == ["A"]
    assert await names(acme, q="no such word") == []


@pytest.mark.parametrize(
    "params",
    [
        {"filter": "nonsense"},
        {"filter": 'a=~"["'},
        {"filter": "a" * 3000},
        {"q": "a\0b"},
        {"filter": 'a="\0"'},
    ],
)
async def test_a_filter_that_cannot_be_read_is_refused_with_its_field(
    acme: World, params: dict[str, str]
) -> None:
    found = await ask(acme, "GET", "/alerts", 422, params=params)
    assert found["field"] == "filter"


@pytest.mark.parametrize(
    "text", ["'", "\\", "& | ! :* <->", "a:* & 'b", "()", "\u2028 ü", "%_"]
)
async def test_any_words_may_be_looked_for(acme: World, text: str) -> None:
    assert await names(acme, q=text, state="all") == []
    assert await acme.app.units.run(SYSTEM, lambda unit: reads.search(unit, text)) == []


async def test_alerts_resolved_by_hand_stay_so_and_their_incident_is_over(acme: World) -> None:
    await fire(acme, alert("A", "checkout"), alert("B", "checkout"))
    items = (await ask(acme, "GET", "/alerts"))["items"]
    ids = [one["id"] for one in items]
    done = await ask(acme, "POST", "/alerts/resolve", json={"alerts": ids[:1]})
    assert [one["id"] for one in done["resolved"]] == ids[:1]
    assert (await ask(acme, "GET", "/incidents/INC-1"))["status"] == "investigating"
    await ask(acme, "POST", "/alerts/resolve", json={"alerts": ids})
    assert (await ask(acme, "GET", "/incidents/INC-1"))["status"] == "resolved"
    await acme.settle()
    assert (await acme.story()).count("triage.alerts_resolved") == 2
    acme.clock.forward(seconds=60)
    await fire(acme, alert("A", "checkout"))  # the sender repeats itself
    assert await names(acme) == []
    why = await ask(acme, "GET", f"/alerts/{ids[0]}")
    assert why["reasons"][0] == {
        "stage": "resolved",
        "decision": "by hand, until it fires anew",
    }


async def test_resolving_needs_the_permission_in_the_team_of_the_alert(acme: World) -> None:
    await acme.apply(SHOP)
    await fire(acme, alert("A", "checkout"), alert("D", "search"))
    found = {one["name"]: one["id"] for one in (await ask(acme, "GET", "/alerts"))["items"]}
    responder = Actor(
        kind="person", id=UUID(int=7), name="Ann", role=Role.VIEWER,
        teams={"payments": Role.RESPONDER},
    )  # fmt: skip

    async def resolve(unit: Unit) -> list[Alert]:
        from tocsin.topology.model import Catalogue

        team_of = unit.config(Catalogue).team_of
        return await triage.resolve(unit, [UUID(found[wanted])], team_of=team_of)

    wanted = "A"
    assert len(await acme.app.units.run(responder, resolve)) == 1
    wanted = "D"
    with pytest.raises(Exception, match="may not alert:resolve"):
        await acme.app.units.run(responder, resolve)


async def test_an_unknown_alert_cannot_be_resolved(acme: World) -> None:
    nobody = {"alerts": ["0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876"]}
    await ask(acme, "POST", "/alerts/resolve", 404, json=nobody)


async def test_what_is_restricted_is_in_no_list_no_search_and_not_resolved(acme: World) -> None:
    await fire(acme, alert("Secret", "hr"), alert("Open", "shop"))
    await acme.forward(seconds=5)
    everything = await acme.app.units.run(
        SYSTEM, lambda unit: reads.filtered_alerts(unit, reads.Filter(), limit=9)
    )
    [hidden] = [one for one in everything if one.labels["service"] == "hr"]
    assert hidden.group_id is not None
    group_id: GroupId = hidden.group_id
    await acme.app.units.run(
        SYSTEM, lambda unit: triage.restrict(unit, [group_id], ["role:manager"])
    )
    viewer = Actor(kind="person", id=UUID(int=7), name="Ann", role=Role.RESPONDER)
    manager = Actor(kind="person", id=UUID(int=8), name="Bob", role=Role.MANAGER)

    async def seen(unit: Unit) -> list[int]:
        wanted = reads.Filter()
        return [
            len(await reads.firing(unit)),
            len(await reads.alerts_of(unit, [group_id])) + 1,
            len(await reads.groups(unit, [group_id])) + 1,
            len(await reads.search(unit, "secr")) + 1,
            len(await reads.filtered_alerts(unit, wanted, limit=9)),
            len(await reads.group_list(unit, wanted, limit=9, each=9)),
            len(await reads.alerts_by_id(unit, [hidden.id])) + 1,
            await reads.firing_count(unit),
            len(await reads.firing_about(unit, ["service"])),
        ]

    assert set(await acme.app.units.run(viewer, seen)) == {1}
    assert set(await acme.app.units.run(manager, seen)) == {2}
    with pytest.raises(Exception, match="no alert"):
        await acme.app.units.run(viewer, lambda unit: triage.resolve(unit, [hidden.id]))
    await acme.app.units.run(SYSTEM, lambda unit: triage.restrict(unit, [group_id], None))
    assert set(await acme.app.units.run(viewer, seen)) == {2}


async def test_a_route_that_goes_on_pages_each_policy_for_one_incident(acme: World) -> None:
    await acme.apply(SHOP)
    await fire(acme, alert("Slow", "orders-db"))
    incident = await ask(acme, "GET", "/incidents/INC-1")
    assert incident["number"] == 1
    policies = await acme.rows("SELECT count(DISTINCT policy_id) FROM oncall.pages")
    assert policies == [(2,)]
    groups = await acme.rows("SELECT routes, policies, incident_number FROM triage.groups")
    assert groups == [(["databases", "everything"], ["databases", "default"], 1)]


async def test_what_was_taken_and_still_fires_is_paged_again(acme: World) -> None:
    quiet = SHOP.replace("timeout: 1m}]}", "timeout: 1m}], ackTimeout: 0s}")
    await acme.apply(quiet)
    await fire(acme, alert("Slow", "orders-db"))
    await acme.forward(minutes=1)
    await ask(acme, "POST", "/incidents/INC-1/acknowledge")
    before = len(acme.mail.to("jonas@example.org"))
    await acme.forward(minutes=119)
    assert "triage.group_still_fires" not in await acme.story()
    await acme.forward(minutes=2)
    assert "triage.group_still_fires" in await acme.story()
    assert len(acme.mail.to("jonas@example.org")) > before


async def test_trying_an_alert_says_whom_it_calls_and_changes_nothing(acme: World) -> None:
    await acme.apply(SHOP)
    labels = {"alertname": "Slow", "service": "orders-db", "severity": "critical"}
    await acme.settle()
    before = await acme.rows("SELECT count(*) FROM kernel.log")
    found = await ask(acme, "POST", "/routes/try", json={"labels": labels})
    assert found["taken"] == ["databases", "everything"]
    assert found["urgency"] == "high"
    assert [one["name"] for one in found["policies"]] == ["databases", "default"]
    assert found["policies"][0]["steps"][0]["people"][0]["name"] == "Jonas Weber"
    assert found["routes"][0]["matchers"][0] == {"matcher": 'service=~".*-db"', "holds": True}
    assert found["routes"][2]["asked"] is False
    await acme.settle()
    assert before == await acme.rows("SELECT count(*) FROM kernel.log")
    assert await names(acme, state="all") == []
    calm = await ask(
        acme, "POST", "/routes/try", json={"labels": labels | {"severity": "info"}}
    )
    assert (calm["taken"], calm["urgency"], calm["policies"]) == (["everything"], "low", [])


async def test_routes_count_what_they_took(acme: World) -> None:
    await acme.apply(SHOP)
    await fire(acme, alert("Slow", "orders-db"), alert("A", "checkout"))
    found = (await ask(acme, "GET", "/routes"))["items"]
    assert [(one["name"], one["alerts_lately"]) for one in found] == [
        ("databases", 1), ("everything", 2), ("default", 0),
    ]  # fmt: skip
    assert found[0]["matchers"] == ['service=~".*-db"', 'severity!="info"']


async def test_a_policy_is_a_line_in_time(acme: World) -> None:
    found = await ask(acme, "GET", "/policies/default")
    assert found["today"] == "Jonas Weber, then Jonas Weber"
    assert [one["at_seconds"] for one in found["steps"]] == [0, 300]
    assert found["catch_all"]["people"][0]["name"] == "Bea Boss"
    assert found["warnings"] == []
    assert len((await ask(acme, "GET", "/policies"))["items"]) == 1
    await ask(acme, "GET", "/policies/none", 404)


async def test_a_service_says_whose_it_is_and_what_goes_on(acme: World) -> None:
    await acme.apply(SHOP)
    await fire(acme, alert("A", "checkout-api"))
    [found] = (await ask(acme, "GET", "/services"))["items"]
    assert (found["owner"], found["tier"], found["alerts_firing"]) == ("payments", 1, 1)
    assert found["open_incidents"] == ["INC-1"]
    assert len(found["on_call"]) == 1
    detail = await ask(acme, "GET", "/services/checkout")
    assert detail["runbooks"] == ["https://wiki.test/checkout"]
    assert detail["routes"] == ["everything"]
    await ask(acme, "GET", "/services/none", 404)
    assert (await ask(acme, "GET", "/services", params={"team": "nobody"}))["items"] == []
