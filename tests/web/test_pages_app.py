"""The screens of the whole application: who sees what, and which forms act."""

import pytest
from pages_world import browser, fire, person, proof

from fakes.world import World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
JONAS = "jonas@example.org"


async def test_now_shows_what_is_open_and_who_is_next(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        page = await client.get("/")
        assert page.status_code == 200, page.text
        assert "INC-1" in page.text
        assert "Jonas Weber" in page.text
        assert 'action="/incidents/INC-1/acknowledge"' in page.text
        assert 'after="' in page.text
        assert (await client.get("/_now")).text.lstrip().startswith("<div")


async def test_an_empty_now_shows_how_to_send_a_first_alert(world: World) -> None:
    async with browser(world) as client:
        assert "/api/v2/alerts" in (await client.get("/")).text


async def test_the_room_tells_the_whole_story_with_masked_addresses(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        page = await client.get("/incidents/INC-1")
        assert page.status_code == 200, page.text
        for words in (
            "Step 1: calling Jonas Weber",
            "Paged Jonas Weber by email",
            "j…@example.org",
            "https://r.test/b",
            "step 1 of 2, round 1 of 2",
        ):
            assert words in page.text
        assert JONAS not in page.text
        for part in ("_head", "_pages", "_timeline", "_alerts"):
            assert (await client.get(f"/incidents/INC-1/{part}")).status_code == 200
        assert (await client.get("/incidents/INC-1/_other")).status_code == 404
        assert (await client.get("/incidents/INC-9")).status_code == 404


async def test_the_alerts_page_leads_to_the_incident(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        page = await client.get("/alerts")
        assert 'href="/incidents/INC-1"' in page.text
        assert "HighErrorRate" in page.text


async def test_the_on_call_page_shows_shifts_in_the_zone_of_the_schedule(world: World) -> None:
    async with browser(world) as client:
        page = await client.get("/oncall")
        assert "Europe/Berlin" in page.text
        assert "09:00" in page.text


async def test_acknowledging_on_screen_takes_the_page_as_the_person(world: World) -> None:
    await fire(world)
    async with browser(world, person_id=await person(world, "maya")) as client:
        form = proof(await client.get("/incidents/INC-1"))
        answer = await client.post("/incidents/1/acknowledge", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/INC-1")
        page = await client.get("/incidents/INC-1")
        assert "Maya Okafor acknowledged by web" in page.text
        assert 'action="/incidents/INC-1/acknowledge"' not in page.text


async def test_with_script_an_action_answers_without_a_page(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        form = proof(await client.get("/"))
        answer = await client.post(
            "/incidents/INC-1/resolve", data=form, headers={"hx-request": "true"}
        )
        assert answer.status_code == 204
        assert await world.rows("SELECT status FROM command.incidents") == [("resolved",)]


@pytest.mark.parametrize("form", [{}, {"_csrf": "0" * 64}, {"_csrf": "ü"}])
async def test_a_form_without_proof_does_nothing(world: World, form: dict[str, str]) -> None:
    await fire(world)
    async with browser(world) as client:
        for path in ("/incidents/INC-1/acknowledge", "/incidents/INC-1/resolve", "/sign-out"):
            answer = await client.post(path, data=form)
            assert answer.status_code == 403
            assert "data-error" in answer.text
        assert (await client.get("/")).status_code == 200
    assert await world.rows("SELECT state FROM oncall.pages") == [("triggered",)]


async def test_the_proof_of_one_session_is_worth_nothing_in_another(world: World) -> None:
    await fire(world)
    async with browser(world) as mine, browser(world) as theirs:
        form = proof(await theirs.get("/"))
        assert (await mine.post("/incidents/INC-1/resolve", data=form)).status_code == 403


async def test_a_token_in_the_header_needs_no_proof(world: World) -> None:
    await fire(world)
    answer = await world.http.post("/incidents/INC-1/acknowledge", headers=world.bearer)
    assert answer.status_code == 303


async def test_a_viewer_sees_no_buttons_and_may_press_none(world: World) -> None:
    await fire(world)
    async with browser(world, Role.VIEWER) as client:
        for path in ("/", "/incidents/INC-1"):
            text = (await client.get(path)).text
            assert "/acknowledge" not in text
            assert "/resolve" not in text
        form = proof(await client.get("/"))
        for verb in ("acknowledge", "resolve"):
            answer = await client.post(f"/incidents/INC-1/{verb}", data=form)
            assert answer.status_code == 403
    assert await world.rows("SELECT state FROM oncall.pages") == [("triggered",)]
