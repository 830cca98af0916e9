"""What a person does with their own contact methods and inbox: test a method, open a message."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from tocsin.kernel.errors import Forbidden, Invalid, NotFound, TooMany
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, ports, store
from tocsin.oncall.actions.noting import note
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import fingerprint
from tocsin.oncall.model import ContactTest, Method, Person

TESTS_PER_MINUTE = 3
TESTS_PER_HOUR = 20
_LIMITS = ((timedelta(minutes=1), TESTS_PER_MINUTE), (timedelta(hours=1), TESTS_PER_HOUR))


async def begin_test(unit: Unit, index: int) -> tuple[ContactTest, Method]:
    """Open a test of one's own method, counted from 0. Raises NotFound, Invalid, TooMany."""
    unit.require("self:write")
    person, method = own_method(unit.config(Directory), unit, index)
    await store.lock_person(unit.conn, person.id)
    for within, most in _LIMITS:
        count, oldest_at = await store.tests_since(unit.conn, person.id, unit.now - within)
        if count >= most and oldest_at is not None:
            wait_s = int((oldest_at + within - unit.now).total_seconds()) + 1
            raise TooMany(
                f"{most} tests in {within} are enough; again in {wait_s} s",
                retry_after_s=wait_s,
            )
    test = ContactTest(
        id=uuid7(), person_id=person.id, method=index, kind=method.kind, show=method.show,
        started_at=unit.now, fingerprint=fingerprint(method),
    )  # fmt: skip
    await store.add_test(unit.conn, test)
    return test, method


async def end_test(unit: Unit, test: ContactTest, outcome: ports.Outcome) -> ContactTest:
    """Record how a test ended."""
    unit.require("self:write")
    word, provider_id, error = ports.spelled(outcome)
    test = replace(test, ended_at=unit.now, outcome=word, provider_id=provider_id, error=error)
    await store.end_test(unit.conn, test)
    address = store.Address(
        person_id=test.person_id, fingerprint=test.fingerprint, kind=test.kind
    )
    await note(unit.conn, address, outcome, unit.now)
    unit.record(events.ContactTested(person_id=test.person_id, method=test.kind, outcome=word))
    return test


async def open_messages(unit: Unit, ids: Sequence[UUID] | None = None) -> None:
    """Note that a person has opened messages in their own inbox; without ids, all that is in it."""
    unit.require("self:write")
    person_id = unit.actor.person_id
    if person_id is None:
        return
    seen = await store.mark_seen(unit.conn, person_id, ids, unit.now)
    await store.mark_opened(unit.conn, [one.id for one in seen], unit.now)
    await store.mark_tests_seen(unit.conn, person_id, ids, unit.now)
    await store.mark_notices_seen(unit.conn, person_id, ids, unit.now)
    for one in seen:
        unit.record(
            events.NotificationSeen(
                page_id=one.page_id, incident_id=one.incident_id, notification_id=one.id,
                person_id=person_id, method="inbox",
            )
        )  # fmt: skip


def own_person(directory: Directory, unit: Unit) -> Person:
    """Return the asker among those who can be paged. Raises Invalid for who is nobody."""
    person_id = unit.actor.person_id
    person = directory.people.get(person_id) if person_id else None
    if person is None:
        raise Invalid(
            "you are not one of the people who can be paged; sign in as a person,"
            " or use a personal token", field="person",
        )  # fmt: skip
    return person


def whole_self(directory: Directory, unit: Unit) -> Person:
    """Return the asker, who is not here by a token for less: by what people are reached is theirs.

    Raises Forbidden, Invalid.
    """
    if unit.actor.is_narrow:
        raise Forbidden("this token is for less than its person may do; sign in for this")
    return own_person(directory, unit)


def own_method(directory: Directory, unit: Unit, index: int) -> tuple[Person, Method]:
    """Return the asker and one of their methods, counted from 0. Raises Invalid, NotFound."""
    person = own_person(directory, unit)
    if not 0 <= index < len(person.methods):
        raise NotFound(
            f"there is no contact method {index}; you have {len(person.methods)}, from 0"
        )
    return person, person.methods[index]
