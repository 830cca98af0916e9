"""The editor of a schedule that follows a calendar: what is shown of it, and that it is kept."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pages_world import browser
from test_pages_schedule_edit import fields_of

from fakes.world import World
from oncall.calendar_world import Rig, Site, event
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db


@pytest.fixture
async def rig(world: World) -> AsyncIterator[Rig]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield Rig(world, site)


async def test_a_preview_shows_what_a_calendar_said_last_or_that_nobody_knows(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260328T100000Z", "20260328T180000Z")]
    await rig.follow(path="private-4711.ics")
    async with browser(rig.world, Role.ADMIN) as client:
        page = await client.get("/schedules/vendor/edit")
        assert "Layer theirs: as its calendar was read last, Fri 27 Mar 13:00." in page.text
        assert page.text.count("Bea Boss") >= 2  # in the final schedule, and in the layer
        form = fields_of(page.text)
        renamed = form | {"layer_name": ["vendors", "base"]}
        shown = await client.post("/schedules/preview", data=renamed)
        assert "Layer vendors: as its calendar was read last" in shown.text
        assert "What changes for whom" not in shown.text
        assert "instead of" not in shown.text  # nor in what saving would change
        base = {name: found[1:] if len(found) > 1 else found for name, found in form.items()}
        gone = await client.post("/schedules/preview", data=base)
        assert "Maya Okafor instead of Bea Boss, Sat 28 Mar 11:00" in gone.text
        rig.site.status = 500
        await rig.follow(path="other.ics")
        shown = await client.post("/schedules/preview", data=form)
        assert "follows a calendar that was not read yet" in shown.text
        assert "The last try: url: the server answered 500." in shown.text
        assert "private-4711" not in page.text + shown.text


async def test_who_edits_a_schedule_without_its_address_keeps_it(rig: Rig) -> None:
    await rig.follow(path="private-4711.ics")
    api = "/api/v1/resources/Schedule/vendor"
    shown = await rig.world.http.get(api, headers=rig.world.bearer)
    document = shown.json()["document"]
    assert document["spec"]["layers"][1]["calendar"]["url"].endswith("/…")
    headers = rig.world.bearer | {"if-match": shown.headers["etag"]}
    taken = await rig.world.http.put(f"{api}?take_over=true", json=document, headers=headers)
    assert taken.status_code == 200, taken.text
    async with browser(rig.world, Role.ADMIN) as client:
        page = await client.get("/schedules/vendor/edit")
        form = fields_of(page.text) | {"layer_name": ["vendors", "base"], "do": "save"}
        saved = await client.post("/schedules/vendor/edit", data=form)
        assert saved.status_code == 303, saved.text
    [(spec, private)] = await rig.world.rows(
        "SELECT spec, fields FROM kernel.resource_private JOIN kernel.resources USING (uid)"
        " WHERE name = 'vendor'"
    )
    assert "private-4711" not in str(spec)
    assert [one["name"] for one in private["layers"]] == ["base", "vendors"]
    assert private["layers"][1]["calendar"]["url"].endswith("private-4711.ics")
