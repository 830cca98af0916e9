"""Prove that an address reaches its person: send a code, take tries of it, note what deliveries say."""

from uuid import UUID

from msgspec.structs import replace

from tocsin.kernel.errors import Conflict, Invalid, TooMany
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, ports, store
from tocsin.oncall.actions.noting import address_of, note
from tocsin.oncall.actions.trying import own_method, whole_self
from tocsin.oncall.core import verification
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import fingerprint
from tocsin.oncall.model import ContactCode, Method, MethodKind


async def begin_code(unit: Unit, index: int, hashed: str) -> tuple[ContactCode, Method]:
    """Keep the hash of a code that is about to be sent by one's own method, counted from 0.

    Raises NotFound, Invalid, Conflict for what is verified otherwise, TooMany.
    """
    unit.require("self:write")
    person, method = own_method(unit.config(Directory), unit, index)
    verification.can_be_verified(method.kind)
    await store.lock_person(unit.conn, person.id)
    await _limit(unit, person.id)
    code = ContactCode(
        id=uuid7(), person_id=person.id, fingerprint=fingerprint(method), kind=method.kind,
        hash=hashed, sent_at=unit.now, expires_at=unit.now + verification.CODE_LASTS,
        tries_left=verification.TRIES,
    )  # fmt: skip
    kept_since = unit.now - verification.CODE_KEPT
    await store.add_code(unit.conn, code, forget_before=kept_since)
    return code, method


async def _limit(unit: Unit, person_id: PersonId) -> None:
    for within, most, word in verification.LIMITS:
        count, oldest_at = await store.codes_since(unit.conn, person_id, unit.now - within)
        if count >= most and oldest_at is not None:
            wait_s = int((oldest_at + within - unit.now).total_seconds()) + 1
            raise TooMany(
                f"{most} codes {word} are enough; again in {wait_s} s",
                retry_after_s=wait_s,
            )


async def end_code(unit: Unit, code: ContactCode, outcome: ports.Outcome) -> ContactCode:
    """Record how the sending of a code ended."""
    unit.require("self:write")
    word, _, error = ports.spelled(outcome)
    code = replace(code, outcome=word, error=error)
    await store.end_code(unit.conn, code)
    await note(unit.conn, _address(code), outcome, unit.now)
    unit.record(
        events.ContactCodeSent(person_id=code.person_id, method=code.kind, outcome=word)
    )
    return code


async def spend_try(unit: Unit, index: int) -> ContactCode:
    """Take one try of the code that was sent by one's own method. Raises NotFound, Conflict.

    Taken before the code is looked at, so that tries at the same time count as well.
    """
    unit.require("self:write")
    person, method = own_method(unit.config(Directory), unit, index)
    verification.can_be_verified(method.kind)
    code = await store.spend_try(unit.conn, person.id, fingerprint(method), unit.now)
    if code is None:
        raise Conflict(
            "there is no code to enter: none was sent, it is older than"
            f" {int(verification.CODE_LASTS.total_seconds() // 60)} minutes, it was used, or"
            f" {verification.TRIES} tries were wrong; send another"
        )
    return code


async def verify(unit: Unit, code: ContactCode) -> None:
    """Note that a person typed the code that was sent to an address. Twice changes nothing."""
    unit.require("self:write")
    person = whole_self(unit.config(Directory), unit)
    if person.id != code.person_id or not await store.use_code(unit.conn, code, unit.now):
        return
    await _verify(unit, _address(code), "code")


async def refuse_try(unit: Unit, code: ContactCode) -> None:
    """Record a wrong try."""
    unit.require("self:write")
    unit.record(
        events.ContactCodeWrong(
            person_id=code.person_id, method=code.kind, tries_left=code.tries_left
        )
    )


def wrong(code: ContactCode) -> Invalid:
    """Return what is said of a wrong try."""
    left = code.tries_left
    rest = f"{left} {'try' if left == 1 else 'tries'} left" if left else "send another code"
    return Invalid(f"this is not the code that was sent; {rest}", field="code")


async def note_receipt(
    unit: Unit, person_id: PersonId, kind: MethodKind, address: str, test_id: UUID | None
) -> None:
    """Note that a device said that it has a message; `test_id`: the test that it was."""
    unit.require("contact:note")
    found = fingerprint(Method(kind=kind, address=address))
    await store.note_received(unit.conn, person_id, found, unit.now)
    if test_id is None:
        return
    if await store.mark_test_received(unit.conn, person_id, test_id, unit.now):
        unit.record(events.ContactTested(person_id=person_id, method=kind, outcome="received"))


async def verify_by_subscription(unit: Unit, person_id: PersonId) -> None:
    """Note that push reaches a person who has just subscribed a browser.

    A code would prove nothing more: the browser made the keys, its user allowed it with a click
    while signed in here, and only that browser can read what is encrypted to it.
    """
    unit.require("self:write")
    await _verify(unit, push_address(person_id), "subscription")


async def drop_push(unit: Unit, person_id: PersonId, reason: str) -> None:
    """Note that push reaches a person no more, when their last browser is gone."""
    unit.require("self:write")
    if await store.count_devices(unit.conn, person_id):
        return
    if await store.unverify(unit.conn, push_address(person_id), reason, unit.now):
        unit.record(
            events.ContactDropped(person_id=person_id, method=MethodKind.PUSH, reason=reason)
        )


def push_address(person_id: PersonId) -> store.Address:
    """Name the address that all browsers of a person are together."""
    return address_of(person_id, Method(kind=MethodKind.PUSH, address=str(person_id)))


def _address(code: ContactCode) -> store.Address:
    return store.Address(person_id=code.person_id, fingerprint=code.fingerprint, kind=code.kind)


async def _verify(unit: Unit, address: store.Address, by: str) -> None:
    if await store.verify(unit.conn, address, by, unit.now):
        unit.record(
            events.ContactVerified(person_id=address.person_id, method=address.kind, by=by)
        )
