"""Pings of users' jobs on the wire: raw ASGI, no session, the key in the path is who it is.

`/heartbeat/KEY` is a good run, `/start`, `/fail` and an exit code after it say more. A ping
also comes as Opsgenie's clients send it, by name and token, and as GoAlert's do.
"""

import time

import msgspec

from tocsin.kernel.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.signals.actions import KEY_LENGTH, Heard, key_hash
from tocsin.signals.core.heartbeat_alert import kind_named
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.signals.model import Ping, PingKind
from tocsin.web.inbound_body import Answer, Receive, Scope, header
from tocsin.web.inbound_doors import Doors
from tocsin.web.problems import problem
from tocsin.web.services import Services

PREFIX = "/heartbeat/"
GOALERT = "/api/v2/heartbeat/"
OPSGENIE, OPSGENIE_END = "/v2/heartbeats/", "/ping"
FORMAT = "heartbeat.v1"
HEAD_BYTES, TAIL_BYTES = 2_000, 8_000  # of what a job said; what is between is not kept
READ_BYTES_MAX = 10_000_000  # of what a job says; what comes after is not read
LEFT_OUT = b"\n[...]\n"
SENDER_MAX = 200
METHODS = ("GET", "HEAD", "POST")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")


def is_ping(path: str) -> bool:
    """Say whether a path is one of those that are answered here."""
    if path.startswith((PREFIX, GOALERT)):
        return True
    return path.startswith(OPSGENIE) and path.endswith(OPSGENIE_END)


class PingDoor:
    """Takes one ping a request, and answers once it is on disk."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._services = services
        self._doors = doors

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Serve one request. Raises NotFound, Invalid, TooMany, Unavailable, Forbidden."""
        method, path = scope["method"], scope["path"]
        if method not in METHODS:
            body = problem(
                405, "not-allowed", "Method not allowed",
                f"{method} is not allowed here; send GET, HEAD or POST",
            )  # fmt: skip
            return 405, body, (_PROBLEM, (b"allow", b"GET, HEAD, POST"))
        if "accept" not in self._services.settings.roles:
            raise Unavailable("this process does not take pings; see TOCSIN_ROLES")
        if path.startswith(OPSGENIE):
            return await self._by_name(scope, receive)
        key, _, rest = path.removeprefix(GOALERT).removeprefix(PREFIX).partition("/")
        if len(key) != KEY_LENGTH or not key.isascii():
            raise NotFound(
                "this is no key of a heartbeat; `tocsin heartbeat key NAME` makes one"
            )
        kind, code = _said(rest)
        heard = await self._take(
            scope, receive, Ping(key_hash=key_hash(key), kind=kind, exit_code=code)
        )
        said = b"ok: noted, and nothing else, for this heartbeat is paused\n"
        return 200, b"" if method == "HEAD" else said if heard.is_paused else b"ok\n", (_TEXT,)

    async def _by_name(self, scope: Scope, receive: Receive) -> Answer:
        """Opsgenie's ping: `Authorization: GenieKey TOKEN`, a token of ours."""
        began_s = time.monotonic()
        name = scope["path"].removeprefix(OPSGENIE).removesuffix(OPSGENIE_END)
        scheme, _, secret = header(scope, b"authorization").partition(" ")
        if scheme.lower() not in ("geniekey", "bearer") or not secret:
            raise Unauthenticated("send `Authorization: GenieKey <token>`")
        actor = (await self._doors.caller(secret.strip(), FORMAT)).actor
        if not actor.may("heartbeat:ping"):
            raise Forbidden(f"{actor.name} ({actor.role}) may not heartbeat:ping")
        known = self._services.store.current.part(Heartbeats).by_name.get(name)
        if known is None:
            raise NotFound(f"no heartbeat {name!r}")
        if not actor.may_on("heartbeat:ping", known.team):
            raise Forbidden(f"{actor.name} ({actor.role}) may not ping {name}")
        await self._take(scope, receive, Ping(heartbeat_id=known.id, kind=PingKind.OK))
        answer = {
            "result": "PONG - Heartbeat received",
            "took": round(time.monotonic() - began_s, 3),
            "requestId": str(uuid7()),
        }
        return 202, msgspec.json.encode(answer), (_JSON,)

    async def _take(self, scope: Scope, receive: Receive, ping: Ping) -> Heard:
        text = (await _said_by_job(receive)).decode("utf-8", "replace")
        return await self._services.pings.take(
            msgspec.structs.replace(
                ping,
                text=text.replace("\0", "\ufffd"),
                sender=header(scope, b"user-agent")[:SENDER_MAX].replace("\0", "\ufffd"),
            )
        )


def _said(rest: str) -> tuple[PingKind, int | None]:
    """Return what the end of a path says of a run. Raises NotFound, Invalid."""
    word = rest.rstrip("/").lower()
    if word in ("", "start", "fail"):
        return PingKind(word or "ok"), None
    code = kind_named(word)
    if code is None:
        raise NotFound("after the key comes nothing, start, fail or an exit code")
    return (PingKind.FAIL if code else PingKind.OK), code


async def _said_by_job(receive: Receive) -> bytes:
    """Return a body, of a long one its beginning and its end: a job may have much to say."""
    head, tail, size = b"", bytearray(), 0
    while size < READ_BYTES_MAX:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unavailable("the sender went away")
        chunk = message.get("body", b"")
        size += len(chunk)
        fits = HEAD_BYTES - len(head)
        head += chunk[:fits]
        tail += chunk[fits:]
        del tail[:-TAIL_BYTES]
        if not message.get("more_body"):
            break
    if size <= HEAD_BYTES + TAIL_BYTES:
        return head + tail
    return head + LEFT_OUT + tail[len(LEFT_OUT) :]
