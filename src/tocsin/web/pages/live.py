"""The live stream: says which topics moved; pages then ask again for what shows them."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Final, cast

from litestar import get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from tocsin.kernel import live
from tocsin.kernel.errors import Forbidden
from tocsin.kernel.live import Moved
from tocsin.web.services import Services
from tocsin.web.units import AnAsking

PING = b"event: ping\ndata:\n\n"
SEQ_MAX = 2**63 - 1
# by the kind or else its first part; what is not here moves nothing that a screen shows
_TOPICS: dict[str, tuple[str, ...]] = {
    "command": ("now",),
    "kernel": ("now", "oncall", "health", "banner"),
    "kernel.resources_applied": ("now", "oncall", "health", "banner", "resources"),
    "kernel.resources_scheduled": ("resources",),
    "kernel.scheduled_resources_failed": ("resources",),
    "oncall": ("now", "banner", "inbox"),
    "oncall.contact_tested": ("contacts",),
    "oncall.paging_held": ("now", "banner", "health"),
    "oncall.paging_released": ("now", "banner", "health", "inbox"),
    "signals": ("health",),
    "topology": ("changes",),
    "triage": ("now", "alerts", "groups"),
}
Seq = Annotated[int | None, QueryParameter(ge=-1, le=SEQ_MAX)]
LastSeq = Annotated[int | None, HeaderParameter(name="Last-Event-ID", ge=-1, le=SEQ_MAX)]


def topics(moved: Moved, *, is_told: bool = True) -> tuple[str, ...]:
    """Name what a record moves; an incident's own page listens to `incident:<id>`.

    Who may not see the incident is not told its id.
    """
    found = _TOPICS.get(moved.kind, _TOPICS.get(moved.kind.partition(".")[0], ()))
    if moved.incident_id is not None and is_told:
        return (*found, f"incident:{moved.incident_id}")
    return found


def message(moved: Moved, *, is_told: bool = True) -> bytes:
    """Spell a record as a server-sent event; one that moves nothing is no event."""
    named = " ".join(topics(moved, is_told=is_told))
    return f"id: {moved.seq}\nevent: moved\ndata: {named}\n\n".encode() if named else b""


async def messages(
    services: Services, after_seq: int | None, audience: Sequence[str]
) -> AsyncIterator[bytes]:
    """Yield the stream's bytes for somebody of these names until they leave or the hub closes."""
    yield PING  # so that proxies pass on the head of the answer at once
    found = live.stream(services.hub, services.db, after_seq)
    async with aclosing(cast("AsyncGenerator[Moved | None, None]", found)) as moves:
        async for moved in moves:
            if moved is None:
                yield PING
                continue
            is_told = await services.visibility.is_told(moved, audience)
            if said := message(moved, is_told=is_told):
                yield said


@get("/live")
async def stream(asking: AnAsking, after: Seq = None, last_seq: LastSeq = None) -> Stream:
    """Stream what moves; `Last-Event-ID`, which a browser sends when it comes back, is newer."""
    if not asking.actor.may("incident:read"):
        raise Forbidden(f"{asking.actor.name} may not incident:read")
    after_seq = after if last_seq is None else last_seq
    return Stream(
        messages(asking.services, after_seq, asking.actor.audience),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


ROUTES: Final = (stream,)
