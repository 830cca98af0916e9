"""What every door of intake needs of ASGI: the types, the body, the bearer token."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from tocsin.kernel.errors import TooLarge, Unauthenticated, Unavailable

READING_MAX = 64 * 1024 * 1024
UNSAID_BYTES = 64 * 1024
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
Answer = tuple[int, bytes, Headers]
ANSWER = "tocsin.answer"  # our own ASGI extension: (status, headers, body) in one piece


def answer(
    scope: Scope, send: Send, status: int, headers: Headers, body: bytes
) -> Awaitable[None]:
    """Send a whole answer, in one piece where the server can; it says how long `body` is."""
    in_one_piece = scope.get("extensions", {}).get(ANSWER)
    if in_one_piece is None:
        return _answer_by(send, status, headers, body)
    sent: Awaitable[None] = in_one_piece(status, headers, body)
    return sent


async def _answer_by(send: Send, status: int, headers: Headers, body: bytes) -> None:
    lines = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def read(receive: Receive, size_max: int) -> bytes:
    """Return a request's body. Raises TooLarge, or Unavailable when the sender is gone."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Unavailable("the sender went away")
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > size_max:
            raise _too_large(size_max)
        return body
    with _reading.hold() as held:
        parts = [body]
        held.add(len(body))
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Unavailable("the sender went away")
            parts.append(message.get("body", b""))
            if held.add(len(parts[-1])) > size_max:
                raise _too_large(size_max)
        return b"".join(parts)


class _Reading:
    """The bodies that are being read, in bytes; all of them together are bounded."""

    def __init__(self) -> None:
        self.size = 0

    @contextmanager
    def hold(self) -> "Iterator[_Held]":
        held = _Held(self)
        try:
            yield held
        finally:
            self.size -= held.size


class _Held:
    def __init__(self, reading: _Reading) -> None:
        self.size = 0
        self._reading = reading

    def add(self, size: int) -> int:
        """Count what has come of one body; return how much it is. Raises Unavailable."""
        self.size += size
        self._reading.size += size
        if self._reading.size > READING_MAX:
            raise Unavailable("too many bodies are being read at once", retry_after_s=1)
        return self.size


_reading = _Reading()


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """Return a request's headers by their names in lower case; of several the first."""
    return dict(reversed(scope["headers"]))


def bearer(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the token of `Authorization`. Raises Unauthenticated for another scheme."""
    said = headers.get(b"authorization")
    if said is None:
        return None
    scheme, _, secret = said.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("send `Authorization: Bearer <token>`")
    return secret


def header(scope: Scope, wanted: bytes) -> str:
    """Return the value of a header, "" when it is not there; `wanted` is in lower case."""
    return headers_of(scope).get(wanted, b"").decode("latin-1").strip()


def length(headers: Mapping[bytes, bytes]) -> int:
    """Return how long a body is said to be; one that does not say so is taken for a large one."""
    said = headers.get(b"content-length", b"").strip()
    return int(said) if said.isdigit() else UNSAID_BYTES


def _too_large(size_max: int) -> TooLarge:
    return TooLarge(f"the body is larger than {size_max} bytes; send fewer alerts at once")
