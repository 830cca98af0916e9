"""`Idempotency-Key`: a write that is sent again is done once and answered as the first time.

Such a request is handled inside one unit: what a route does, and the answer that comes of it, are
committed together. Routes know nothing of it: their `asking.run` joins the unit. A refusal
changes nothing and is not kept, so the same key may be tried again.
"""

from copy import copy
from typing import Any, cast

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Empty, HTTPScope, Message, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState
from typing_extensions import override

from tocsin.kernel import idempotency
from tocsin.kernel.idempotency import Answer
from tocsin.kernel.unit import Unit
from tocsin.web.identity import COOKIE
from tocsin.web.units import JOINED, Joined, actor_of, services_of

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# what a repeat says again beside status and body
KEPT_HEADERS = ("content-type", "etag", "location", "last-modified")
SECRET = {"answer": "secret"}
"""The `opt` of a route whose answer holds a secret: a repeat is refused with 409."""
_REFUSALS = 400


class _NotKept(Exception):
    """Roll back: the answer is a refusal."""


class Once(ASGIMiddleware):
    """Does what carries a key once; everything else passes through."""

    scopes = (ScopeType.HTTP,)

    @override
    async def handle(
        self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp
    ) -> None:
        """Answer one request."""
        http = cast("HTTPScope", scope)  # `scopes` lets nothing else come here
        request = Request[Any, Any, Any](http, receive, send)
        key = request.headers.get(HEADER)
        if key is None or http["method"] not in WRITES:
            await next_app(scope, receive, send)
            return
        actor = await actor_of(request)
        body = await request.body()
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        told = _Telling(idempotency.check_key(key), http, body, next_app)
        told.digest = idempotency.digest(
            http["method"], target, body, secret=_secret_of(request)
        )
        units = services_of(request.app.state).units
        try:
            answer = await units.run(actor, told.once)
        except _NotKept:
            answer = None
        for message in _messages(answer) if answer else told.messages:
            await send(message)


class _Telling:
    """One request on its way through the unit."""

    def __init__(self, key: str, scope: HTTPScope, body: bytes, route: ASGIApp) -> None:
        self.key = key
        self.digest = b""
        self.messages: list[Message] = []
        self._scope = scope
        self._body = body
        self._route = route

    async def once(self, unit: Unit) -> Answer | None:
        """Return the answer of the first time; None: this is it, and `messages` are the answer."""
        found = await idempotency.claim(unit, self.key, self.digest)
        if found is not None:
            return found
        joined = Joined(unit, services_of(self._scope["litestar_app"].state).units)
        await self._ask(joined)
        if joined.failure is not None:
            raise joined.failure
        answer = self._answer()
        if answer.status >= _REFUSALS:
            raise _NotKept
        await idempotency.keep(unit, self.key, answer)
        return None

    async def _ask(self, joined: Joined) -> None:
        self.messages = []
        # a unit may start again, and then the framework must have noted nothing of the first try
        state = {name: copy(value) for name, value in self._scope["state"].items()}
        # who asks again may not unpack what the first one could: an answer is kept as it is
        headers = [one for one in self._scope["headers"] if one[0] != b"accept-encoding"]
        scope: Any = {**self._scope, "headers": headers, "state": {**state, JOINED: joined}}
        ScopeState.from_scope(scope).headers = Empty  # read before, and remembered
        await self._route(scope, self._receive, self._keep)

    async def _receive(self) -> Any:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def _keep(self, message: Message) -> None:
        self.messages.append(message)

    def _answer(self) -> Answer:
        start: Any = self.messages[0]
        said = {k.decode("latin-1"): v.decode("latin-1") for k, v in start["headers"]}
        body = b"".join(one.get("body", b"") for one in self.messages[1:])  # type: ignore[misc]
        is_secret = self._scope["route_handler"].opt.get("answer") == SECRET["answer"]
        return Answer(
            status=start["status"],
            headers={name: said[name] for name in KEPT_HEADERS if name in said},
            body=None if is_secret else body,
        )


def _secret_of(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("authorization") or request.cookies.get(COOKIE) or ""


def _messages(answer: Answer) -> list[Message]:
    body = answer.body or b""
    headers = [(k.encode(), v.encode("latin-1")) for k, v in answer.headers.items()]
    headers.append((REPLAYED.encode(), b"true"))
    if answer.status != 204:  # noqa: PLR2004 - No Content
        headers.append((b"content-length", str(len(body)).encode()))
    return [
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.body", "body": body, "more_body": False},
    ]
