"""What an attempt says of the address itself: taken, failed, or gone for good."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.ids import PersonId
from tocsin.kernel.resources import rows
from tocsin.kernel.unit import Unit
from tocsin.oncall import ports, store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import impersonal
from tocsin.oncall.core.reachability import fingerprint
from tocsin.oncall.model import Method

ERROR_MAX = 300


def address_of(person_id: PersonId, method: Method) -> store.Address:
    """Name the address of a person's method."""
    return store.Address(person_id=person_id, fingerprint=fingerprint(method), kind=method.kind)


async def note_delivery(
    unit: Unit, person_id: PersonId, method: Method, outcome: ports.Outcome
) -> None:
    """Keep of an attempt what it says of the address, whatever page it was for."""
    unit.require("contact:note")
    if isinstance(outcome, ports.TransientFailure) and outcome.skipped:
        return  # nobody was asked
    await note(unit.conn, address_of(person_id, method), outcome, unit.now)


async def note(
    conn: AsyncConnection[Any], address: store.Address, outcome: ports.Outcome, now: datetime
) -> None:
    """Keep what an outcome says of an address. Never waits for another who keeps the same."""
    if isinstance(outcome, ports.Sent):
        await store.note_sent(conn, address, now)
        return
    is_gone = isinstance(outcome, ports.PermanentFailure) and outcome.address_wrong
    reason = impersonal(outcome.reason, ERROR_MAX)
    await store.note_failed(conn, address, reason, now, is_gone=is_gone)


async def forget_gone_people(unit: Unit, changed: Collection[UUID]) -> None:
    """Forget what was known of the addresses of those among `changed` who are people no more."""
    unit.require("contact:note")
    known = unit.config(Directory).people
    asked = [one for one in changed if PersonId(one) in known]
    if not asked:
        return
    present = {one.uid for one in await rows.present(unit.conn)}
    gone = [PersonId(one) for one in asked if one not in present]
    if gone:
        await store.forget_people(unit.conn, gone)
