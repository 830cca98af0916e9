"""What a person does with the browsers that push reaches, and what push services say of them."""

from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, ports, store
from tocsin.oncall.actions.trying import whole_self
from tocsin.oncall.actions.verifying import drop_push, verify_by_subscription
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import PushDevice

DEVICES_MAX = 20
ENDPOINT_MAX = 1000
NAME_MAX = 60
POINT_BYTES = 65  # an uncompressed point of P-256
AUTH_BYTES = 16
_UNCOMPRESSED = 0x04
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
GONE = "the push service says that the subscription is gone"


class Subscription(Struct, frozen=True, kw_only=True):
    """What a browser says when it subscribes, and how its person calls it.

    `replaces` is the endpoint that the same browser had before; it keeps its name.
    """

    endpoint: str
    p256dh: bytes
    auth: bytes
    name: str
    replaces: str | None = None


async def subscribe(unit: Unit, found: Subscription) -> PushDevice:
    """Let push reach the asker in one more browser; the same one again changes its keys.

    A browser that was somebody else's is theirs no more. Raises Invalid, Conflict.
    """
    unit.require("self:write")
    person = whole_self(unit.config(Directory), unit)
    _check(found)
    await store.lock_person(unit.conn, person.id)
    known = {one.endpoint: one for one in await store.devices_of(unit.conn, person.id)}
    old = known.get(found.replaces or "")
    is_new = found.endpoint not in known
    if is_new and old is None and len(known) >= DEVICES_MAX:
        raise Conflict(f"{DEVICES_MAX} browsers are enough; remove one that you do not use")
    device = PushDevice(
        id=uuid7(), person_id=person.id, endpoint=found.endpoint, p256dh=found.p256dh,
        auth=found.auth, name=old.name if old else _named(found.name), added_at=unit.now,
    )  # fmt: skip
    before = await store.put_device(unit.conn, device)
    if before is not None and before != person.id:
        await drop_push(unit, before, "the browser belongs to somebody else now")
    kept = await _own(unit, person.id, found.endpoint)
    if is_new:
        unit.record(events.PushDeviceAdded(person_id=person.id, device_id=kept.id))
    await verify_by_subscription(unit, person.id)
    if old is not None and old.id != kept.id:
        await store.remove_devices(unit.conn, person.id, [old.id])
    return kept


async def _own(unit: Unit, person_id: PersonId, endpoint: str) -> PushDevice:
    for one in await store.devices_of(unit.conn, person_id):
        if one.endpoint == endpoint:
            return one
    raise NotFound("this browser is not subscribed")


async def rename_device(unit: Unit, device_id: UUID, name: str) -> None:
    """Call one's own browser otherwise. Raises NotFound, Invalid."""
    unit.require("self:write")
    person = whole_self(unit.config(Directory), unit)
    if not await store.rename_device(unit.conn, person.id, device_id, _named(name)):
        raise NotFound("you have no such browser; it may have been removed")


async def remove_device(unit: Unit, device_id: UUID) -> None:
    """Push reaches one's own browser no more. Raises NotFound."""
    unit.require("self:write")
    person = whole_self(unit.config(Directory), unit)
    if not await store.remove_devices(unit.conn, person.id, [device_id]):
        raise NotFound("you have no such browser; it may have been removed")
    _removed(unit, person.id, [device_id], "removed by its person")
    await drop_push(unit, person.id, "the last browser was removed")


async def push_devices(unit: Unit, person_id: PersonId) -> Sequence[PushDevice]:
    """Return the browsers that a message is to go to."""
    unit.require("contact:note")
    return await store.devices_of(unit.conn, person_id)


async def push_ended(unit: Unit, person_id: PersonId, pushed: ports.Pushed) -> None:
    """Keep what came of a message; what is gone is forgotten, and with the last one push is off."""
    unit.require("contact:note")
    await store.note_pushed(unit.conn, pushed.sent, pushed.failed, pushed.error, unit.now)
    removed = await store.remove_devices(unit.conn, person_id, pushed.gone)
    _removed(unit, person_id, removed, GONE)
    if removed:
        await drop_push(unit, person_id, GONE)


async def push_received(unit: Unit, device_id: UUID) -> PersonId | None:
    """Note that a browser said that it has a message; return whose it is, None: it is unknown."""
    unit.require("contact:note")
    return await store.note_device_received(unit.conn, device_id, unit.now)


async def keep_push_key(unit: Unit, made: bytes) -> bytes:
    """Return the key by which push services know this Tocsin; `made` is it if there is none."""
    unit.require("contact:note")
    return await store.keep_push_key(unit.conn, made, unit.now)


def _removed(unit: Unit, person_id: PersonId, ids: Sequence[UUID], reason: str) -> None:
    for device_id in ids:
        unit.record(
            events.PushDeviceRemoved(person_id=person_id, device_id=device_id, reason=reason)
        )


def _named(name: str) -> str:
    found = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    if not found:
        raise Invalid("give the browser a name, as in: phone", field="name")
    return found[:NAME_MAX]


def _check(found: Subscription) -> None:
    """Refuse what no browser would say. Raises Invalid."""
    try:
        parts = urlsplit(found.endpoint)
        host = parts.hostname or ""
    except ValueError:
        raise Invalid("this is no endpoint of a push service", field="endpoint") from None
    is_here = parts.scheme == "http" and host in _THIS_MACHINE
    is_plain = found.endpoint.isascii() and found.endpoint.isprintable()
    if not (host and is_plain and (parts.scheme == "https" or is_here)):
        raise Invalid("an endpoint of a push service is an https:// URL", field="endpoint")
    if len(found.endpoint) > ENDPOINT_MAX:
        raise Invalid(f"an endpoint has {ENDPOINT_MAX} characters at most", field="endpoint")
    if len(found.p256dh) != POINT_BYTES or found.p256dh[0] != _UNCOMPRESSED:
        raise Invalid("p256dh is a point of P-256 in 65 bytes, as base64url", field="p256dh")
    if len(found.auth) != AUTH_BYTES:
        raise Invalid("auth has 16 bytes, as base64url", field="auth")
