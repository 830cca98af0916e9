"""The screens of policies, routes and services."""

import httpx
import pytest
from pages_world import browser, fire
from test_api_alerts import SHOP

from fakes.world import World

pytestmark = pytest.mark.db


async def shown(client: httpx.AsyncClient, path: str, **query: str) -> str:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_policy_says_whom_it_pages_today(acme: World) -> None:
    async with browser(acme) as client:
        page = await shown(client, "/policies")
        assert "Today this pages <b>Jonas Weber, then Jonas Weber</b>" in page
        assert "+5m" in page
        assert "Bea Boss" in page


async def test_a_policy_that_reaches_nobody_is_warned_about(acme: World) -> None:
    await acme.apply("""
apiVersion: tocsin/v1
kind: Person
metadata: {name: mute}
spec: {displayName: Mute Person}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: broken}
spec: {steps: [{targets: [{person: mute}]}]}
""")
    async with browser(acme) as client:
        page = await shown(client, "/policies")
        assert "Mute Person has no contact method" in page
        assert "No step reaches anybody today" in page


async def test_routes_stand_in_order_and_an_alert_can_be_tried(acme: World) -> None:
    await acme.apply(SHOP)
    async with browser(acme) as client:
        page = await shown(client, "/policies")
        assert page.index('id="route-databases"') < page.index('id="route-everything"')
        assert "calls again after 2h" in page
        page = await shown(client, "/policies", **{"try": 'service="orders-db", severity=x'})
        assert "At once this calls Jonas Weber" in page
        page = await shown(client, "/policies", **{"try": "service=a, severity=info"})
        assert "This calls nobody: low urgency" in page
        page = await shown(client, "/policies", **{"try": "nonsense"})
        assert "bad matcher format" in page
        page = await shown(client, "/policies", **{"try": 'a=~"b"'})
        assert "each with one value" in page


async def test_services_begin_with_a_document_to_paste(acme: World) -> None:
    async with browser(acme) as client:
        assert "kind: Service" in await shown(client, "/services")


async def test_a_service_is_shown_with_all_around_it(acme: World) -> None:
    await acme.apply(SHOP)
    await fire(acme)
    async with browser(acme) as client:
        page = await shown(client, "/services")
        assert 'href="/services/checkout"' in page
        assert "INC-1" in page
        assert "Jonas Weber" in page
        page = await shown(client, "/services/checkout")
        assert "https://wiki.test/checkout" in page
        assert "HighErrorRate" in page
        assert (await client.get("/services/none")).status_code == 404
