"""The live stream: says which topics moved; pages then ask again for what shows them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final, cast

from litestar import get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from tocsin.kernel import live
from tocsin.kernel.access import decide
from tocsin.kernel.errors import Forbidden
from tocsin.kernel.live import Moved
from tocsin.web.pages.frame import Asked
from tocsin.web.services import Services

PING = b"event: ping\ndata:\n\n"
SEQ_MAX = 2**63 - 1
# by the first part of the kind; a kind that is not here moves nothing that a screen shows
_TOPICS: dict[str, tuple[str, ...]] = {
    "command": ("now",),
    "kernel": ("now", "oncall", "health", "banner"),
    "oncall": ("now", "banner"),
    "signals": ("health",),
    "triage": ("now", "alerts", "groups"),
}
Seq = Annotated[int | None, QueryParameter(ge=-1, le=SEQ_MAX)]
LastSeq = Annotated[int | None, HeaderParameter(name="Last-Event-ID", ge=-1, le=SEQ_MAX)]


def topics(moved: Moved) -> tuple[str, ...]:
    """Name what a record moves; an incident's own page listens to `incident:<id>`."""
    found = _TOPICS.get(moved.kind.partition(".")[0], ())
    if moved.incident_id is not None:
        return (*found, f"incident:{moved.incident_id}")
    return found


def message(moved: Moved) -> bytes:
    """Spell a record as a server-sent event; one that moves nothing is no event."""
    named = " ".join(topics(moved))
    return f"id: {moved.seq}\nevent: moved\ndata: {named}\n\n".encode() if named else b""


async def messages(services: Services, after_seq: int | None) -> AsyncIterator[bytes]:
    """Yield the stream's bytes until the client leaves or the hub closes."""
    yield PING  # so that proxies pass on the head of the answer at once
    found = live.stream(services.hub, services.db, after_seq)
    async with aclosing(cast("AsyncGenerator[Moved | None, None]", found)) as moves:
        async for moved in moves:
            if said := PING if moved is None else message(moved):
                yield said


@get("/live")
async def stream(asking: Asked, after: Seq = None, last_seq: LastSeq = None) -> Stream:
    """Stream what moves; `Last-Event-ID`, which a browser sends when it comes back, is newer."""
    if not decide(asking.actor.role, "incident:read"):
        raise Forbidden(f"{asking.actor.name} may not incident:read")
    after_seq = after if last_seq is None else last_seq
    return Stream(
        messages(asking.services, after_seq),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


ROUTES: Final = (stream,)
