"""What a connection may cost before a request is complete: number, size and time."""

import asyncio
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTIONS_MAX = 1_000
HEAD_BYTES_MAX = 64 * 1024


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which itself waits for ever and keeps whatever comes."""

    connections_max = CONNECTIONS_MAX
    head_s = 30.0  # from the connection, or the first byte of a request, to the end of its head
    body_s = 60.0  # from there to the end of its body

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self._head_bytes = 0
        self._is_head = True
        self._late_at: float | None = None  # loop time; None: nothing is waited for
        self._timer: asyncio.TimerHandle | None = None

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
        if self._late_at is None:
            self._wait(self.head_s)
        super().data_received(data)
        if self._is_head and self._late_at is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._end(b"431 Request Header Fields Too Large")

    @override
    def on_headers_complete(self) -> None:
        self._is_head, self._head_bytes = False, 0
        self._wait(self.body_s)
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._is_head, self._late_at = True, None
        super().on_message_complete()

    def _wait(self, seconds: float) -> None:
        """Set when it is too late; one timer serves many requests, which costs them nothing."""
        self._late_at = self.loop.time() + seconds
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._late_at is None:
            return
        left_s = self._late_at - self.loop.time()
        if left_s > 0:
            self._timer = self.loop.call_later(left_s, self._look)
        else:
            self._is_late()

    def _is_late(self) -> None:
        if not self.transport.is_closing():
            self._end(b"408 Request Timeout")

    def _end(self, status: bytes, more: bytes = b"") -> None:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        answering = cycle is not None and cycle.response_started
        if not answering:
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\nconnection: close\r\n" + more
                + b"content-length: 0\r\n\r\n"
            )  # fmt: skip
        self.transport.close()
