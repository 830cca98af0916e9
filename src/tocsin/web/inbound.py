"""Intake on the wire: raw ASGI, no framework, because every alert comes through here.

`Authorization: Bearer` on the vendor's own paths, or `/integrations/<key>/…` in front of them.
Alertmanager's API is answered here, the others by `inbound_doors`.
"""

from collections.abc import Awaitable, Mapping

from tocsin.kernel.db import is_transient
from tocsin.kernel.errors import (
    Forbidden,
    Refused,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from tocsin.kernel.logs import Log, mask
from tocsin.kernel.metrics import REFUSED
from tocsin.kernel.unit import Unit
from tocsin.signals.model import Unreadable
from tocsin.signals.ports import LANES
from tocsin.triage import reads as triage
from tocsin.triage.model import Alert
from tocsin.web.hooks import PREFIX as HOOKS
from tocsin.web.hooks import Hooks
from tocsin.web.identity import Caller
from tocsin.web.inbound_body import (
    Answer,
    App,
    Receive,
    Scope,
    Send,
    answer,
    bearer,
    headers_of,
    length,
    read,
)
from tocsin.web.inbound_doors import Doors, integration_of
from tocsin.web.inbound_pings import PREFIX as PINGS
from tocsin.web.inbound_pings import PingDoor, is_ping
from tocsin.web.lobby import Lobby
from tocsin.web.problems import problem, retry_after
from tocsin.web.services import Services

BODY_MAX = 1024 * 1024
FORMAT = "alertmanager.v2"
_JSON = (b"content-type", b"application/json")
_NO_SNIFF = (b"x-content-type-options", b"nosniff")
_COME_AGAIN = (429, 503)
_PREFIXES = ("/api/v2/", "/alertmanager/", "/integrations/", "/v2/", "/webhook", HOOKS, PINGS)
_KEYED = "/integrations/"
_ALERTS = "/api/v2/alerts"
log = Log("inbound")


class Inbound:
    """Answers the vendors' paths and hands everything else to the application behind it."""

    def __init__(self, services: Services, behind: App) -> None:
        self._services = services
        self._lobby = Lobby(behind)
        self._wire = services.alertmanager
        self._doors = Doors(services)
        self._hooks = Hooks(services)
        self._pings = PingDoor(services, self._doors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or not _is_ours(scope["path"]):
            await self._lobby(scope, receive, send)
            return
        try:
            status, body, headers = await self._answer(scope, receive)
        except Unreadable as error:
            status, body, headers = error.status, error.body, (_JSON,)
            if status in _COME_AGAIN:
                headers = (_JSON, (b"retry-after", b"1"))
        except Refused as error:
            status, body, headers = _refusal(error)
        except Exception as error:  # noqa: BLE001 - door: a sender gets an answer, whatever we did wrong
            log.error("inbound.failed", error=error, path=mask(scope["path"]))
            status, body, headers = _failure(error)
        if status >= 400:  # noqa: PLR2004
            REFUSED.labels(str(status)).inc()
        # it quotes what senders wrote
        await answer(scope, send, status, (*headers, _NO_SNIFF), body)

    def _answer(self, scope: Scope, receive: Receive) -> Awaitable[Answer]:
        path, key = _vendor_path(scope["path"])
        self._services.database_watch.require()
        if path == _ALERTS:
            return self._alerts(scope, receive, key)
        if is_ping(path):
            return self._pings.answer(scope, receive)
        if path.startswith(HOOKS):
            return self._hooks.answer(scope, receive)
        door = self._doors.by_path.get(path)
        if door is not None:
            return door(scope, receive, key)
        return self._small(path, scope, key)

    async def _alerts(self, scope: Scope, receive: Receive, key: str | None) -> Answer:
        headers, method = headers_of(scope), scope["method"]
        caller = await self._caller(headers, key)
        if method == "POST":
            try:
                return await self._accept(headers, receive, caller)
            except (Refused, Unreadable) as error:
                self._doors.note(caller, error, FORMAT)
                raise
        if method == "GET":
            alerts = await self._services.units.run(caller.actor, _firing)
            query = scope["query_string"].decode("latin-1")
            return 200, self._wire.listing(alerts, query), (_JSON,)
        raise self._wire.not_allowed(method, ("GET", "POST"))

    async def _small(self, path: str, scope: Scope, key: str | None) -> Answer:
        caller, method = await self._caller(headers_of(scope), key), scope["method"]
        if path in ("/-/healthy", "/-/ready"):
            return 200, b"OK", ((b"content-type", b"text/plain; charset=utf-8"),)
        if path not in ("/api/v2/status", "/api/v2/receivers"):
            raise self._wire.not_found(path)
        if method != "GET":
            raise self._wire.not_allowed(method, ("GET",))
        if not caller.actor.may("alert:read"):
            raise Forbidden(f"{caller.actor.name} may not alert:read")
        if path == "/api/v2/status":
            return 200, self._wire.status(self._services.started_at), (_JSON,)
        return 200, self._wire.receivers(), (_JSON,)

    async def _caller(self, headers: Mapping[bytes, bytes], key: str | None) -> Caller:
        secret = bearer(headers) or key
        if not secret:
            raise Unauthenticated(
                "send `Authorization: Bearer <token>`, or use /integrations/<token>/api/v2/alerts"
            )
        return self._services.identity.known(secret) or await self._doors.caller(secret, FORMAT)

    async def _accept(
        self, headers: Mapping[bytes, bytes], receive: Receive, caller: Caller
    ) -> Answer:
        intake = self._services.intake
        intake.require(caller.actor)
        if "accept" not in self._services.settings.roles:
            raise Unavailable("this process does not take alerts; see TOCSIN_ROLES")
        self._require_json(headers.get(b"content-type", b"application/json"))
        await self._doors.admit(caller, length(headers))
        body = await read(receive, BODY_MAX)
        split = self._wire.split(body, lanes=LANES)
        count = sum(part.count for part in split.accepted)
        if caller.bucket is not None and not caller.bucket.take(count):
            raise TooMany(f"token {caller.actor.name} is over its rate", retry_after_s=1)
        if count:
            await intake.accept(caller.actor, FORMAT, split.accepted, integration_of(caller))
        if split.refusals:
            raise self._wire.refused(split.refusals)
        return 200, b"", ()

    def _require_json(self, said: bytes) -> None:
        if said.split(b";", 1)[0].strip().lower() != b"application/json":
            raise self._wire.unsupported(said.decode("latin-1"))


def _is_ours(path: str) -> bool:
    """Say whether a machine's path is meant; `/integrations/<name>` alone is a screen."""
    if path.startswith(_KEYED):
        return path.find("/", len(_KEYED)) > 0
    return path.startswith(_PREFIXES)


async def _firing(unit: Unit) -> list[Alert]:
    return await triage.firing(unit)


def _vendor_path(path: str) -> tuple[str, str | None]:
    """Return the vendor's own path, and the key that stood in front of it."""
    key = None
    if path.startswith(_KEYED):
        key, _, rest = path.removeprefix(_KEYED).partition("/")
        path = "/" + rest
    if path.startswith("/alertmanager/"):
        path = path.removeprefix("/alertmanager")
    return path, key


def _failure(error: Exception) -> Answer:
    if is_transient(error):
        return _refusal(Unavailable("the database did not answer; it was not kept"))
    text = "It was not kept: send it again."
    return 500, problem(500, "bug", "Tocsin made a mistake.", text), (_JSON,)


def _refusal(error: Refused) -> Answer:
    body = problem(error.status, error.code, error.title, error.detail, error.field)
    headers = [(b"content-type", b"application/problem+json")]
    headers += [(name.encode(), value.encode()) for name, value in retry_after(error).items()]
    if isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", b'Bearer realm="tocsin"'))
    return error.status, body, tuple(headers)
