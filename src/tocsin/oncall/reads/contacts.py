"""By what people can be reached, as far as it is proved; and whose an address is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import (
    Reachability,
    fingerprint,
    fingerprint_of,
    reachable,
)
from tocsin.oncall.model import ContactState, ContactTest, MethodKind

States = Mapping[PersonId, Mapping[str, ContactState]]


class OpenCode(Struct, frozen=True, kw_only=True):
    """A code that can still be entered. `outcome` is sent, transient, permanent; None: not known."""

    fingerprint: str
    sent_at: datetime
    expires_at: datetime
    tries_left: int
    outcome: str | None
    error: str


class DeviceRow(Struct, frozen=True, kw_only=True):
    """A browser that somebody has subscribed, without what would let anybody reach it."""

    id: UUID
    name: str
    added_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    failed_at: datetime | None
    error: str


async def contact_states(
    unit: Unit, person_id: PersonId | None = None
) -> dict[PersonId, dict[str, ContactState]]:
    """Return what is known of the addresses of everybody, or of one person, by fingerprint."""
    unit.require("oncall:read")
    async with unit.conn.cursor(row_factory=struct_row(ContactState)) as cursor:
        await cursor.execute(
            """
            SELECT person_id, fingerprint, kind, verified_at, verified_by, sent_at, received_at,
                   failed_at, error, dropped_at
              FROM oncall.contact_states
             WHERE %(person_id)s::uuid IS NULL OR person_id = %(person_id)s
            """,
            {"person_id": person_id},
        )
        found: dict[PersonId, dict[str, ContactState]] = {}
        for state in await cursor.fetchall():
            found.setdefault(state.person_id, {})[state.fingerprint] = state
        return found


async def verified(unit: Unit) -> dict[PersonId, frozenset[str]]:
    """Return the fingerprints of all addresses that are proved and not dropped since."""
    unit.require("oncall:read")
    states = await contact_states(unit)
    return {
        person_id: frozenset(key for key, state in known.items() if state.is_verified)
        for person_id, known in states.items()
    }


async def reachability(unit: Unit) -> dict[PersonId, Reachability]:
    """Say of everybody whether a page wakes them."""
    unit.require("oncall:read")
    states = await contact_states(unit)
    people = unit.config(Directory).people
    return {one: reachable(person, states.get(one, {})) for one, person in people.items()}


async def person_by_address(unit: Unit, kind: MethodKind, address: str) -> PersonId | None:
    """Return whose verified address this is; None: nobody's, or more than one person's.

    Who is not a member any more, or has taken the address off their list, is nobody.
    """
    unit.require("contact:identify")
    key = fingerprint_of(kind, address)
    cursor = await unit.conn.execute(
        """
        SELECT person_id
          FROM oncall.contact_states
         WHERE fingerprint = %(key)s AND verified_at IS NOT NULL AND dropped_at IS NULL
        """,
        {"key": key},
    )
    people = unit.config(Directory).people
    found = [
        person.id
        for (person_id,) in await cursor.fetchall()
        if (person := people.get(PersonId(person_id))) is not None
        and person.active
        and any(fingerprint(method) == key for method in person.methods)
    ]
    return found[0] if len(found) == 1 else None


async def open_codes(unit: Unit) -> dict[str, OpenCode]:
    """Return the asker's codes that can still be entered, by the fingerprint of the address."""
    unit.require("self:write")
    async with unit.conn.cursor(row_factory=struct_row(OpenCode)) as cursor:
        await cursor.execute(
            """
            SELECT DISTINCT ON (fingerprint)
                   fingerprint, sent_at, expires_at, tries_left, outcome, error
              FROM oncall.contact_codes
             WHERE person_id = %(person_id)s AND expires_at > %(now)s AND used_at IS NULL
             ORDER BY fingerprint, sent_at DESC, id DESC
            """,
            {"person_id": unit.actor.person_id, "now": unit.now},
        )
        return {one.fingerprint: one for one in await cursor.fetchall()}


async def tests_of(unit: Unit, person_id: PersonId) -> dict[str, ContactTest]:
    """Return the last test of each address of a person, by its fingerprint.

    Of others it needs person:read.
    """
    unit.require("self:write")
    if person_id != unit.actor.person_id:
        unit.require_on("person:read", None)
    async with unit.conn.cursor(row_factory=struct_row(ContactTest)) as cursor:
        await cursor.execute(
            """
            SELECT DISTINCT ON (fingerprint)
                   id, person_id, method, kind, show, started_at, ended_at, outcome,
                   provider_id, error, fingerprint, seen_at
              FROM oncall.contact_tests
             WHERE person_id = %(person_id)s
             ORDER BY fingerprint, started_at DESC
            """,
            {"person_id": person_id},
        )
        return {test.fingerprint: test for test in await cursor.fetchall()}


async def devices(unit: Unit, person_id: PersonId) -> list[DeviceRow]:
    """Return the browsers of a person, the oldest first. Of others it needs person:read."""
    unit.require("self:write")
    if person_id != unit.actor.person_id:
        unit.require_on("person:read", None)
    async with unit.conn.cursor(row_factory=struct_row(DeviceRow)) as cursor:
        await cursor.execute(
            """
            SELECT id, name, added_at, sent_at, received_at, failed_at, error
              FROM oncall.push_devices
             WHERE person_id = %(person_id)s
             ORDER BY added_at, id
            """,
            {"person_id": person_id},
        )
        return await cursor.fetchall()


def latency(test: ContactTest) -> timedelta | None:
    """Return how long a test took: until the device said it had it, else until it was taken."""
    end_at = test.seen_at or test.ended_at
    return None if end_at is None or test.outcome != "sent" else end_at - test.started_at
