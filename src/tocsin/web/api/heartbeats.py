"""Heartbeats over JSON: how they stand, a key, pause and resume, a ping by hand."""

from typing import Annotated

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter

from tocsin.kernel.errors import Conflict, NotFound
from tocsin.kernel.unit import Unit
from tocsin.signals import actions as signals
from tocsin.signals import reads
from tocsin.signals.model import Ping
from tocsin.web.api.heartbeat_shapes import (
    HeartbeatDetail,
    HeartbeatList,
    HeartbeatShape,
    KeyShape,
    NewPing,
    heartbeat_detail,
    heartbeat_shape,
    ping_url,
)
from tocsin.web.api.idempotency import SECRET
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking

BY_HAND = "by hand"
Named = Annotated[
    str,
    PathParameter(
        description="The name of the Heartbeat.",
        max_length=63,
        examples=[Example(summary="a nightly job", value="nightly-backup")],
    ),
]


@get("/heartbeats", tags=["heartbeats"], responses=problems())
async def list_heartbeats(asking: AnAsking) -> HeartbeatList:
    """List the jobs that are to be heard of, and how they stand, by name."""

    async def read(unit: Unit) -> HeartbeatList:
        found = await reads.heartbeats(unit)
        return HeartbeatList(tuple(heartbeat_shape(*one, unit.now) for one in found))

    return await asking.run(read)


@get("/heartbeats/{name:str}", tags=["heartbeats"], responses=problems(NotFound))
async def show_heartbeat(asking: AnAsking, name: Named) -> HeartbeatDetail:
    """Show how a job stands, with its newest pings."""
    base_url = asking.services.settings.base_url

    async def read(unit: Unit) -> HeartbeatDetail:
        return heartbeat_detail(*await reads.heartbeat(unit, name), unit.now, base_url)

    return await asking.run(read)


@post(
    "/heartbeats/{name:str}/key",
    tags=["heartbeats"],
    opt=SECRET,
    status_code=200,
    responses=problems(NotFound),
)
async def make_key(asking: AnAsking, name: Named) -> KeyShape:
    """Give a heartbeat a new key. It is in this answer and nowhere else; the old one ends."""
    base_url = asking.services.settings.base_url

    async def act(unit: Unit) -> KeyShape:
        key = await signals.make_key(unit, name)
        return KeyShape(key=key, url=ping_url(base_url, key))

    return await asking.run(act)


@post(
    "/heartbeats/{name:str}/pause",
    tags=["heartbeats"],
    status_code=200,
    responses=problems(NotFound),
)
async def pause_heartbeat(asking: AnAsking, name: Named) -> HeartbeatShape:
    """Look after a job no more until it is resumed; its alert ends."""

    async def act(unit: Unit) -> HeartbeatShape:
        await signals.pause(unit, name)
        return await _shape(unit, name)

    return await asking.run(act)


@post(
    "/heartbeats/{name:str}/resume",
    tags=["heartbeats"],
    status_code=200,
    responses=problems(NotFound, Conflict),
)
async def resume_heartbeat(asking: AnAsking, name: Named) -> HeartbeatShape:
    """Look after a job again, from now on. 409 where it is its resource that pauses it."""

    async def act(unit: Unit) -> HeartbeatShape:
        await signals.resume(unit, name)
        return await _shape(unit, name)

    return await asking.run(act)


@post(
    "/heartbeats/{name:str}/ping",
    tags=["heartbeats"],
    status_code=200,
    responses=problems(NotFound),
)
async def ping_heartbeat(
    asking: AnAsking,
    name: Named,
    data: Annotated[NewPing, Body(examples=[Example(summary="it went well", value={})])],
) -> HeartbeatShape | None:
    """Ping by hand, as the job would: `start`, `ok` or `fail`.

    The answer is null for who may ping and not read, as the role integration.
    """
    text = data.text.replace("\0", "\ufffd")
    one = Ping(kind=data.kind, text=text, sender=BY_HAND)

    async def act(unit: Unit) -> HeartbeatShape | None:
        await signals.ping(unit, name, one)
        return await _shape(unit, name) if unit.actor.may("heartbeat:read") else None

    return await asking.run(act)


async def _shape(unit: Unit, name: str) -> HeartbeatShape:
    one, row, _ = await reads.heartbeat(unit, name)
    return heartbeat_shape(one, row, unit.now)


ROUTES = [
    list_heartbeats, show_heartbeat, make_key, pause_heartbeat, resume_heartbeat,
    ping_heartbeat,
]  # fmt: skip
