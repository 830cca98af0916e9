"""What surrounds every screen: the stream, the timeline, the banner, the headers."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pages_world import HTML, browser, fire, person

from fakes.world import ACME, World, running
from tocsin.governance.actions import people, sessions, tokens
from tocsin.kernel import live, sealer, timeline
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall.ports import PermanentFailure, Sent
from tocsin.web.headers import POLICY
from tocsin.web.identity import COOKIE
from tocsin.web.pages.live import PING, Listener, messages
from tocsin.web.templating import assets, environment, not_built

pytestmark = pytest.mark.db


async def listener(world: World, token: str = "", *, cookie: str = "") -> Listener:
    asked = {"authorization": f"Bearer {token}" if token else None, "session": cookie or None}
    identity = world.app.services.identity
    who = await identity.of(**asked)
    assert who is not None
    return Listener(who, partial(identity.anew, **asked))


async def test_every_answer_carries_the_policy_errors_too(world: World) -> None:
    for path in ("/sign-in", "/a/unknown", "/nowhere", "/"):
        answer = await world.http.get(path, headers=HTML)
        assert answer.headers["content-security-policy"] == POLICY, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    assert (await world.http.get("/a/unknown")).headers["referrer-policy"] == "no-referrer"


async def test_the_banner_says_when_a_page_reaches_nobody(dsn: str) -> None:
    async with running(dsn) as world:
        await fire(world)
        async with browser(world) as client:
            shown = (await client.get("/oncall")).text
            assert "UNPAGEABLE: INC-1: nobody is on call who can be reached." in shown


async def test_the_banner_says_that_no_method_took_the_page_and_when_one_did(
    world: World,
) -> None:
    world.mail.judge = lambda _message: PermanentFailure("550 no such mailbox")
    await fire(world)
    await world.forward(hours=1)
    async with browser(world) as client:
        shown = (await client.get("/oncall")).text
        assert "UNPAGEABLE: INC-1: no method took the page." in shown
        world.mail.judge = lambda _message: Sent("ok")
        await world.forward(hours=1)
        shown = (await client.get("/oncall")).text
        assert "UNPAGEABLE: INC-1: the page was sent, and nobody answers." in shown


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
    stream = messages(world.app.services, newest - 1, await listener(world, world.token))
    assert await anext(stream) == PING
    assert (await anext(stream)).startswith(f"id: {newest}\nevent: moved\n".encode())
    assert world.app.hub.clients == 1
    waiting = asyncio.ensure_future(anext(stream, b"end"))
    await asyncio.sleep(0)
    world.app.hub.close()
    assert await asyncio.wait_for(waiting, 5) == b"end"
    assert world.app.hub.clients == 0


async def disabled(world: World, token: str) -> None:
    maya = PersonId(await person(world, "maya"))
    await world.app.units.run(SYSTEM, lambda unit: people.invite(unit, maya, Role.RESPONDER))
    await world.app.units.run(SYSTEM, lambda unit: people.disable(unit, maya))


async def dismissed(world: World, token: str) -> None:
    await world.apply(
        ACME.replace("displayName: Maya Okafor", "displayName: Maya, active: false")
    )


async def signed_out(world: World, cookie: str) -> None:
    await world.app.units.run(SYSTEM, lambda unit: sessions.sign_out(unit, cookie))


async def left_alone(world: World, cookie: str) -> None:
    world.clock.forward(hours=24 * 8)


@pytest.mark.parametrize("end", [disabled, dismissed, signed_out, left_alone])
async def test_a_stream_ends_with_the_session_that_opened_it(
    world: World, end: Callable[[World, str], Awaitable[None]]
) -> None:
    hub = world.app.hub
    quiet_s = 0.01 if end is left_alone else 60.0  # nothing says that time has passed
    async with browser(world, person_id=await person(world, "maya")) as client:
        cookie = client.cookies[COOKIE]
        await world.settle()
        async with world.app.db.connection() as conn:
            hub._seq = await live.last_seq(conn)
        stream = messages(
            world.app.services, None, await listener(world, cookie=cookie), quiet_s=quiet_s
        )
        assert await anext(stream) == PING
        waiting = asyncio.ensure_future(anext(stream, b"end"))
        while not hub.clients:
            await asyncio.sleep(0)
        await end(world, cookie)
        await world.settle()
        await hub._catch_up()
        while (said := await asyncio.wait_for(waiting, 5)) != b"end":
            waiting = asyncio.ensure_future(anext(stream, b"end"))
            assert b"event: " in said
        assert hub.clients == 0


async def test_a_stream_ends_with_its_token_and_with_nobody_elses(world: World) -> None:
    hub = world.app.hub
    token = await world.make_token("wall", Role.VIEWER)
    await world.settle()
    async with world.app.db.connection() as conn:
        hub._seq = await live.last_seq(conn)
    streams = [
        messages(world.app.services, None, await listener(world, one), quiet_s=60.0)
        for one in (token, world.token)
    ]
    for stream in streams:
        assert await anext(stream) == PING
    gone, stays = (asyncio.ensure_future(anext(stream, b"end")) for stream in streams)
    while hub.clients < 2:
        await asyncio.sleep(0)
    await world.app.units.run(SYSTEM, lambda unit: tokens.revoke_token(unit, "wall"))
    await world.settle()
    await hub._catch_up()
    assert await asyncio.wait_for(gone, 5) == b"end"
    assert not stays.done()
    hub.close()
    assert await asyncio.wait_for(stays, 5) == b"end"


async def test_a_stream_outlives_a_database_that_cannot_say_who_listens(world: World) -> None:
    who = SYSTEM

    async def anew() -> Actor | None:
        raise Unavailable("the database does not answer")

    assert not await Listener(who, anew).is_to_go(None, 15.0)


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


async def test_without_built_assets_the_screens_say_so_and_errors_still_speak(
    tmp_path: Path,
) -> None:
    missing = assets(tmp_path / "manifest.json")
    page = environment(missing).get_template("error.html")
    text = page.render(status=404, title="Nothing here", detail="there is no INC-9")
    assert "there is no INC-9" in text
    answer = not_built(tmp_path / "manifest.json")
    assert answer is not None
    assert (answer.status_code, "npm run build" in answer.content) == (501, True)
