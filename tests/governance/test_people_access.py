"""People's access in the database: invited once, reset, changed, disabled, and never the last admin away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from fakes.world import ACME, World, running
from tocsin.governance import actions, reads
from tocsin.governance.model import TokenScope, User
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db

ADMIN = Actor(kind="local", id=uuid7(), name="root", role=Role.ADMIN)
TEAM = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: payments}
spec:
  displayName: Payments
  members: [{person: maya, role: manager}]
"""


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        await world.apply(TEAM)
        yield world


async def uid(world: World, name: str) -> UUID:
    found = await world.rows(f"SELECT uid FROM kernel.resources WHERE name = '{name}'")
    return UUID(str(found[0][0]))


async def run(world: World, act: Any, *args: Any, by: Actor = ADMIN) -> Any:
    return await world.app.units.run(by, lambda unit: act(unit, *args))


async def member(world: World, name: str, role: Role) -> UUID:
    """Invite somebody, and let them choose a password."""
    person = await uid(world, name)
    issued = await run(world, actions.invite, person, role)
    await run(world, actions.set_password_by_link, issued.secret, "a hash", by=SYSTEM)
    return person


async def user(world: World, person: UUID) -> User:
    return (await run(world, reads.users))[person]


async def test_an_invitation_is_used_once_even_by_two_at_the_same_time(world: World) -> None:
    person = await uid(world, "maya")
    issued = await run(world, actions.invite, person, Role.RESPONDER)
    tries = [
        asyncio.ensure_future(
            run(world, actions.set_password_by_link, issued.secret, f"hash {n}", by=SYSTEM)
        )
        for n in range(5)
    ]
    found = await asyncio.gather(*tries, return_exceptions=True)
    [winner] = [n for n, one in enumerate(found) if isinstance(one, str)]
    assert len([one for one in found if isinstance(one, Forbidden)]) == 4
    assert (await user(world, person)).password == f"hash {winner}"
    assert len(await world.rows("SELECT hash FROM governance.sessions")) == 1


async def test_a_newer_link_ends_the_older_and_a_link_ends_by_itself(world: World) -> None:
    person = await uid(world, "maya")
    old = await run(world, actions.invite, person, Role.VIEWER)
    new = await run(world, actions.invite, person, Role.RESPONDER)
    with pytest.raises(Forbidden, match="used or has expired"):
        await run(world, actions.set_password_by_link, old.secret, "x", by=SYSTEM)
    world.clock.forward(hours=24 * 7)
    with pytest.raises(Forbidden, match="used or has expired"):
        await run(world, actions.set_password_by_link, new.secret, "x", by=SYSTEM)
    assert (await user(world, person)).role is Role.RESPONDER


async def test_a_link_to_sign_in_sets_no_password_and_the_other_way_round(world: World) -> None:
    person = await uid(world, "maya")
    issued = await run(world, actions.invite, person, Role.VIEWER)
    with pytest.raises(NotFound):
        await run(world, actions.sign_in, issued.secret, by=SYSTEM)
    other = await run(world, actions.issue_sign_in, Role.ADMIN, by=SYSTEM)
    with pytest.raises(NotFound):
        await run(world, actions.set_password_by_link, other, "x", by=SYSTEM)


async def test_who_has_a_password_is_reset_and_not_invited(world: World) -> None:
    maya = await member(world, "maya", Role.RESPONDER)
    with pytest.raises(Conflict, match="reset"):
        await run(world, actions.invite, maya, Role.ADMIN)
    issued = await run(world, actions.reset, maya)
    assert (await user(world, maya)).password == "a hash"  # until it is used
    await run(world, actions.set_password_by_link, issued.secret, "another", by=SYSTEM)
    assert (await user(world, maya)).password == "another"
    # the session of the invitation has ended with the old password
    assert len(await world.rows("SELECT hash FROM governance.sessions")) == 1
    with pytest.raises(NotFound, match="invite"):
        await run(world, actions.reset, await uid(world, "jonas"))


async def test_links_for_one_person_are_not_made_without_end(world: World) -> None:
    person = await uid(world, "maya")
    for _ in range(5):
        await run(world, actions.invite, person, Role.VIEWER)
    with pytest.raises(TooMany) as caught:
        await run(world, actions.invite, person, Role.VIEWER)
    assert caught.value.retry_after_s == 60
    world.clock.forward(seconds=60)
    await run(world, actions.invite, person, Role.VIEWER)


async def test_the_last_admin_stays(world: World) -> None:
    maya = await member(world, "maya", Role.ADMIN)
    jonas = await uid(world, "jonas")
    await run(world, actions.invite, jonas, Role.ADMIN)  # who cannot sign in yet does not count
    for act, args in ((actions.change_role, (Role.VIEWER,)), (actions.disable, ())):
        with pytest.raises(Conflict, match="last admin"):
            await run(world, act, maya, *args)
    await run(world, actions.change_role, jonas, Role.VIEWER)
    await member(world, "boss", Role.ADMIN)
    await run(world, actions.disable, maya)
    assert (await user(world, maya)).state == "disabled"


async def test_two_admins_who_remove_each_other_leave_one(world: World) -> None:
    people = [await member(world, "maya", Role.ADMIN), await member(world, "boss", Role.ADMIN)]
    tries = [
        asyncio.ensure_future(run(world, actions.change_role, person, Role.VIEWER))
        for person in people
    ]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["Conflict", "User"]
    roles = {(await user(world, person)).role for person in people}
    assert roles == {Role.ADMIN, Role.VIEWER}


async def test_disabling_ends_sessions_tokens_and_links_and_enabling_brings_none_back(
    world: World,
) -> None:
    await member(world, "boss", Role.ADMIN)
    maya = await member(world, "maya", Role.RESPONDER)
    person = Actor(kind="person", id=maya, name="maya", role=Role.RESPONDER, person_id=maya)
    made = await run(world, actions.make_own_token, "laptop", Role.RESPONDER, by=person)
    issued = await run(world, actions.reset, maya)
    await run(world, actions.disable, maya)
    async with world.app.db.connection() as conn:
        assert await reads.token(conn, actions.digest(made.secret)) is None
    assert (
        await world.rows(f"SELECT 1 FROM governance.sessions WHERE actor_id = '{maya}'") == []
    )
    for act, args in ((actions.reset, (maya,)), (actions.invite, (maya, Role.VIEWER))):
        with pytest.raises(Conflict, match="enable"):
            await run(world, act, *args)
    await run(world, actions.enable, maya)
    async with world.app.db.connection() as conn:
        assert await reads.token(conn, actions.digest(made.secret)) is None
    with pytest.raises(Forbidden):
        await run(world, actions.set_password_by_link, issued.secret, "x", by=SYSTEM)
    await world.settle()
    story = await world.story()
    for kind in ("person_disabled", "sessions_ended", "token_revoked", "person_enabled"):
        assert f"governance.{kind}" in story


async def test_only_admins_change_access_and_a_role_in_a_team_is_not_enough(
    world: World,
) -> None:
    maya = await member(world, "maya", Role.RESPONDER)
    doors: list[tuple[Any, tuple[Any, ...]]] = [
        (actions.invite, (maya, Role.VIEWER)),
        (actions.reset, (maya,)),
        (actions.change_role, (maya, Role.VIEWER)),
        (actions.disable, (maya,)),
        (actions.enable, (maya,)),
        (actions.make_token, ("x", Role.VIEWER)),
        (actions.revoke_token, ("x",)),
        (reads.users, ()),
        (reads.tokens, ()),
    ]
    of_a_team = Actor(
        kind="person", id=maya, name="m", role=Role.VIEWER, teams={"payments": Role.ADMIN}
    )
    for act, args in doors:
        for role in (Role.VIEWER, Role.RESPONDER, Role.MANAGER, Role.INTEGRATION):
            actor = Actor(kind="token", id=uuid7(), name=role, role=role)
            with pytest.raises(Forbidden):
                await run(world, act, *args, by=actor)
        with pytest.raises(Forbidden, match="belongs to no team"):
            await run(world, act, *args, by=of_a_team)


async def test_a_person_is_no_integration_and_not_tocsin_itself(world: World) -> None:
    maya = await uid(world, "maya")
    for role in (Role.INTEGRATION, Role.SYSTEM):
        with pytest.raises(Invalid) as caught:
            await run(world, actions.invite, maya, role)
        assert caught.value.field == "role"


def person_actor(person: UUID, role: Role, **more: Any) -> Actor:
    return Actor(kind="person", id=person, name="p", role=role, person_id=person, **more)


async def test_ones_own_token_is_no_more_than_oneself(world: World) -> None:
    maya = await member(world, "maya", Role.RESPONDER)
    actor = person_actor(maya, Role.RESPONDER, teams={"payments": Role.MANAGER})
    for role, teams in ((Role.MANAGER, ()), (Role.ADMIN, ("payments",)), (Role.AUDITOR, ())):
        scope = TokenScope(teams=teams)
        with pytest.raises((Forbidden, Invalid)):
            await run(world, actions.make_own_token, "x", role, scope, by=actor)
    scope = TokenScope(teams=("payments",))
    await run(world, actions.make_own_token, "x", Role.MANAGER, scope, by=actor)
    with pytest.raises(Forbidden, match="only a person"):
        await run(world, actions.make_own_token, "x", Role.VIEWER)


async def test_a_token_made_by_a_token_ends_no_later(world: World) -> None:
    maya = await member(world, "maya", Role.RESPONDER)
    day = TokenScope(lasts_s=86_400)
    actor = person_actor(maya, Role.RESPONDER)
    first = await run(world, actions.make_own_token, "day", Role.RESPONDER, day, by=actor)
    script = Actor(
        kind="token", id=first.token.id, name="day", role=Role.RESPONDER, person_id=maya
    )
    for lasts_s in (None, 10 * 86_400):
        scope = TokenScope(lasts_s=lasts_s)
        name = f"t{lasts_s}"
        made = await run(world, actions.make_own_token, name, Role.VIEWER, scope, by=script)
        assert made.token.expires_at == first.token.expires_at


async def test_a_revoked_name_is_free_and_nobody_revokes_what_is_not_theirs(
    world: World,
) -> None:
    maya, jonas = [await member(world, n, Role.RESPONDER) for n in ("maya", "jonas")]
    made = await run(
        world, actions.make_own_token, "laptop", Role.VIEWER, by=person_actor(maya, Role.VIEWER)
    )
    for reference in ("laptop", str(made.token.id)):
        with pytest.raises(NotFound):
            await run(
                world,
                actions.revoke_own_token,
                reference,
                by=person_actor(jonas, Role.RESPONDER),
            )
    await run(world, actions.make_token, "ci", Role.VIEWER)
    gone = await run(world, actions.revoke_token, "ci")
    assert gone.label == "ci"
    await run(world, actions.make_token, "ci", Role.VIEWER)
    assert [one.label for one in await run(world, reads.tokens)] == ["ci", "test", "laptop"]
    with pytest.raises(NotFound):
        await run(world, actions.revoke_token, "never")


async def test_no_event_holds_a_name(world: World) -> None:
    maya = await member(world, "maya", Role.RESPONDER)
    actor = person_actor(maya, Role.RESPONDER)
    await run(world, actions.make_own_token, "mayas-laptop", Role.VIEWER, by=actor)
    await run(world, actions.note_failed, maya, by=SYSTEM)
    await world.settle()
    lines = "\n".join(
        row[0] for row in await world.rows("SELECT line FROM kernel.log WHERE kind LIKE 'gov%'")
    )
    assert str(maya) in lines
    for word in ("maya", "Maya", "Okafor", "example.org"):
        assert word not in lines


async def test_a_failed_sign_in_is_recorded_once_in_ten_minutes(world: World) -> None:
    maya = await uid(world, "maya")

    async def fail(unit: Unit) -> None:
        await actions.note_failed(unit, maya)
        await actions.note_failed(unit, None)

    for _ in range(4):
        await world.app.units.run(SYSTEM, fail)
    world.clock.forward(minutes=10)
    await world.app.units.run(SYSTEM, fail)
    await world.settle()
    assert (await world.story()).count("governance.sign_in_failed") == 4


async def test_an_unknown_team_or_a_role_of_everything_is_no_scope(world: World) -> None:
    for role, teams, field in (
        (Role.RESPONDER, ("nobody",), "teams"),
        (Role.ADMIN, ("payments",), "teams"),
    ):
        with pytest.raises(Invalid) as caught:
            await run(world, actions.make_token, "x", role, None, TokenScope(teams=teams))
        assert caught.value.field == field
    with pytest.raises(Invalid, match="ten years"):
        await run(world, actions.make_token, "x", Role.VIEWER, None, TokenScope(lasts_s=10**10))
    scope = TokenScope(integration="no such name")
    with pytest.raises(Invalid, match="integration"):
        await run(world, actions.make_token, "x", Role.VIEWER, None, scope)
