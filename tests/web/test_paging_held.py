"""The banner of a Tocsin that pages nobody, its button, and the API of what an operator switches."""

import logging
from datetime import timedelta

import pytest
from pages_world import HTML, browser, person, proof

from fakes.world import World
from tocsin.app.loops import Loops
from tocsin.governance import reads as access
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db


async def test_a_manager_releases_paging_on_the_banner_and_a_responder_only_sees_it(
    world: World,
) -> None:
    await world.http.post("/api/v1/paging/hold", headers=world.bearer)
    async with browser(world, Role.RESPONDER, await person(world, "jonas")) as client:
        page = await client.get("/", headers=HTML)
        assert "PAGING IS HELD" in page.text
        assert "Release paging" not in page.text
        refused = await client.post("/paging/release", data=proof(page))
        assert refused.status_code == 403
    async with browser(world, Role.MANAGER, await person(world, "maya")) as client:
        page = await client.get("/", headers=HTML)
        assert "Release paging" in page.text
        assert (await client.post("/paging/release")).status_code == 403  # no proof
        done = await client.post("/paging/release", data=proof(page))
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert "PAGING IS HELD" not in (await client.get("/", headers=HTML)).text
    assert (await world.http.get("/api/v1/paging", headers=world.bearer)).json()[
        "held"
    ] is False


async def test_health_says_that_paging_is_held(world: World) -> None:
    assert "paging-held" not in (await world.http.get("/health/ready")).json()["codes"]
    await world.http.post("/api/v1/paging/hold", headers=world.bearer)
    answer = await world.http.get("/health/ready")
    assert answer.status_code == 503
    assert "paging-held" in answer.json()["codes"]


async def test_a_log_level_lasts_as_long_as_was_said_and_stands_in_the_log(
    world: World,
) -> None:
    async def level() -> str | None:
        async with world.app.db.connection() as conn:
            found = await access.log_level(conn, world.clock.now())
        return found.level if found else None

    body = {"level": "debug", "for": "15m"}
    path = "/api/v1/system/log-level"
    answer = await world.http.post(path, json=body, headers=world.bearer)
    assert answer.json()["level"] == "debug"
    assert await level() == "debug"
    world.clock.forward(seconds=timedelta(minutes=15).total_seconds())
    assert await level() is None
    await world.http.post(path, json={"level": "warning"}, headers=world.bearer)
    assert await level() == "warning"
    back = await world.http.post(path, json={"level": "settings"}, headers=world.bearer)
    assert back.json() == {"level": "info", "until": None}
    assert await level() is None
    await world.settle()
    assert (await world.story()).count("governance.log_level_changed") == 3


async def test_every_process_takes_the_level_over_and_goes_back_in_time(world: World) -> None:
    logger = logging.getLogger("tocsin")
    before = logger.level
    try:
        body = {"level": "error", "for": "15m"}
        await world.http.post("/api/v1/system/log-level", json=body, headers=world.bearer)
        await Loops(world.app)._config()
        assert logger.level == logging.ERROR
        world.clock.forward(minutes=16)
        await Loops(world.app)._config()
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)


@pytest.mark.parametrize("lasts", ["8d", "0s", "soon"])
async def test_nobody_logs_at_another_level_for_ever(world: World, lasts: str) -> None:
    answer = await world.http.post(
        "/api/v1/system/log-level", json={"level": "debug", "for": lasts}, headers=world.bearer
    )
    assert answer.status_code == 422
    assert answer.json()["field"] == "for"


async def test_only_an_admin_changes_the_log_level(world: World) -> None:
    token = await world.make_token("manager", Role.MANAGER)
    answer = await world.http.post(
        "/api/v1/system/log-level",
        json={"level": "debug"},
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 403
