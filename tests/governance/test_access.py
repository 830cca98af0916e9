"""Access: secrets are shown once and stored hashed, links open what they are for and no more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.governance import actions, reads
from tocsin.governance.actions.tokens import RATE_MAX
from tocsin.kernel.access import PERMISSIONS, Role, decide
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db

ADMIN = Actor(kind="local", id=uuid7(), name="root", role=Role.ADMIN)
FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        yield world


async def create(world: World, name: str, role: Role, rate: int | None = None) -> str:
    return await world.app.units.run(
        ADMIN, lambda unit: actions.create_token(unit, name, role, rate)
    )


async def everything(world: World) -> str:
    """Return all rows of all tables of ours, as text."""
    names = await world.rows(
        """
        SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname IN ('kernel', 'governance', 'oncall', 'command', 'triage', 'signals')
        """
    )
    found: list[Any] = []
    for (name,) in names:
        found += await world.rows(f"SELECT t::text FROM {name} t")
    return "\n".join(row[0] for row in found)


async def test_secrets_are_stored_nowhere_but_as_hashes(world: World) -> None:
    await world.apply(ACME)
    token = await create(world, "ci", Role.RESPONDER)
    sign_in = (await world.app.sign_in_link()).rsplit("/", 1)[1]
    session = await world.app.units.run(SYSTEM, lambda unit: actions.sign_in(unit, sign_in))
    await world.signal(FIRE)
    [(_, page)] = world.mail.sent
    link = page.ack_link.rsplit("/", 1)[1]
    stored = await everything(world)
    for secret in (token, sign_in, session, link):
        assert len(secret) >= 32
        assert secret not in stored
        assert actions.digest(secret).hex() in stored


async def test_a_token_is_known_by_its_secret_until_it_is_revoked(world: World) -> None:
    secret = await create(world, "ci", Role.RESPONDER, rate=5)
    async with world.app.db.connection() as conn:
        found = await reads.token(conn, actions.digest(secret))
        assert found is not None
        assert (found.name, found.role, found.rate) == ("ci", Role.RESPONDER, 5)
        assert await reads.token(conn, actions.digest(secret + "x")) is None
        await conn.execute("UPDATE governance.tokens SET revoked_at = created_at")
        assert await reads.token(conn, actions.digest(secret)) is None


async def test_tokens_are_never_the_same_and_a_name_is_given_once(world: World) -> None:
    secrets = {await create(world, f"t{n}", Role.VIEWER) for n in range(20)}
    assert len(secrets) == 20
    assert all(secret.startswith("tocsin_") for secret in secrets)
    with pytest.raises(Conflict, match="'t1'"):
        await create(world, "t1", Role.ADMIN)


async def test_a_name_that_would_confuse_is_refused(world: World) -> None:
    for name in ("", "-a", "a b", "a/b", "ä", "a" * 64, "a\n", "../etc"):
        with pytest.raises(Invalid) as caught:
            await create(world, name, Role.VIEWER)
        assert caught.value.field == "name", name


async def test_system_is_not_for_granting_and_rates_have_bounds(world: World) -> None:
    with pytest.raises(Invalid, match="system"):
        await create(world, "x", Role.SYSTEM)
    for rate in (0, -1, RATE_MAX + 1):
        with pytest.raises(Invalid, match="rate"):
            await create(world, "x", Role.VIEWER, rate)


async def test_only_admins_make_tokens_and_only_tocsin_makes_links(world: World) -> None:
    for role in Role:
        actor = Actor(kind="token", id=uuid7(), name=role, role=role)
        if role not in (Role.ADMIN, Role.SYSTEM):
            with pytest.raises(Forbidden):
                await world.app.units.run(
                    actor, lambda unit: actions.create_token(unit, "x", Role.VIEWER, None)
                )
        if role is not Role.SYSTEM:
            with pytest.raises(Forbidden):
                await world.app.units.run(
                    actor, lambda unit: actions.issue_sign_in(unit, Role.ADMIN)
                )


async def sign_in(world: World, secret: str) -> str:
    return await world.app.units.run(SYSTEM, lambda unit: actions.sign_in(unit, secret))


async def issue(world: World, role: Role = Role.RESPONDER) -> str:
    return await world.app.units.run(SYSTEM, lambda unit: actions.issue_sign_in(unit, role))


async def test_a_sign_in_link_works_once_even_for_two_at_the_same_time(world: World) -> None:
    secret = await issue(world)
    tries = [asyncio.ensure_future(sign_in(world, secret)) for _ in range(5)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert len([one for one in found if isinstance(one, str)]) == 1
    assert len([one for one in found if isinstance(one, Forbidden)]) == 4
    assert len(await world.rows("SELECT hash FROM governance.sessions")) == 1


async def test_a_sign_in_link_ends_after_a_day_and_a_session_after_two_weeks(
    world: World,
) -> None:
    late, in_time = await issue(world), await issue(world)
    world.clock.forward(hours=23.9)
    session = await sign_in(world, in_time)
    world.clock.forward(hours=0.1)
    with pytest.raises(Forbidden, match="tocsin link"):
        await sign_in(world, late)
    identity = world.app.services.identity
    actor = await identity.by_session(session)
    assert actor is not None
    assert actor.role is Role.RESPONDER
    world.clock.forward(hours=24 * 14)
    assert await identity.by_session(session) is None


async def test_a_link_is_good_for_its_purpose_only(world: World) -> None:
    person, page = uuid7(), uuid7()

    async def make(unit: Unit) -> str:
        return await actions.issue_acknowledge(unit, person, page)

    acknowledge = await world.app.units.run(SYSTEM, make)
    with pytest.raises(NotFound):
        await sign_in(world, acknowledge)
    with pytest.raises(NotFound):
        await use(world, await issue(world))
    for secret in ("", "x", acknowledge + "x"):
        with pytest.raises(NotFound):
            await use(world, secret)


async def use(world: World, secret: str) -> Any:
    return await world.app.units.run(SYSTEM, lambda unit: actions.use_acknowledge(unit, secret))


async def test_an_acknowledge_link_may_be_tapped_twice_and_ends_after_two_days(
    world: World,
) -> None:
    person, page = uuid7(), uuid7()
    secret = await world.app.units.run(
        SYSTEM, lambda unit: actions.issue_acknowledge(unit, person, page)
    )
    for _ in range(3):
        link = await use(world, secret)
        assert (link.person_id, link.page_id, link.role) == (person, page, Role.RESPONDER)
    await world.settle()
    assert (await world.story()).count("governance.link_used") == 1
    world.clock.forward(hours=48)
    with pytest.raises(Forbidden, match="expired"):
        await use(world, secret)


async def test_opening_a_mailed_link_changes_nothing_and_pressing_its_button_twice_is_fine(
    world: World,
) -> None:
    await world.apply(ACME)
    await world.signal(FIRE, ends_at=NOON + timedelta(hours=9))
    path = "/a/" + world.mail.sent[0][1].ack_link.rsplit("/", 1)[1]
    for _ in range(2):  # a mail scanner looks first
        assert (await world.http.get(path)).status_code == 200
    assert await world.rows("SELECT state FROM oncall.pages") == [("triggered",)]
    for _ in range(2):
        assert (await world.http.post(path)).status_code == 200
    assert await world.rows("SELECT state FROM oncall.pages") == [("acknowledged",)]
    [(who,)] = await world.rows("SELECT acknowledged_by FROM oncall.pages")
    assert await world.rows(f"SELECT name FROM kernel.resources WHERE uid = '{who}'") == [
        ("jonas",)
    ]
    assert (await world.http.post("/a/unknown")).status_code == 404


async def test_what_is_long_over_is_forgotten_and_what_lives_is_not(world: World) -> None:
    await sign_in(world, await issue(world))
    world.clock.forward(hours=24 * 13)
    alive = await issue(world)
    await world.app.units.run(SYSTEM, actions.forget_expired)
    assert len(await world.rows("SELECT hash FROM governance.links")) == 1
    assert len(await world.rows("SELECT hash FROM governance.sessions")) == 1
    assert await sign_in(world, alive)
    world.clock.forward(hours=24 * 9)
    await world.app.units.run(SYSTEM, actions.forget_expired)
    assert len(await world.rows("SELECT hash FROM governance.sessions")) == 1


async def test_a_first_start_is_over_once_anybody_has_access(dsn: str) -> None:
    from tocsin.kernel.db import Database

    async with Database(dsn) as database, database.connection() as conn:
        assert await reads.is_first_start(conn)
        async with running(dsn):
            assert not await reads.is_first_start(conn)


def test_every_role_but_system_is_a_part_of_what_system_may() -> None:
    for role, verbs in PERMISSIONS.items():
        assert verbs <= PERMISSIONS[Role.SYSTEM], role
    assert not decide(Role.INTEGRATION, "incident:read")


def test_an_unknown_permission_is_a_bug_and_not_a_refusal() -> None:
    with pytest.raises(AssertionError, match="incident:explode"):
        decide(Role.ADMIN, "incident:explode")
