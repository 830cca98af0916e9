"""Offers more than a server takes, from several integrations; prints one JSON line.

Requests are due on a timetable, whatever the server answers. One that is due while all
connections wait for their answers is counted as held back: that is TCP's refusal.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from urllib.parse import urlsplit

import uvloop
from _load import SERIAL, alert
from typing_extensions import override

BODIES = 100  # of each integration; the alerts come round again
NO_ANSWER_S = 30.0


def bodies(name: str, batch: int) -> list[bytes]:
    """Return bodies of `batch` alerts each, no alert twice."""
    text = json.dumps([alert(name, 0)] * batch, separators=(",", ":")).encode()
    pattern = text.replace(b"%", b"%%").replace(SERIAL, b"%012d")
    repeats = text.count(SERIAL) // batch
    return [
        pattern % tuple(first + n for n in range(batch) for _ in range(repeats))
        for first in range(0, BODIES * batch, batch)
    ]


class Counts:
    """What was answered."""

    def __init__(self) -> None:
        self.by_status: dict[str, int] = {}
        self.without_retry_after = 0
        self.lost = 0  # connections that ended with a request under way

    def answered(self, head: bytes) -> None:
        """Note the head of one answer."""
        status = head[9:12].decode("ascii", "replace")
        self.by_status[status] = self.by_status.get(status, 0) + 1
        if status in ("429", "503") and b"\r\nretry-after:" not in head.lower():
            self.without_retry_after += 1


class Connection(asyncio.Protocol):
    """One keep-alive connection of one integration."""

    def __init__(self, flood: "Flood", token: str, name: str) -> None:
        self._flood = flood
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._is_waiting = False
        self._requests = flood.requests(token, name)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport  # type: ignore[assignment]
        self._flood.is_free(self)

    def send(self, nth: int) -> None:
        """Send one of the requests."""
        self._is_waiting = True
        self._transport.write(self._requests[nth % len(self._requests)])  # type: ignore[union-attr]

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end]
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = b""
        self._is_waiting = False
        self._flood.counts.answered(head)
        self._flood.waiting -= 1
        self._flood.is_free(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._flood.is_lost(self, is_waiting=self._is_waiting)


class Flood:
    """Keeps the timetable."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self._made: dict[str, list[bytes]] = {}
        self.counts = Counts()
        self.waiting = 0
        self._free: list[Connection] = []
        self._lost = 0

    def requests(self, token: str, name: str) -> list[bytes]:
        """Return all requests of one integration; made once."""
        if name not in self._made:
            head = (
                f"POST /api/v2/alerts HTTP/1.1\r\nHost: {urlsplit(self.options.url).netloc}\r\n"
                f"Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n"
            )
            self._made[name] = [
                f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
                for body in bodies(name, self.options.batch)
            ]
        return self._made[name]

    async def run(self) -> dict[str, object]:
        """Offer it all and return what was answered."""
        options, tokens = self.options, self.options.tokens.split(",")
        loop = asyncio.get_running_loop()
        url = urlsplit(options.url)
        for nth in range(options.connections):
            at = nth % len(tokens)
            connection = Connection(self, tokens[at], f"flood-{at}")
            await loop.create_connection(lambda one=connection: one, url.hostname, url.port)  # type: ignore[misc]
        interval_s = options.batch / options.rate if options.rate else 0.0
        began_s, due, sent = time.perf_counter(), 0, 0
        while (elapsed_s := time.perf_counter() - began_s) < options.seconds:
            reached = int(elapsed_s / interval_s) if interval_s else due + len(self._free)
            held_back = max(0, reached - due - len(self._free))
            due += held_back
            while due < reached and self._free:
                self.waiting += 1
                self._free.pop(0).send(sent)
                due, sent = due + 1, sent + 1
            await asyncio.sleep(0.001)
        give_up_s = time.perf_counter() + NO_ANSWER_S
        while self.waiting and time.perf_counter() < give_up_s:
            await asyncio.sleep(0.01)
        return {
            "elapsed_s": round(elapsed_s, 2),
            "due": due * options.batch,
            "sent": sent * options.batch,
            "accepted": self.counts.by_status.get("200", 0) * options.batch,
            "answers": self.counts.by_status,
            "without_retry_after": self.counts.without_retry_after,
            "unanswered": self.waiting,
            "lost_connections": self._lost,
            "client_cpu_s": round(time.process_time(), 2),
        }

    def is_free(self, connection: Connection) -> None:
        """Take a connection that may send again."""
        self._free.append(connection)

    def is_lost(self, connection: Connection, *, is_waiting: bool) -> None:
        """Go on without a connection that the server has closed."""
        self._lost += 1
        self.waiting -= is_waiting
        if connection in self._free:
            self._free.remove(connection)


def main() -> int:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--tokens", required=True, help="comma-separated, one an integration")
    parser.add_argument("--rate", type=float, default=0, help="alerts/s; 0: closed loop")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()

    async def drive() -> dict[str, object]:
        return await Flood(options).run()

    print(json.dumps(uvloop.run(drive())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
