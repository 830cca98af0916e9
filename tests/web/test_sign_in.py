"""Signing in with a password: who gets in, who waits, and what a browser keeps of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher
from pages_world import HTML, browser, person, proof

from fakes.world import ACME, World, running
from tocsin.governance import actions as governance
from tocsin.governance.jobs import MEMORY_KIB
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.web.identity import COOKIE

pytestmark = pytest.mark.db
GOOD = "seven green parrots"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def invite(world: World, name: str, role: Role = Role.RESPONDER) -> str:
    """Return the path of an invitation."""
    uid = await person(world, name)
    issued = await world.app.units.run(SYSTEM, lambda unit: governance.invite(unit, uid, role))
    return f"/sign-in/{issued.secret}"


async def member(world: World, name: str, role: Role = Role.RESPONDER) -> UUID:
    """Let somebody have GOOD as their password, hashed cheaply, and no session."""
    await invite(world, name, role)
    uid = await person(world, name)
    stored = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)

    async def act(unit: Unit) -> None:
        await unit.conn.execute(
            """
            UPDATE governance.users SET password = %(stored)s, password_at = %(now)s
             WHERE password IS NULL
            """,
            {"stored": stored, "now": unit.now},
        )

    await world.app.units.run(SYSTEM, act)
    return uid


@asynccontextmanager
async def visiting(
    world: World, address: str = "203.0.113.7", agent: str = FIREFOX
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(world.app.site, client=(address, 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://tocsin.test",
        headers=HTML | {"user-agent": agent},
    ) as client:
        yield client


async def sign_in(
    client: httpx.AsyncClient, name: str = "maya", password: str = GOOD
) -> httpx.Response:
    return await client.post("/sign-in", data={"name": name, "password": password})


async def test_an_invitation_asks_for_a_password_and_signs_in(world: World) -> None:
    path = await invite(world, "maya")
    async with visiting(world) as client:
        for _ in range(2):  # a mail scanner looks first
            page = await client.get(path)
            assert "for Maya Okafor" in page.text
            assert page.headers["referrer-policy"] == "no-referrer"
        for password, again, why in (
            ("short", "short", "characters"),
            (GOOD, GOOD + "!", "not the same"),
            ("maya okafor maya", "maya okafor maya", "your name"),
        ):
            refused = await client.post(path, data={"password": password, "again": again})
            assert refused.status_code == 422
            assert why in refused.text
            assert password not in refused.text
        done = await client.post(path, data={"password": GOOD, "again": GOOD})
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert "Maya Okafor" in (await client.get("/")).text
        again = await client.post(path, data={"password": GOOD, "again": GOOD})
        assert again.status_code == 403
        assert "was used or has expired" in (await client.get(path)).text
    assert GOOD not in str(await world.rows("SELECT u::text FROM governance.users u"))


async def test_name_or_address_and_password_sign_in(world: World) -> None:
    await member(world, "maya")
    for typed in ("maya", " Maya ", "maya@example.org", "MAYA@EXAMPLE.ORG"):
        async with visiting(world) as client:
            done = await sign_in(client, typed)
            assert done.status_code == 303, typed
            assert "Maya Okafor" in (await client.get("/")).text


async def test_whatever_is_wrong_is_answered_in_the_same_words(world: World) -> None:
    maya = await member(world, "maya")
    await invite(world, "jonas")
    said = set()
    async with visiting(world) as client:
        said.add(page := (await sign_in(client, "maya", "wrong wrong wrong")).text)
        for name in ("nobody", "jonas", "boss", "maya@example.net", "", "x" * 5000):
            refused = await sign_in(client, name)
            assert refused.status_code == 401, name
            assert "set-cookie" not in refused.headers
            assert governance.WRONG.capitalize() in refused.text
        await world.app.units.run(SYSTEM, lambda unit: disable(unit, maya))
        disabled = await sign_in(client)
        said.add(disabled.text)
        assert disabled.status_code == 401
    assert said == {page}


async def disable(unit: Unit, uid: UUID) -> None:
    await unit.conn.execute("UPDATE governance.users SET disabled_at = %s", [unit.now])
    assert uid


async def test_a_session_that_was_planted_is_not_taken_over(world: World) -> None:
    await member(world, "maya")
    async with browser(world, Role.VIEWER) as attacker:
        planted = attacker.cookies[COOKIE]
        async with visiting(world) as client:
            client.cookies.set(COOKIE, planted, domain="tocsin.test")
            answer = await sign_in(client)
            assert answer.status_code == 303
            fresh = answer.cookies[COOKIE]
            assert fresh != planted
        # and what was there before has ended, so that nobody looks on with it
        assert (await attacker.get("/")).status_code == 303


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_the_cookie_is_for_this_site_alone(dsn: str, scheme: str) -> None:
    async with running(dsn, url=f"{scheme}://tocsin.test") as world:
        await world.apply(ACME)
        await member(world, "maya")
        async with visiting(world) as client:
            cookie = (await sign_in(client)).headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/"))
    assert ("secure" in cookie) == (scheme == "https")


async def test_another_site_signs_nobody_in(world: World) -> None:
    await member(world, "maya")
    async with visiting(world) as client:
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "https://evil.example"},
        ):
            answer = await client.post(
                "/sign-in", data={"name": "maya", "password": GOOD}, headers=headers
            )
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
        fine = {"origin": "http://tocsin.test"}
        data = {"name": "maya", "password": GOOD}
        assert (await client.post("/sign-in", data=data, headers=fine)).status_code == 303


async def test_tries_of_one_account_are_counted_wherever_they_come_from(world: World) -> None:
    await member(world, "maya")
    for n in range(10):
        async with visiting(world, f"198.51.100.{n}") as client:
            name = "maya" if n % 2 else "maya@example.org"
            assert (await sign_in(client, name, "wrong")).status_code == 401
    async with visiting(world, "203.0.113.99") as client:
        refused = await sign_in(client)  # even the right password: nothing is learnt
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert "Too many attempts" in refused.text
        other = await sign_in(client, "jonas", "wrong")
        assert other.status_code == 401
        world.clock.forward(seconds=59)
        assert (await sign_in(client)).status_code == 429
        world.clock.forward(seconds=1)
        assert (await sign_in(client)).status_code == 303


async def test_tries_from_one_address_are_counted_whatever_the_name(world: World) -> None:
    async with visiting(world) as client:
        for n in range(30):
            assert (await sign_in(client, f"guess-{n}", "wrong")).status_code == 401
        refused = await sign_in(client, "another", "wrong")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "6")
    async with visiting(world, "198.51.100.1") as client:
        assert (await sign_in(client, "another", "wrong")).status_code == 401


async def test_who_signs_in_rightly_is_never_made_to_wait(world: World) -> None:
    await member(world, "maya")
    for _ in range(35):
        async with visiting(world) as client:
            assert (await sign_in(client)).status_code == 303


async def test_guessing_links_is_limited_too(world: World) -> None:
    path = await invite(world, "maya")
    data = {"password": "too short", "again": "too short"}
    async with visiting(world) as client:
        for _ in range(20):
            assert (await client.post(path, data=data)).status_code == 422
        assert (await client.post(path, data=data)).status_code == 429


async def test_an_old_hash_is_replaced_at_the_next_sign_in(world: World) -> None:
    await member(world, "maya")
    async with visiting(world) as client:
        await sign_in(client)
    [(stored,)] = await world.rows("SELECT password FROM governance.users")
    assert f"m={MEMORY_KIB}" in stored
    async with visiting(world) as client:
        assert (await sign_in(client)).status_code == 303


async def test_a_session_that_nobody_uses_ends_and_one_in_use_stays(world: World) -> None:
    await member(world, "maya")
    async with visiting(world) as used, visiting(world) as idle:
        await sign_in(used)
        await sign_in(idle)
        for _ in range(4):
            assert (await used.get("/account")).status_code == 200
            world.clock.forward(hours=24 * 7 - 1)
        assert (await idle.get("/")).status_code == 303
        assert (await used.get("/")).status_code == 200
        world.clock.forward(hours=24 * 3)  # a month after the sign-in
        assert (await used.get("/")).status_code == 303


async def test_the_account_lists_sessions_and_ends_them(world: World) -> None:
    await member(world, "maya")
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604.1"
    async with visiting(world) as one, visiting(world, agent=phone) as other:
        await sign_in(one)
        await sign_in(other)
        page = await one.get("/account")
        for words in ("Firefox on Linux", "Safari on iPhone", "this one"):
            assert words in page.text
        answer = await one.post("/account/sessions/end", data=proof(page))
        assert answer.status_code == 303
        assert (await other.get("/")).status_code == 303
        assert (await one.get("/account")).status_code == 200
        assert (await one.post("/account/sessions/end")).status_code == 403  # no proof


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(world: World) -> None:
    await member(world, "maya")
    better = "nine blue parrots at noon"
    async with visiting(world) as one, visiting(world) as other:
        await sign_in(one)
        await sign_in(other)
        form = proof(await one.get("/account"))
        new = {"new": better, "again": better}
        wrong = await one.post("/account/password", data=form | new | {"current": "guess"})
        assert wrong.status_code == 422
        assert "not your present password" in wrong.text
        done = await one.post("/account/password", data=form | new | {"current": GOOD})
        assert "Your password is changed" in done.text
        assert (await other.get("/")).status_code == 303
        assert (await one.get("/")).status_code == 200
    async with visiting(world) as client:
        assert (await sign_in(client)).status_code == 401
        assert (await sign_in(client, password=better)).status_code == 303


async def test_a_role_that_is_taken_counts_from_the_next_request_on(world: World) -> None:
    maya = await member(world, "maya", Role.ADMIN)
    await member(world, "boss", Role.ADMIN)
    async with visiting(world) as client:
        await sign_in(client)
        assert (await client.get("/tokens")).status_code == 200
        await world.app.units.run(
            SYSTEM, lambda unit: governance.change_role(unit, maya, Role.VIEWER)
        )
        assert (await client.get("/tokens")).status_code == 403


async def test_who_is_not_a_member_any_more_is_signed_out(world: World) -> None:
    await member(world, "maya")
    async with visiting(world) as client:
        await sign_in(client)
        await world.apply(
            """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, active: false}
"""
        )
        assert (await client.get("/")).status_code == 303
        assert (await sign_in(client)).status_code == 401
