"""A code proves an address: sent by the very method, few tries, a short life, never readable."""

import asyncio
import re
from datetime import timedelta

import pytest

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.oncall import reads, store
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import PermanentFailure, Sent

pytestmark = pytest.mark.db


async def person(world: World, name: str = "jonas") -> Actor:
    [(uid,)] = await world.rows(f"SELECT uid FROM kernel.resources WHERE name = '{name}'")
    return Actor(kind="person", id=uid, name=name, role=Role.VIEWER, person_id=PersonId(uid))


def sent_code(world: World) -> str:
    found = re.search(r"\b\d{3} \d{3}\b", world.mail.sent[-1][1].text)
    assert found
    return found.group()


def another(code: str) -> str:
    return f"{(int(code.replace(' ', '')) + 1) % 10**6:06}"


async def who(world: World, kind: MethodKind, address: str) -> PersonId | None:
    return await world.app.units.run(
        SYSTEM, lambda unit: reads.person_by_address(unit, kind, address)
    )


async def test_the_code_that_was_sent_verifies_and_is_nowhere_to_be_read(world: World) -> None:
    actor, services = await person(world), world.app.services
    assert await who(world, MethodKind.EMAIL, "jonas@example.org") is None
    sent = await services.send_code(actor, 0)
    [(_, message)] = world.mail.sent
    assert (message.to, message.event, sent.outcome) == ("jonas@example.org", "code", "sent")
    code = sent_code(world)
    plain = code.replace(" ", "")
    kept = await world.rows("SELECT hash FROM oncall.contact_codes")
    assert kept[0][0].startswith("$argon2id$")
    assert plain not in str(await world.rows("SELECT * FROM oncall.contact_codes"))
    await services.enter_code(actor, 0, f" {plain[:3]}-{plain[3:]} ")
    assert await who(world, MethodKind.EMAIL, "Jonas@Example.org") == actor.person_id
    verified = await world.app.units.run(SYSTEM, reads.verified)
    assert [len(found) for found in verified.values()] == [1]
    await world.settle()
    story = await world.story()
    assert story[-2:] == ["oncall.contact_code_sent", "oncall.contact_verified"]
    assert plain not in str(await world.rows("SELECT * FROM kernel.log"))
    with pytest.raises(Conflict, match="no code to enter"):
        await services.enter_code(actor, 0, plain)


async def test_five_wrong_tries_and_the_right_one_comes_too_late(world: World) -> None:
    actor, services = await person(world), world.app.services
    await services.send_code(actor, 0)
    code = sent_code(world)
    for left in (4, 3, 2, 1):
        with pytest.raises(Invalid, match=f"{left} (try|tries) left") as refused:
            await services.enter_code(actor, 0, another(code))
        assert refused.value.field == "code"
    with pytest.raises(Invalid, match="send another"):
        await services.enter_code(actor, 0, another(code))
    with pytest.raises(Conflict):
        await services.enter_code(actor, 0, code)
    assert await who(world, MethodKind.EMAIL, "jonas@example.org") is None


async def test_tries_at_the_same_time_are_counted_one_by_one(world: World) -> None:
    actor, services = await person(world), world.app.services
    await services.send_code(actor, 0)
    wrong = another(sent_code(world))
    tries = (services.enter_code(actor, 0, wrong) for _ in range(8))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict"] * 3 + ["Invalid"] * 5


async def test_a_code_lives_ten_minutes_and_a_new_one_ends_the_old(world: World) -> None:
    actor, services = await person(world), world.app.services
    await services.send_code(actor, 0)
    first = sent_code(world)
    world.clock.forward(seconds=599)
    await services.send_code(actor, 0)
    second = sent_code(world)
    if first != second:
        with pytest.raises(Invalid):
            await services.enter_code(actor, 0, first)
    world.clock.forward(seconds=601)
    with pytest.raises(Conflict, match="10 minutes"):
        await services.enter_code(actor, 0, second)


async def test_codes_are_few_a_minute_and_few_an_hour(world: World) -> None:
    actor, services = await person(world), world.app.services
    for _ in range(3):
        await services.send_code(actor, 0)
    with pytest.raises(TooMany, match="3 codes a minute"):
        await services.send_code(actor, 1)
    for _ in range(7):
        world.clock.forward(seconds=61)
        await services.send_code(actor, 1)
    world.clock.forward(seconds=61)
    with pytest.raises(TooMany, match="10 codes an hour"):
        await services.send_code(actor, 0)


async def test_another_address_is_not_verified_and_what_is_removed_is_nobodys(
    world: World,
) -> None:
    actor, services = await person(world), world.app.services
    await services.send_code(actor, 0)
    await services.enter_code(actor, 0, sent_code(world))
    moved = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: jonas}
spec: {displayName: Jonas Weber, contact: [{type: email, address: j2@example.org}]}
"""
    await world.apply(moved)
    assert await who(world, MethodKind.EMAIL, "jonas@example.org") is None
    assert await who(world, MethodKind.EMAIL, "j2@example.org") is None


async def test_an_address_of_two_people_is_nobodys(world: World) -> None:
    both = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: jonas@example.org}]}
"""
    await world.apply(both)
    services = world.app.services
    for name in ("jonas", "maya"):
        actor = await person(world, name)
        await services.send_code(actor, 0)
        await services.enter_code(actor, 0, sent_code(world))
    assert await who(world, MethodKind.EMAIL, "jonas@example.org") is None


async def test_what_a_provider_says_of_an_address_is_kept_and_takes_the_proof_back(
    world: World,
) -> None:
    actor, services = await person(world), world.app.services
    await services.send_code(actor, 0)
    await services.enter_code(actor, 0, sent_code(world))
    world.mail.judge = lambda message: PermanentFailure(
        f"550 no such user {message.to}", address_wrong=True
    )
    await services.try_contact(actor, 0)
    assert await who(world, MethodKind.EMAIL, "jonas@example.org") is None
    [(error,)] = await world.rows("SELECT error FROM oncall.contact_states")
    assert error == "550 no such user …"
    world.mail.judge = lambda message: Sent(message.key)
    world.clock.forward(seconds=61)
    await services.try_contact(actor, 0)
    assert await who(world, MethodKind.EMAIL, "jonas@example.org") == actor.person_id


async def test_a_page_leaves_its_mark_on_the_address(world: World) -> None:
    await world.signal({"alertname": "Down", "severity": "critical"})
    rows = await world.rows("SELECT kind, sent_at IS NOT NULL FROM oncall.contact_states")
    assert rows == [("email", True)]


async def test_what_needs_no_code_and_who_is_nobody_gets_none(world: World) -> None:
    services = world.app.services
    silent = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: jonas}
spec: {displayName: Jonas Weber, contact: [{type: inbox}, {type: push}]}
"""
    await world.apply(silent)
    actor = await person(world)
    with pytest.raises(Conflict, match="nothing to verify"):
        await services.send_code(actor, 0)
    with pytest.raises(Conflict, match="subscribing"):
        await services.send_code(actor, 1)
    with pytest.raises(NotFound):
        await services.send_code(actor, 2)
    with pytest.raises(Invalid, match="6 digits"):
        await services.enter_code(actor, 0, "12345")
    token = Actor(kind="token", id=uuid7(), name="ci", role=Role.ADMIN)
    with pytest.raises(Invalid, match="sign in as a person"):
        await services.send_code(token, 0)
    sender = Actor(kind="integration", id=uuid7(), name="am", role=Role.INTEGRATION)
    with pytest.raises(Forbidden):
        await services.send_code(sender, 0)


async def test_a_failure_to_send_quotes_neither_code_nor_address(world: World) -> None:
    world.mail.judge = lambda message: PermanentFailure(f"422 {message.text} {message.to}")
    code = await world.app.services.send_code(await person(world), 1)
    found = re.search(r"\d{3} \d{3}|\d{6}", code.error.replace("2026", ""))
    assert code.outcome == "permanent"
    assert found is None, code.error
    assert "hooks.example.org" not in code.error


async def test_whose_person_is_deleted_leaves_nothing_behind(world: World) -> None:
    store, services = world.app.store, world.app.services
    alone = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: eve}
spec: {displayName: Eve, contact: [{type: email, address: eve@example.org}]}
"""
    await world.apply(alone)
    await services.send_code(await person(world, "eve"), 0)
    await services.send_code(await person(world), 0)
    await world.app.units.run(
        SYSTEM, lambda unit: store.delete(unit, "Person", "eve", take_over=True)
    )
    for table in ("contact_states", "contact_codes"):
        [(count,)] = await world.rows(f"SELECT count(*) FROM oncall.{table}")
        assert count == 1, table


async def test_a_thousand_pages_to_one_phone_do_not_wait_for_each_other(world: World) -> None:
    [(uid,)] = await world.rows("SELECT uid FROM kernel.resources WHERE name = 'jonas'")
    address = store.Address(
        person_id=PersonId(uid), fingerprint="f" * 40, kind=MethodKind.EMAIL
    )
    now = world.clock.now()
    async with world.app.db.connection() as one:
        await store.note_sent(one, address, now)
    later = now + timedelta(minutes=1)
    async with world.app.db.connection() as one, world.app.db.connection() as other:
        await one.execute("BEGIN")
        await store.note_sent(one, address, later)
        await other.execute("SET lock_timeout = '1s'")
        await store.note_sent(other, address, later)  # the row is held by `one`
        await store.note_failed(other, address, "busy", later, is_gone=False)
        await one.execute("COMMIT")
        await store.note_sent(other, address, later + timedelta(seconds=1))
        await other.execute("RESET lock_timeout")
    rows = await world.rows("SELECT sent_at, failed_at FROM oncall.contact_states")
    assert rows == [(later, None)]
