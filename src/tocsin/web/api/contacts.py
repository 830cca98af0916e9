"""One's own contact methods over JSON: list, add, remove, verify, test."""

from datetime import datetime
from typing import Annotated, Any

from litestar import delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

import tocsin.oncall.actions as oncall
from tocsin.kernel.errors import Conflict, Invalid, NotFound, TooMany
from tocsin.kernel.events import NOBODY
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import masked, unquoted
from tocsin.oncall.core.reachability import Reach, reachable
from tocsin.oncall.model import (
    ContactCode,
    ContactState,
    ContactTest,
    Method,
    MethodKind,
    Person,
    Show,
)
from tocsin.web.api.people import person_named
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking, Asking

TypedCode = Annotated[str, Meta(min_length=1, max_length=20, examples=["123 456"])]


class TestShape(Struct, frozen=True, kw_only=True):
    """An attempt to reach oneself; outcome null: not known, the process died in between.

    `received_at`: the device itself said that it has it; `latency_s`: until then, or until the
    provider took it.
    """

    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    provider_id: str
    error: str
    received_at: datetime | None
    latency_s: float | None


class ContactShape(Struct, frozen=True, kw_only=True):
    """One method, in the order of trying; `show`: how much text leaves by it.

    `urgent`: it breaks through Do Not Disturb; `verified`: it is proved to reach the person;
    `set_up`: this Tocsin can send by it.
    """

    index: int
    method: MethodKind
    address: str
    show: Show
    verified: bool
    urgent: bool
    set_up: bool
    verified_at: datetime | None
    last_sent_at: datetime | None
    last_received_at: datetime | None
    last_failed_at: datetime | None
    last_error: str
    last_test: TestShape | None


class Contacts(Struct, frozen=True, kw_only=True):
    """By what somebody is paged, and whether that wakes them."""

    reachable: bool
    says: str
    items: tuple[ContactShape, ...]


class NewContact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A method as it would stand under spec.contact; `first`: tried before all others."""

    contact: dict[str, Any]
    first: bool = False


class CodeShape(Struct, frozen=True, kw_only=True):
    """A code on its way. `outcome` null: not known, the process died in between."""

    sent_at: datetime
    expires_at: datetime
    tries_left: int
    outcome: str | None
    error: str


class TypedIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code as it was typed; blanks and dashes do not count."""

    code: TypedCode


async def contacts_of(unit: Unit, person: Person) -> Contacts:
    """Gather what is known of a person's methods. Of others it needs person:read."""
    tests = await reads.tests_of(unit, person.id)
    states = (await reads.contact_states(unit, person.id)).get(person.id, {})
    found = reachable(person, states)
    pairs = zip(found.methods, person.methods, strict=True)
    return Contacts(
        reachable=found.is_reachable,
        says=found.words,
        items=tuple(
            _contact(one, method, states.get(one.fingerprint), tests.get(one.fingerprint))
            for one, method in pairs
        ),
    )


def _contact(
    one: Reach, method: Method, state: ContactState | None, test: ContactTest | None
) -> ContactShape:
    known = state or ContactState(
        person_id=PersonId(NOBODY), fingerprint=one.fingerprint, kind=method.kind
    )
    return ContactShape(
        index=one.index, method=method.kind, address=masked(method), show=method.show,
        verified=one.is_verified, urgent=one.is_urgent, set_up=one.is_set_up,
        verified_at=known.verified_at,
        last_sent_at=known.sent_at, last_received_at=known.received_at,
        last_failed_at=known.failed_at, last_error=unquoted(known.error, method),
        last_test=_test(test, method) if test is not None else None,
    )  # fmt: skip


def _test(test: ContactTest, method: Method | None) -> TestShape:
    took = reads.latency(test)
    return TestShape(
        started_at=test.started_at, ended_at=test.ended_at, outcome=test.outcome,
        provider_id=test.provider_id, error=unquoted(test.error, method),
        received_at=test.seen_at,
        latency_s=took.total_seconds() if took is not None else None,
    )  # fmt: skip


@get("/me/contacts", tags=["access"], responses=problems(Invalid))
async def my_contacts(asking: AnAsking) -> Contacts:
    """List one's own contact methods, masked, and say whether they wake one."""
    return await _own(asking)


async def _own(asking: Asking) -> Contacts:
    async def read(unit: Unit) -> Contacts:
        return await contacts_of(unit, oncall.own_person(unit.config(Directory), unit))

    return await asking.run(read)


@get("/people/{name:str}/contacts", tags=["people"], responses=problems(NotFound))
async def contacts_of_person(asking: AnAsking, name: FromPath[str]) -> Contacts:
    """List somebody's contact methods, masked, and say whether they wake them."""

    async def read(unit: Unit) -> Contacts:
        unit.require("person:read")
        return await contacts_of(unit, person_named(unit.config(Directory), name))

    return await asking.run(read)


@post(
    "/me/contacts",
    tags=["access"],
    status_code=204,
    responses=problems(Invalid, Conflict),
)
async def add_my_contact(
    asking: AnAsking,
    data: Annotated[
        NewContact, Body(examples=[Example(value={"contact": {"type": "push"}, "first": True})])
    ],
) -> None:
    """Add a contact method of one's own; it counts as reachable once it is verified."""
    store = asking.services.store

    async def act(unit: Unit) -> None:
        await oncall.add_contact(unit, store, data.contact, first=data.first)

    await asking.run(act)


@delete(
    "/me/contacts/{index:int}",
    tags=["access"],
    status_code=204,
    responses=problems(NotFound, Conflict, Invalid),
)
async def remove_my_contact(asking: AnAsking, index: FromPath[int]) -> None:
    """Remove one's own method `index`, counted from 0."""
    store = asking.services.store
    await asking.run(lambda unit: oncall.remove_contact(unit, store, index))


@post(
    "/me/contacts/{index:int}/code",
    tags=["access"],
    status_code=200,
    responses=problems(NotFound, Invalid, Conflict, TooMany),
)
async def send_my_code(asking: AnAsking, index: FromPath[int]) -> CodeShape:
    """Send a code of six digits by one's method `index`, to be entered within ten minutes."""
    code = await asking.services.send_code(asking.actor, index)

    async def read(unit: Unit) -> CodeShape:
        methods = oncall.own_person(unit.config(Directory), unit).methods
        return _code(code, methods[index] if index < len(methods) else None)

    return await asking.run(read)


def _code(code: ContactCode, method: Method | None) -> CodeShape:
    return CodeShape(
        sent_at=code.sent_at, expires_at=code.expires_at, tries_left=code.tries_left,
        outcome=code.outcome, error=unquoted(code.error, method),
    )  # fmt: skip


@post(
    "/me/contacts/{index:int}/verify",
    tags=["access"],
    status_code=200,
    responses=problems(NotFound, Invalid, Conflict),
)
async def verify_my_contact(
    asking: AnAsking,
    index: FromPath[int],
    data: Annotated[TypedIn, Body(examples=[Example(value={"code": "123 456"})])],
) -> ContactShape:
    """Verify one's method `index` by the code that was sent to it."""
    await asking.services.enter_code(asking.actor, index, data.code)
    return (await _own(asking)).items[index]


@post(
    "/me/contacts/{index:int}/test",
    tags=["access"],
    status_code=200,
    responses=problems(NotFound, Invalid, TooMany),
)
async def test_my_contact(asking: AnAsking, index: FromPath[int]) -> TestShape:
    """Send a message to oneself by one's method `index`, and say how it went."""
    test = await asking.services.try_contact(asking.actor, index)

    async def read(unit: Unit) -> TestShape:
        methods = oncall.own_person(unit.config(Directory), unit).methods
        return _test(test, methods[index] if index < len(methods) else None)

    return await asking.run(read)


ROUTES = [
    my_contacts,
    contacts_of_person,
    add_my_contact,
    remove_my_contact,
    send_my_code,
    verify_my_contact,
    test_my_contact,
]
