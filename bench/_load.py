"""Sends alerts to an Alertmanager v2 endpoint from a process of its own; prints one JSON line.

A closed loop by default: each connection sends, waits for the answer, sends the next. With
`--rate` requests are due on a timetable and latency counts from the due time, so that a server
that stalls cannot hide it. Bodies are filled in from a template with fixed-width serial numbers,
so the client spends little time on each. A 2xx counts as success; whether it means "on disk"
(Tocsin) or "in memory" (Alertmanager) is nothing a client can see.
"""

import argparse
import array
import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from urllib.parse import urlsplit

import uvloop
from typing_extensions import override

SERIAL = b"~~~~SERIAL~~"  # 12 characters, replaced by %012d
CONNECT_TRIES = 20


def alert(run: str, ends_in_s: int) -> dict[str, object]:
    """Return an alert as Prometheus sends it, about 600 bytes of JSON; 0: without an end."""
    serial = SERIAL.decode()
    end = {"endsAt": instant(time.time() + ends_in_s)} if ends_in_s else {}
    return {
        "labels": {
            "alertname": "HighRequestLatency",
            "cluster": "eu-west-1",
            "instance": f"node-{serial}:9100",
            "job": "checkout-api",
            "run": run,
            "service": "checkout",
            "severity": "critical",
        },
        "annotations": {
            "summary": f"p99 latency above 800 ms on node-{serial}",
            "description": "The 99th percentile of request latency has been above its"
            " threshold for ten minutes.",
            "runbook_url": "https://runbooks.example.org/high-request-latency",
        },
        "startsAt": instant(time.time()),
        **end,
        "generatorURL": "http://prometheus.example.org/graph?g0.expr=latency",
    }


def instant(seconds: float) -> str:
    """Write a Unix time as RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Requests:
    """Makes whole HTTP requests; with `distinct`, the alerts come round again after so many."""

    def __init__(self, options: argparse.Namespace) -> None:
        url = urlsplit(options.url)
        alerts = [alert(options.run, options.ends_in_s)] * options.batch
        body = json.dumps(alerts, separators=(",", ":")).encode()
        head = [
            "POST /api/v2/alerts HTTP/1.1",
            f"Host: {url.netloc}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        if options.token:
            head.append(f"Authorization: Bearer {options.token}")
        request = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        self._pattern = request.replace(b"%", b"%%").replace(SERIAL, b"%012d")
        self._repeats = body.count(SERIAL) // options.batch
        self._batch = options.batch
        self._distinct = options.distinct
        self._next = options.first
        self.body_bytes = len(body)

    def make(self) -> bytes:
        """Return the next request."""
        first = self._next
        self._next += self._batch
        serials = list(range(first, first + self._batch))
        if self._distinct:
            serials = [serial % self._distinct for serial in serials]
        return self._pattern % tuple(n for n in serials for _ in range(self._repeats))


class Connection(asyncio.Protocol):
    """One keep-alive connection; tells the driver when it may send again."""

    def __init__(self, driver: "Driver") -> None:
        self._driver = driver
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._began_ns = 0
        self.is_waiting = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport  # type: ignore[assignment]
        self._driver.is_free(self)

    def send(self, request: bytes, began_ns: int) -> None:
        """Send; latency counts from `began_ns`."""
        self._began_ns = began_ns
        self.is_waiting = True
        self._transport.write(request)  # type: ignore[union-attr]

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        stop = head.find(b"\r\n", at)
        length = int(head[at + 15 : stop if stop >= 0 else None]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        answer, self._buffer = self._buffer, b""
        self.is_waiting = False
        self._driver.answered(answer, time.perf_counter_ns() - self._began_ns)
        self._driver.is_free(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.is_lost(self)


class Driver:
    """Keeps the connections busy until the asked number of requests is answered."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._requests = Requests(options)
        self._left = -(-options.alerts // options.batch)
        self._waiting = 0
        self._free: list[Connection] = []
        self._due_ns: list[int] = []
        self._running = False
        self._done = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self.latency_ns = array.array("Q")
        self.ok = 0
        self.errors: dict[str, int] = {}

    async def run(self) -> dict[str, object]:
        """Drive the load and return what was measured."""
        options = self._options
        await asyncio.gather(*(self._connect() for _ in range(options.connections)))
        began_ns, cpu_s = time.perf_counter_ns(), time.process_time()
        self._running = True
        if options.rate:
            self._tasks.add(asyncio.create_task(self._timetable(began_ns)))
        else:
            waiting, self._free = self._free, []
            for connection in waiting:
                self._send(connection, 0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done, options.max_seconds)
        self._running = False
        elapsed_s = (time.perf_counter_ns() - began_ns) / 1e9
        ordered = sorted(self.latency_ns)
        alerts = self.ok * options.batch
        return {
            "alerts": alerts,
            "elapsed_s": round(elapsed_s, 3),
            "alerts_per_s": round(alerts / elapsed_s, 1),
            "p50_ms": percentile(ordered, 0.5),
            "p99_ms": percentile(ordered, 0.99),
            "max_ms": percentile(ordered, 1.0),
            "errors": self.errors,
            "unanswered": self._waiting,
            "body_bytes": self._requests.body_bytes,
            "client_cpu_s": round(time.process_time() - cpu_s, 2),
        }

    def is_free(self, connection: Connection) -> None:
        """Give a connection its next request, or keep it for when one is due."""
        if not self._running or (self._options.rate and not self._due_ns):
            self._free.append(connection)
        else:
            self._send(connection, self._due_ns.pop(0) if self._options.rate else 0)

    def answered(self, answer: bytes, latency_ns: int) -> None:
        """Count an answer."""
        self.latency_ns.append(latency_ns)
        if answer[9:10] == b"2":
            self.ok += 1
        else:
            self._failed(answer[9:12].decode("ascii", "replace"))
        self._waiting -= 1
        self._maybe_done()

    def is_lost(self, connection: Connection) -> None:
        """Replace a connection that the server has closed."""
        if connection.is_waiting:
            self._failed("connection lost")
            self._waiting -= 1
            self._maybe_done()
        if connection in self._free:
            self._free.remove(connection)
        if self._running:
            self._tasks.add(asyncio.create_task(self._connect()))

    def _failed(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1

    async def _connect(self) -> None:
        url = urlsplit(self._options.url)
        for attempt in range(CONNECT_TRIES):
            try:
                await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self), url.hostname, url.port
                )
            except OSError:
                await asyncio.sleep(0.01 * (attempt + 1))
            else:
                return
        self._failed("cannot connect")

    def _send(self, connection: Connection, due_ns: int) -> None:
        if self._left <= 0:
            self._maybe_done()
            return
        self._left -= 1
        self._waiting += 1
        connection.send(self._requests.make(), due_ns or time.perf_counter_ns())

    def _maybe_done(self) -> None:
        if self._left <= 0 and self._waiting <= 0 and not self._done.done():
            self._done.set_result(None)

    async def _timetable(self, began_ns: int) -> None:
        interval_ns = 1e9 * self._options.batch / self._options.rate
        made = 0
        while self._left > len(self._due_ns):
            now_ns = time.perf_counter_ns()
            while made * interval_ns <= now_ns - began_ns and self._left > len(self._due_ns):
                due_ns = int(began_ns + made * interval_ns)
                made += 1
                if self._free:
                    self._send(self._free.pop(), due_ns)
                else:
                    self._due_ns.append(due_ns)
            await asyncio.sleep(0.001)


def percentile(ordered: list[int], share: float) -> float | None:
    """Return a percentile of sorted nanoseconds, in ms."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6, 2)


def main() -> int:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--distinct", type=int, default=0, help="0: every alert is new")
    parser.add_argument("--first", type=int, default=0, help="first serial number")
    parser.add_argument("--rate", type=float, default=0, help="alerts/s; 0: closed loop")
    parser.add_argument("--ends_in_s", type=int, default=0, help="0: alerts without an end")
    parser.add_argument("--run", default=f"{os.getpid():x}", help="goes into the labels")
    parser.add_argument("--max-seconds", type=float, default=300)
    options = parser.parse_args()

    async def drive() -> dict[str, object]:
        return await Driver(options).run()

    found = uvloop.run(drive())
    print(json.dumps(found))
    return 1 if found["errors"] or found["unanswered"] else 0


if __name__ == "__main__":
    sys.exit(main())
