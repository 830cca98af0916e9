"""What a connection may cost before a request is complete: number, size and time; and short answers.

uvicorn's own ways are kept for everything else. Every alert comes through here, so what is done
for each request is little: one timer a connection, and no header is built twice.
"""

import asyncio
from functools import lru_cache
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
)

from tocsin.web.inbound_body import ANSWER, Headers

CONNECTIONS_MAX = 1_000
HEAD_BYTES_MAX = 64 * 1024


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which itself waits for ever and keeps whatever comes."""

    connections_max = CONNECTIONS_MAX
    head_s = 30.0  # from the connection, or the first byte of a request, to the end of its head
    body_s = 60.0  # from there to the end of its body
    idle_s = 75.0  # from an answer to the next request

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self._head_bytes = 0
        self._is_head = True
        self._is_coming = True  # a request, of which some is to come yet
        self._late_at: float | None = None  # loop time; None: nothing is waited for
        self._timer: asyncio.TimerHandle | None = None
        self._answering: Any = (
            None  # the request whose task runs; of a connection only one does
        )
        self._extensions = {ANSWER: self._answer}

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            self._end(b"503 Service Unavailable", b"retry-after: 1\r\n")
            return
        self._wait(self.head_s)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if not self._is_coming:
            self._is_coming, self._late_at = True, None
        super().data_received(data)
        if self._is_coming and self._is_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._end(b"431 Request Header Fields Too Large")
        if self._late_at is None:
            self._wait_for_more()

    @override
    def on_headers_complete(self) -> None:
        self._is_coming, self._is_head, self._head_bytes = True, False, 0
        self._late_at = None
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._is_coming, self._is_head, self._late_at = False, True, None
        super().on_message_complete()

    @override
    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answering = cycle
        cycle.scope["extensions"] = self._extensions
        super()._start_asgi_task(cycle, app)

    @override
    def on_response_complete(self) -> None:
        """Begin the next request, or wait for one; uvicorn makes a timer for each."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._is_coming:
            self._wait(self.idle_s)

    async def _answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer in one piece."""
        cycle = self._answering
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        if not cycle.keep_alive:
            headers = (*headers, (b"connection", b"close"))
        head = b"%bcontent-length: %d\r\n\r\n" % (_head(status, headers), len(body))
        self.transport.write(head if cycle.scope["method"] == "HEAD" else head + body)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def _wait_for_more(self) -> None:
        """Set when it is too late for what has to come next, if it is not our turn."""
        if self._is_coming:
            self._wait(self.head_s if self._is_head else self.body_s)
        elif self.cycle.response_complete:  # before its request was
            self._wait(self.idle_s)

    def _wait(self, seconds: float) -> None:
        """Set when it is too late; one timer serves many requests, which costs them nothing."""
        self._late_at = self.loop.time() + seconds
        if self._timer is None:
            self._look_within(seconds)

    def _look_within(self, seconds: float) -> None:
        # never later than the shortest wait that may begin meanwhile
        self._timer = self.loop.call_later(min(seconds, self.head_s), self._look)

    def _look(self) -> None:
        self._timer = None
        if self._late_at is None:
            return
        left_s = self._late_at - self.loop.time()
        if left_s > 0:
            self._look_within(left_s)
        else:
            self._is_late()

    def _is_late(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_coming:
            self._end(b"408 Request Timeout")
        else:
            self.transport.close()

    def _end(self, status: bytes, more: bytes = b"") -> None:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        is_next = cycle is None or (self._is_head and cycle.response_complete)
        if is_next or not cycle.response_started:
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\nconnection: close\r\n" + more
                + b"content-length: 0\r\n\r\n"
            )  # fmt: skip
        self.transport.close()


@lru_cache(maxsize=256)
def _head(status: int, headers: Headers) -> bytes:
    """Write the head of an answer, as far as it is the same for many."""
    lines = [STATUS_LINE[status]]
    for name, value in headers:
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise ValueError(f"header {name!r} cannot be sent")
        lines += [name, b": ", value, b"\r\n"]
    return b"".join(lines)
