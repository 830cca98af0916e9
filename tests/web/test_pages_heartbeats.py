"""Heartbeats on screen: made with a form, its address shown once, paused, pinged, and its words."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from fakes.world import ACME, World, running
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.web.pages.search import find
from web.pages_world import browser, proof

pytestmark = pytest.mark.db
FORM = {
    "name": "nightly-backup", "every": "", "cron": "30 2 * * *", "timezone": "Europe/Berlin",
    "grace": "1h", "severity": "critical", "team": "", "description": "Dumps <b>all</b>",
}  # fmt: skip


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


async def test_a_heartbeat_is_made_on_screen_and_its_address_is_shown_once(
    world: World,
) -> None:
    async with browser(world, Role.MANAGER) as manager:
        empty = await manager.get("/heartbeats")
        assert "No job is listened for yet" in empty.text
        csrf = proof(empty)
        wrong = await manager.post("/heartbeats", data=FORM | csrf | {"cron": "99 * * * *"})
        assert wrong.status_code == 422
        assert "bad minute" in wrong.text
        assert 'value="99 * * * *"' in wrong.text
        made = await manager.post("/heartbeats", data=FORM | csrf)
        assert made.status_code == 200, made.text
        found = re.search(r'id="secret"[^>]*>([^<]+)<', made.text)
        assert found
        path = found.group(1).removeprefix(world.app.settings.base_url)
        assert re.fullmatch(r"/heartbeat/[\w-]{32}", path)
        assert "Dumps &lt;b&gt;all&lt;/b&gt;" in made.text
        again = await manager.post("/heartbeats", data=FORM | csrf)
        assert (again.status_code, "here is a heartbeat" in again.text) == (409, True)
        said = b"</pre><script>alert(1)</script>"
        assert (await world.http.post(f"{path}/2", content=said)).status_code == 200
        page = await manager.get("/heartbeats/nightly-backup")
        assert path not in page.text
        assert "Failed with exit code 2" in page.text
        assert "<script>alert" not in page.text
        assert ">Down<" in page.text
        assert "tocsin run --heartbeat" in page.text
        for button in ("make-key", 'id="pause"', 'id="ping"'):
            assert button in page.text
        listed = await manager.get("/heartbeats")
        assert "30 2 * * * Europe/Berlin" in listed.text
        one = "/heartbeats/nightly-backup"
        assert (await manager.post(f"{one}/ping", data=csrf)).status_code == 303
        assert ">Up<" in (await manager.get(one)).text
        assert (await manager.post(f"{one}/pause", data=csrf)).status_code == 303
        assert ">Paused<" in (await manager.get(one)).text
        assert (await manager.post(f"{one}/resume", data=csrf)).status_code == 303
        key = await manager.post(f"{one}/key", data=csrf)
        assert "shown this once" in key.text
        assert (await world.http.get(path)).status_code == 404
        assert (await manager.get("/heartbeats/nothing")).status_code == 404
        assert (await manager.post(f"{one}/pause")).status_code == 403  # without proof


async def test_who_only_looks_finds_no_buttons_but_by_any_words_the_heartbeat(
    world: World,
) -> None:
    async with browser(world, Role.MANAGER) as manager:
        csrf = proof(await manager.get("/heartbeats"))
        await manager.post("/heartbeats", data=FORM | csrf)
        often = FORM | csrf | {"name": "probe", "cron": "", "timezone": "", "every": "5m"}
        await manager.post("/heartbeats", data=often | {"description": ""})
        await manager.post("/heartbeats/nightly-backup/pause", data=csrf)
    async with browser(world, Role.VIEWER) as viewer:
        page = await viewer.get("/heartbeats/nightly-backup")
        for button in ("make-key", 'id="pause"', 'id="ping"'):
            assert button not in page.text
        listed = await viewer.get("/heartbeats")
        assert "New heartbeat" not in listed.text
        for words in ("NIGHTLY", "back", "dumps"):
            found = (await viewer.get("/palette", params={"q": words})).text
            assert found.count('href="/heartbeats/nightly-backup"') == 1, words
            assert "Paused, 30 2 * * * Europe/Berlin" in found
            assert "probe" not in found
        page = (await viewer.get("/search?q=prob")).text
        assert "Waits for its first ping, every 5m" in page
        assert 'href="/heartbeats/' not in (await viewer.get("/palette?q=nothing+such")).text
    machine = Actor(kind="token", id=UUID(int=7), name="sender", role=Role.INTEGRATION)
    assert not await world.app.units.run(machine, lambda unit: find(unit, "probe", limit=5))
