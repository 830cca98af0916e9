"""The screens of the whole application: who sees what, which forms act, what one-time links do."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.governance import actions as governance
from tocsin.kernel import live, sealer, timeline
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.web.headers import POLICY
from tocsin.web.identity import COOKIE
from tocsin.web.pages.live import PING, messages

pytestmark = pytest.mark.db

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
HTML = {"accept": "text/html"}
JONAS = "jonas@example.org"


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


async def person(world: World, name: str) -> UUID:
    found = await world.rows(f"SELECT uid FROM kernel.resources WHERE name = '{name}'")
    return UUID(str(found[0][0]))


@asynccontextmanager
async def browser(
    world: World, role: Role = Role.RESPONDER, person_id: UUID | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Sign a browser in, as a person does."""
    transport = httpx.ASGITransport(world.app.site)  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport, base_url="http://tocsin.test", headers=HTML
    ) as client:
        link = await world.app.sign_in_link(role, person_id)
        answer = await client.post(link[link.index("/sign-in/") :])
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        yield client


def proof(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'name="_csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return {"_csrf": found.group(1)}


async def fire(world: World) -> None:
    await world.signal(
        FIRE, ends_at=NOON + timedelta(hours=5), summary="5xx", runbook_url="https://r.test/b"
    )


def ack_path(world: World) -> str:
    found = re.search(r"/a/[\w-]+", world.mail.sent[-1][1].text)
    assert found
    return found.group()


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


async def test_every_answer_carries_the_policy_errors_too(world: World) -> None:
    for path in ("/sign-in", "/a/unknown", "/nowhere", "/"):
        answer = await world.http.get(path, headers=HTML)
        assert answer.headers["content-security-policy"] == POLICY, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    assert (await world.http.get("/a/unknown")).headers["referrer-policy"] == "no-referrer"


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


async def test_the_banner_says_when_a_page_reaches_nobody(dsn: str) -> None:
    async with running(dsn) as world:
        await fire(world)
        async with browser(world) as client:
            assert "UNPAGEABLE: INC-1 reaches nobody" in (await client.get("/oncall")).text


async def test_a_timeline_has_what_is_not_sealed_yet_and_goes_on_from_a_seq(
    world: World,
) -> None:
    await fire(world)
    page = (await world.rows("SELECT id, incident_id FROM oncall.pages"))[0]
    await world.http.post("/incidents/INC-1/resolve", headers=world.bearer)

    async def read(unit: Unit, before_seq: int | None = None) -> list[timeline.Entry]:
        return await timeline.about(
            unit, page, catalog=world.app.catalog, name=str, before_seq=before_seq
        )

    found = await world.app.units.run(SYSTEM, read)
    fresh = [entry.kind for entry in found if entry.seq is None]
    assert fresh == ["oncall.page_resolved", "command.incident_resolved"]
    sealed = [entry.seq for entry in found if entry.seq is not None]
    assert sealed == sorted(sealed, reverse=True)
    older = await world.app.units.run(SYSTEM, lambda unit: read(unit, sealed[0]))
    assert [entry.seq for entry in older] == sealed[1:]
    await world.settle()
    again = await world.app.units.run(SYSTEM, read)
    assert [entry.id for entry in again] == [entry.id for entry in found]


async def test_the_stream_replays_what_was_missed_and_ends_when_the_hub_closes(
    world: World,
) -> None:
    await fire(world)
    async with world.app.db.connection() as conn:
        await sealer.seal(conn)
        newest = await live.last_seq(conn)
    stream = messages(world.app.services, newest - 1)
    assert await anext(stream) == PING
    assert (await anext(stream)).startswith(f"id: {newest}\nevent: moved\n".encode())
    assert world.app.hub.clients == 1
    waiting = asyncio.ensure_future(anext(stream, b"end"))
    await asyncio.sleep(0)
    world.app.hub.close()
    assert await asyncio.wait_for(waiting, 5) == b"end"
    assert world.app.hub.clients == 0


async def test_a_browser_that_leaves_is_forgotten_at_once(world: World) -> None:
    leave = asyncio.Event()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            leave.set()

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/live",
        "raw_path": b"/live", "root_path": "", "scheme": "http", "query_string": b"after=-1",
        "headers": [(b"authorization", f"Bearer {world.token}".encode())],
        "client": ("test", 1), "server": ("test", 80),
    }  # fmt: skip
    await asyncio.wait_for(world.app.site(scope, receive, send), 5)  # type: ignore[arg-type]
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-accel-buffering"] == b"no"
    assert sent[1]["body"] == PING
    assert world.app.hub.clients == 0


async def test_a_machine_that_only_sends_alerts_hears_nothing(world: World) -> None:
    token = await world.make_token("prometheus", Role.INTEGRATION)
    answer = await world.http.get("/live", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403


async def test_sessions_end_after_two_weeks(world: World) -> None:
    async with browser(world) as client:
        world.clock.forward(seconds=governance.SESSION_LASTS.total_seconds() + 1)
        assert (await client.get("/")).status_code == 303
