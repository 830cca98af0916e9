"""The screen of changes, and what services say of theirs."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pages_world import browser, fire

from fakes.world import ACME, NOON, World, running
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
SHOP = """
apiVersion: tocsin/v1
kind: Service
metadata: {name: checkout}
spec: {displayName: Checkout}
---
apiVersion: tocsin/v1
kind: Service
metadata: {name: mail}
spec: {displayName: Mail}
"""


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        await world.apply(SHOP)
        yield world


async def tell(world: World, count: int, service: str) -> None:
    """Report changes, the first one the oldest, a minute apart."""
    for n in range(count):
        at = NOON - timedelta(minutes=count - n)
        change = {
            "routing_key": world.token,
            "payload": {
                "summary": f"Deploy {n} of {service}", "source": "ci",
                "timestamp": at.isoformat(),
                "custom_details": {"service": service, "build": n},
            },
            "links": [{"href": f"https://ci.example.org/{n}", "text": "Build"}],
        }  # fmt: skip
        assert (await world.http.post("/v2/change/enqueue", json=change)).status_code == 202
    await world.settle()


async def test_an_empty_list_shows_how_to_tell_a_change(world: World) -> None:
    async with browser(world, Role.VIEWER) as client:
        page = await client.get("/changes")
        assert page.status_code == 200, page.text
        assert "/v2/change/enqueue" in page.text
        assert "tocsin token create ci" in page.text


async def test_changes_are_listed_newest_first_in_parts_and_by_service(world: World) -> None:
    await tell(world, 51, "checkout")
    await tell(world, 1, "mail")
    async with browser(world) as client:
        page = await client.get("/changes", params={"service": "checkout"})
        assert 'href="https://ci.example.org/50"' in page.text
        assert page.text.index("Deploy 50 of checkout") < page.text.index(
            "Deploy 1 of checkout"
        )
        assert "Deploy 0 of" not in page.text
        assert "of mail" not in page.text
        older = page.text.partition('href="/changes?')[2].partition('"')[0]
        page = await client.get("/changes?" + older.replace("&amp;", "&"))
        assert "Deploy 0 of checkout" in page.text
        assert "Older changes" not in page.text
        page = await client.get("/changes")
        assert "Deploy 0 of mail" in page.text
        page = await client.get("/changes", params={"service": "nobody"})
        assert "Nothing changed in nobody" in page.text
        assert (await client.get("/changes", params={"cursor": "x"})).status_code == 422


async def test_services_list_incidents_that_are_open_whatever_fires(world: World) -> None:
    await fire(world)
    declared = {"title": "Nobody gets a mail", "services": ["mail"]}
    for url, body in (
        ("/api/v1/incidents", declared),
        ("/api/v1/incidents/INC-1/resolve", {}),
    ):
        answer = await world.http.post(url, json=body, headers=world.bearer)
        assert answer.is_success, answer.text
    async with browser(world) as client:
        page = (await client.get("/services")).text
    assert 'href="/incidents/INC-2"' in page
    assert 'href="/incidents/INC-1"' not in page
