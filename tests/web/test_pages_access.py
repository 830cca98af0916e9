"""Signing in and one-time links: what looking at them does not do, and what using them does."""

import pytest
from pages_world import HTML, ack_path, browser, fire, person, proof

from fakes.world import World, running
from tocsin.governance.model import SESSION_LASTS
from tocsin.kernel.access import Role
from tocsin.web.identity import COOKIE

pytestmark = pytest.mark.db


async def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page(world: World) -> None:
    for path in ("/", "/alerts", "/oncall", "/incidents/INC-1"):
        answer = await world.http.get(path, headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert (await world.http.get("/live")).status_code == 401
    assert "tocsin link" in (await world.http.get("/sign-in", headers=HTML)).text


async def test_a_sign_in_link_works_once_and_looking_at_it_uses_nothing(world: World) -> None:
    link = await world.app.sign_in_link(Role.RESPONDER, await person(world, "maya"))
    path = link[link.index("/sign-in/") :]
    for _ in range(2):
        page = await world.http.get(path, headers=HTML)
        assert "Sign in as Maya Okafor" in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
    answer = await world.http.post(path, headers=HTML)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert all(word in cookie for word in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert "Secure" not in cookie
    assert "Maya Okafor" in (await world.http.get("/", headers=HTML)).text
    assert (await world.http.post(path, headers=HTML)).status_code == 403
    assert "was used or has expired" in (await world.http.get(path, headers=HTML)).text


async def test_the_cookie_is_secure_behind_https(dsn: str) -> None:
    async with running(dsn, url="https://tocsin.test") as world:
        link = await world.app.sign_in_link()
        answer = await world.http.post(link[link.index("/sign-in/") :])
        assert "Secure" in answer.headers["set-cookie"]


async def test_another_site_cannot_sign_a_browser_in(world: World) -> None:
    link = await world.app.sign_in_link()
    answer = await world.http.post(
        link[link.index("/sign-in/") :], headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_signing_out_ends_the_session(world: World) -> None:
    async with browser(world) as client:
        session = client.cookies[COOKIE]
        form = proof(await client.get("/"))
        answer = await client.post("/sign-out", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        client.cookies.set(COOKIE, session)
        assert (await client.get("/")).status_code == 303


async def test_looking_at_an_acknowledge_link_changes_nothing(world: World) -> None:
    await fire(world)
    path = ack_path(world)
    for _ in range(3):  # a mail scanner, its retry, and the person
        page = await world.http.get(path, headers=HTML)
        assert "for Jonas Weber" in page.text
        assert 'id="acknowledge"' in page.text
        assert page.headers["cache-control"] == "no-store"
    assert await world.rows("SELECT state FROM oncall.pages") == [("triggered",)]


async def test_an_acknowledge_link_acts_as_its_person_and_a_double_tap_is_no_failure(
    world: World,
) -> None:
    await fire(world)
    path = ack_path(world)
    for _ in range(2):
        page = await world.http.post(path, headers=HTML)
        assert page.status_code == 200
        assert "You acknowledged INC-1 at 12:00 UTC" in page.text
    await world.settle()
    jonas = await person(world, "jonas")
    assert await world.rows("SELECT state, acknowledged_by FROM oncall.pages") == [
        ("acknowledged", jonas)
    ]
    assert (await world.story()).count("oncall.page_acknowledged") == 1
    lines = await world.rows(
        "SELECT line FROM kernel.log WHERE kind = 'oncall.page_acknowledged'"
    )
    assert f'"actor":"link:{jonas}"' in lines[0][0]
    assert '"channel":"e-mail link"' in lines[0][0]


async def test_a_link_comes_second_after_somebody_else(world: World) -> None:
    await fire(world)
    path = ack_path(world)
    async with browser(world, person_id=await person(world, "maya")) as client:
        form = proof(await client.get("/"))
        await client.post("/incidents/INC-1/acknowledge", data=form)
    page = await world.http.post(path, headers=HTML)
    assert "Maya Okafor acknowledged INC-1" in page.text
    assert "co-responder" in page.text


async def test_a_link_to_what_is_over_changes_nothing(world: World) -> None:
    await fire(world)
    path = ack_path(world)
    await world.http.post("/incidents/INC-1/resolve", headers=world.bearer)
    page = await world.http.post(path, headers=HTML)
    assert page.status_code == 200
    assert "INC-1 is over" in page.text
    assert await world.rows("SELECT acknowledged_by FROM oncall.pages") == [(None,)]


async def test_a_link_that_is_old_or_unknown_is_refused(world: World) -> None:
    await fire(world)
    path = ack_path(world)
    world.clock.forward(hours=49)
    assert "expired" in (await world.http.get(path, headers=HTML)).text
    assert (await world.http.post(path, headers=HTML)).status_code == 403
    for method in ("GET", "POST"):
        assert (await world.http.request(method, "/a/guess", headers=HTML)).status_code == 404


async def test_a_sign_in_link_does_not_acknowledge_nor_the_other_way_round(
    world: World,
) -> None:
    await fire(world)
    sign_in = await world.app.sign_in_link()
    secret = sign_in.rpartition("/")[2]
    assert (await world.http.post(f"/a/{secret}")).status_code == 404
    ack_secret = ack_path(world).rpartition("/")[2]
    assert (await world.http.post(f"/sign-in/{ack_secret}")).status_code == 404


async def test_sessions_end_after_two_weeks(world: World) -> None:
    async with browser(world) as client:
        world.clock.forward(seconds=SESSION_LASTS.total_seconds() + 1)
        assert (await client.get("/")).status_code == 303
