"""Snooze, reassign and hand back in the incident's room, without script; and why it paged."""

import re

import httpx
import pytest
from pages_world import browser, fire, proof

from fakes.world import World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db

INC = "/incidents/INC-1"


async def do(client: httpx.AsyncClient, path: str, **said: str) -> httpx.Response:
    return await client.post(path, data=proof(await client.get(INC)) | said)


async def test_a_page_is_snoozed_and_handed_back_by_forms(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        form = (await client.get(f"{INC}/snooze")).text
        assert 'name="for"' in form
        assert (await do(client, f"{INC}/snooze", **{"for": "1h"})).status_code == 303
        room = (await client.get(INC)).text
        assert "Snoozed" in room
        assert 'id="hand-back"' in room
        assert 'id="acknowledge"' in room
        assert (await do(client, f"{INC}/hand-back")).status_code == 303
        await world.settle()
        assert len(world.mail.to("jonas@example.org")) == 2
        assert (await do(client, f"{INC}/snooze", other="9d")).status_code == 422


async def test_a_page_is_reassigned_to_whom_the_form_offers(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        form = (await client.get(f"{INC}/reassign")).text
        page = re.search(r'name="page" value="([0-9a-f-]+)"', form)
        assert page
        assert 'value="schedule:primary/primary"' in form
        said = {"page": page.group(1), "to": "person:maya"}
        assert (await do(client, f"{INC}/reassign", **said)).status_code == 303
        await world.settle()
        assert len(world.mail.to("maya@example.org")) == 1
        nowhere = {"page": page.group(1), "to": ""}
        assert (await do(client, f"{INC}/reassign", **nowhere)).status_code == 422


async def test_why_it_paged_stands_on_a_page_of_its_own(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        room = (await client.get(INC)).text
        assert f'href="{INC}/why"' in room
        why = (await client.get(f"{INC}/why")).text
    assert "It has paged Jonas Weber by email." in why
    assert "Jonas Weber was on call for primary" in why
    assert "severity=critical" in why


async def test_a_viewer_is_offered_none_of_it(world: World) -> None:
    await fire(world)
    async with browser(world, Role.VIEWER) as client:
        room = (await client.get(INC)).text
    for word in ("/snooze", "/reassign", "hand-back"):
        assert f"{INC}{word}" not in room
