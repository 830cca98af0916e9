"""The browsers that push reaches, over JSON: subscribe, rename, remove; and receipts that come back."""

from base64 import urlsafe_b64decode
from binascii import Error
from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

import tocsin.oncall.actions as oncall
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.reads import DeviceRow
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking, AnyRequest, services_of

Endpoint = Annotated[str, Meta(min_length=1, max_length=oncall.ENDPOINT_MAX)]
Key = Annotated[str, Meta(min_length=1, max_length=200, description="base64url")]
DeviceName = Annotated[str, Meta(min_length=1, max_length=60, examples=["phone"])]
_BROWSER = {
    "endpoint": "https://push.example.org/send/abc",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6S"
        "RpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
    "name": "phone",
}

_RECEIVED = {
    "device": "019d2e6a-0000-7000-8000-000000000000",
    "key": "test/019d2e6a-0000-7000-8000-000000000001",
    "receipt": "",
    "seal": "q83vEjRWeJASNFZ4kBI0Vg",
}


class Devices(Struct, frozen=True, kw_only=True):
    """What a browser subscribes with (`application_key`), and the browsers that are subscribed."""

    application_key: str
    items: tuple[DeviceRow, ...]


class Keys(Struct, frozen=True):
    """The browser's public key, and the secret that both sides know."""

    p256dh: Key
    auth: Key


class NewDevice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `PushSubscription.toJSON()` says; `replaces` is the endpoint that the browser had."""

    endpoint: Endpoint
    keys: Keys
    name: DeviceName
    replaces: Endpoint | None = None


class NewName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the browser is called from now on."""

    name: DeviceName


class Received(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service worker says when a message has arrived; `seal` came with the message."""

    device: UUID
    key: Annotated[str, Meta(max_length=300)]
    receipt: Annotated[str, Meta(max_length=100)] = ""
    seal: Annotated[str, Meta(max_length=64)]


@get("/me/push", tags=["access"], responses=problems(Invalid))
async def my_devices(asking: AnAsking) -> Devices:
    """List the browsers by which push reaches oneself, and the key to subscribe another with."""
    key = await asking.services.push.application_key()

    async def read(unit: Unit) -> Devices:
        unit.require("self:write")
        person = oncall.own_person(unit.config(Directory), unit)
        return Devices(application_key=key, items=tuple(await reads.devices(unit, person.id)))

    return await asking.run(read)


@post("/me/push", tags=["access"], status_code=200, responses=problems(Invalid, Conflict))
async def subscribe(
    asking: AnAsking, data: Annotated[NewDevice, Body(examples=[Example(value=_BROWSER)])]
) -> DeviceRow:
    """Let push reach oneself in one more browser. The same one again changes its keys."""
    found = oncall.Subscription(
        endpoint=data.endpoint, p256dh=_bytes(data.keys.p256dh, "p256dh"),
        auth=_bytes(data.keys.auth, "auth"), name=data.name, replaces=data.replaces,
    )  # fmt: skip

    async def act(unit: Unit) -> DeviceRow:
        device = await oncall.subscribe(unit, found)
        rows = await reads.devices(unit, device.person_id)
        return next(one for one in rows if one.id == device.id)

    return await asking.run(act)


@patch(
    "/me/push/{device_id:uuid}",
    tags=["access"],
    status_code=204,
    responses=problems(NotFound, Invalid),
)
async def rename(
    asking: AnAsking,
    device_id: FromPath[UUID],
    data: Annotated[NewName, Body(examples=[Example(value={"name": "phone"})])],
) -> None:
    """Call one's own browser otherwise."""
    await asking.run(lambda unit: oncall.rename_device(unit, device_id, data.name))


@delete(
    "/me/push/{device_id:uuid}",
    tags=["access"],
    status_code=204,
    responses=problems(NotFound, Invalid),
)
async def unsubscribe(asking: AnAsking, device_id: FromPath[UUID]) -> None:
    """Push reaches one's own browser no more."""
    await asking.run(lambda unit: oncall.remove_device(unit, device_id))


@post(
    "/push/received",
    tags=["access"],
    status_code=204,
    responses=problems(Forbidden),
    security=[],
)
async def received(
    request: AnyRequest, data: Annotated[Received, Body(examples=[Example(value=_RECEIVED)])]
) -> None:
    """Note that a browser has a message. The seal is the authorization: no session goes with it."""
    push = services_of(request.app.state).push
    if not await push.received(data.device, data.key, data.receipt, data.seal):
        raise Forbidden("this receipt is about no message of ours")


def _bytes(text: str, field: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Error, ValueError):
        raise Invalid(f"{field} is no base64url", field=f"keys.{field}") from None


ROUTES = [my_devices, subscribe, rename, unsubscribe]
OPEN_ROUTES = [received]
