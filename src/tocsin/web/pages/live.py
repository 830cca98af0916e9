"""The live stream: says which topics moved; pages then ask again for what shows them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Annotated, Final, cast

import psycopg
from litestar import get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from tocsin.kernel import live
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Forbidden, Unauthenticated, Unavailable
from tocsin.kernel.live import QUIET_S, Moved
from tocsin.web.identity import COOKIE
from tocsin.web.services import Services
from tocsin.web.units import AnAsking, AnyRequest

PING = b"event: ping\ndata:\n\n"
SEQ_MAX = 2**63 - 1
# after which somebody may not be who they were
_ENDING = frozenset(
    {
        "governance.password_set",
        "governance.person_disabled",
        "governance.role_changed",
        "governance.sessions_ended",
        "governance.signed_out",
        "governance.token_revoked",
        "kernel.resources_applied",
    }
)
# by the kind or else its first part; what is not here moves nothing that a screen shows
_TOPICS: dict[str, tuple[str, ...]] = {
    "command": ("now",),
    "kernel": ("now", "oncall", "health", "banner"),
    "kernel.resources_applied": ("now", "oncall", "health", "banner", "resources"),
    "kernel.resources_scheduled": ("resources",),
    "kernel.scheduled_resources_failed": ("resources",),
    "oncall": ("now", "banner", "inbox"),
    "oncall.contact_code_sent": ("contacts",),
    "oncall.contact_code_wrong": ("contacts",),
    "oncall.contact_dropped": ("contacts",),
    "oncall.contact_tested": ("contacts",),
    "oncall.contact_verified": ("contacts",),
    "oncall.contacts_changed": ("contacts",),
    "oncall.leave_taken": ("now", "oncall", "inbox"),
    "oncall.override_ended": ("now", "oncall", "inbox"),
    "oncall.push_device_added": ("contacts",),
    "oncall.push_device_removed": ("contacts",),
    "oncall.paging_held": ("now", "banner", "health"),
    "oncall.paging_released": ("now", "banner", "health", "inbox"),
    "oncall.schedule_overridden": ("now", "oncall", "inbox"),
    "oncall.shifts_moved": ("now", "oncall", "inbox"),
    "oncall.swap_accepted": ("now", "oncall", "inbox"),
    "oncall.swap_declined": ("oncall", "inbox"),
    "oncall.swap_requested": ("oncall", "inbox"),
    "oncall.swap_withdrawn": ("oncall", "inbox"),
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


class Listener:
    """Whoever listens, and whether they still may: what they could see may be taken from them."""

    def __init__(self, asker: Actor, anew: Callable[[], Awaitable[Actor | None]]) -> None:
        self.audience = asker.audience
        self._anew = anew
        self._asked_at = asyncio.get_running_loop().time()

    async def is_to_go(self, moved: Moved | None, quiet_s: float) -> bool:
        """Say whether the stream ends here; asks when that may be so, and else now and then."""
        now_s = asyncio.get_running_loop().time()
        is_due = moved is None or moved.kind in _ENDING or now_s - self._asked_at >= quiet_s
        if not is_due:
            return False
        self._asked_at = now_s
        try:
            actor = await self._anew()
        except Unauthenticated:
            return True
        except (Unavailable, psycopg.Error):  # nobody knows; it is asked again
            return False
        if actor is None or not actor.may("incident:read"):
            return True
        return actor.audience != self.audience  # they come back as who they are now


async def messages(
    services: Services, after_seq: int | None, listener: Listener, *, quiet_s: float = QUIET_S
) -> AsyncIterator[bytes]:
    """Yield the stream's bytes until they leave, may not listen any more, or the hub closes."""
    yield PING  # so that proxies pass on the head of the answer at once
    found = live.stream(services.hub, services.db, after_seq, quiet_s=quiet_s)
    async with aclosing(cast("AsyncGenerator[Moved | None, None]", found)) as moves:
        async for moved in moves:
            if await listener.is_to_go(moved, quiet_s):
                return
            if moved is None:
                yield PING
                continue
            is_told = await services.visibility.is_told(moved, listener.audience)
            if said := message(moved, is_told=is_told):
                yield said


@get("/live")
async def stream(
    request: AnyRequest, asking: AnAsking, after: Seq = None, last_seq: LastSeq = None
) -> Stream:
    """Stream what moves; `Last-Event-ID`, which a browser sends when it comes back, is newer."""
    if not asking.actor.may("incident:read"):
        raise Forbidden(f"{asking.actor.name} may not incident:read")
    after_seq = after if last_seq is None else last_seq
    anew = partial(
        asking.services.identity.anew,
        authorization=request.headers.get("authorization"),
        session=request.cookies.get(COOKIE),
    )
    return Stream(
        messages(asking.services, after_seq, Listener(asking.actor, anew)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


ROUTES: Final = (stream,)
