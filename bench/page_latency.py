"""From POST to the first attempt over loopback SMTP, at 50 alerts/s that each page somebody."""

import asyncio
import json
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

from _lab import Tocsin, tocsin
from _report import cpu_us, figure, percentiles, report

CLAIM = (
    "At 50 alerts/s, each an incident and a page of its own, from POST to the first SMTP"
    " attempt p50 <= 50 ms and p99 <= 250 ms."
)
RATE = 50.0
PAGES = 1_200
WARM_UP = 25  # pages of an integration that is not counted
PER_INTEGRATION = 25  # below the 30 new incidents a minute that are a storm
CONNECTIONS = 8
SETTLE_S = 10.0
RUNS = 3
ORGANISATION = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: bench}
spec:
  displayName: Bench
  timezone: UTC
  contact: [{type: email, address: bench@example.org}]
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps: [{targets: [{person: bench}], timeout: 1h}]
  repeat: 0
  catchAll: [{person: bench}]
"""
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
_SERIAL = re.compile(rb"svc-(\d{6})")


class Mailbox:
    """An SMTP server that notes when it was asked to take a mail, and when it had it."""

    def __init__(self) -> None:
        self.attempted_s: dict[int, float] = {}
        self.delivered_s: dict[int, float] = {}
        self.mails = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak as much SMTP as a client needs."""
        writer.write(b"220 bench\r\n")
        asked_s = 0.0
        while line := await reader.readline():
            match line[:4].upper():
                case b"MAIL":
                    asked_s = time.perf_counter()
                    writer.write(b"250 ok\r\n")
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    self._note(await reader.readuntil(b"\r\n.\r\n"), asked_s)
                    writer.write(b"250 kept\r\n")
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 ok\r\n")
        writer.close()

    def _note(self, mail: bytes, asked_s: float) -> None:
        self.mails += 1
        if found := _SERIAL.search(mail):
            serial = int(found.group(1))
            self.attempted_s.setdefault(serial, asked_s)
            self.delivered_s.setdefault(serial, time.perf_counter())


async def post(tokens: Sequence[str], port: int, count: int, first: int) -> dict[int, float]:
    """Post `count` alerts on a timetable and return when each that was taken was sent."""
    sent_s: dict[int, float] = {}
    began_s = time.perf_counter()

    async def sender(turn: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for nth in range(turn, count, CONNECTIONS):
            await asyncio.sleep(max(0.0, began_s + nth / RATE - time.perf_counter()))
            serial = first + nth
            labels = {
                "alertname": "Down",
                "service": f"svc-{serial:06d}",
                "severity": "critical",
            }
            body = json.dumps([{"labels": labels, "annotations": {"summary": "It is down."}}])
            sent_s[serial] = time.perf_counter()
            writer.write(
                "POST /api/v2/alerts HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {tokens[nth // PER_INTEGRATION]}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if length := _LENGTH.search(head):
                await reader.readexactly(int(length.group(1)))
            if not head.startswith(b"HTTP/1.1 200"):
                del sent_s[serial]
        writer.close()

    await asyncio.gather(*(sender(turn) for turn in range(CONNECTIONS)))
    return sent_s


def prepare(server: Tocsin) -> list[str]:
    """Apply the organisation and make as many integrations as no storm guard minds."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as document:
        document.write(ORGANISATION)
        document.flush()
        server.cli("apply", "-f", document.name)
    admin = server.cli("token", "create", "bench-admin", "--role", "admin")
    return [
        _make_token(server, admin, f"bench-{n}")
        for n in range((PAGES + WARM_UP) // PER_INTEGRATION + 1)
    ]


def _make_token(server: Tocsin, admin: str, name: str) -> str:
    request = urllib.request.Request(
        f"{server.url}/api/v1/tokens",
        json.dumps({"name": name, "role": "integration"}).encode(),
        {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["token"])


async def measure() -> dict[str, Any]:
    """Run a fresh Tocsin under the load once."""
    mailbox = Mailbox()
    smtp = await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)
    smtp_port = smtp.sockets[0].getsockname()[1]
    with tocsin(smtp_url=f"smtp://127.0.0.1:{smtp_port}?starttls=never") as server:
        tokens = await asyncio.to_thread(prepare, server)
        port = int(server.url.rpartition(":")[2])
        await post(tokens[-1:], port, WARM_UP, 900_000)
        before = server.usage()
        sent_s = await post(tokens, port, PAGES, 0)
        give_up_at = time.monotonic() + SETTLE_S
        while not sent_s.keys() <= mailbox.delivered_s.keys() and time.monotonic() < give_up_at:
            await asyncio.sleep(0.05)
        after = server.usage()
        smtp.close()
    paged = sent_s.keys() & mailbox.delivered_s.keys()
    return {
        "pages": len(paged),
        "refused": PAGES - len(sent_s),
        "missing": len(sent_s) - len(paged),
        "twice": mailbox.mails - len(mailbox.delivered_s),
        "attempt_ms": percentiles([mailbox.attempted_s[n] - sent_s[n] for n in paged]),
        "delivered_ms": percentiles([mailbox.delivered_s[n] - sent_s[n] for n in paged]),
        "cpu_us_a_page": cpu_us(before, after, len(sent_s)),
    }


def main() -> int:
    """Report the medians of the runs."""
    runs = [asyncio.run(measure()) for _ in range(RUNS)]
    middle = sorted(runs, key=lambda run: run["attempt_ms"]["p99"])[RUNS // 2]
    figures = {
        "p50_ms": figure(middle["attempt_ms"]["p50"], at_most=50),
        "p99_ms": figure(middle["attempt_ms"]["p99"], at_most=250),
        "pages": figure(min(run["pages"] for run in runs), at_least=1_000),
        "refused": figure(sum(run["refused"] for run in runs), at_most=0),
        "missing": figure(sum(run["missing"] for run in runs), at_most=0),
        "twice": figure(sum(run["twice"] for run in runs), at_most=0),
    }
    return report("page_latency", CLAIM, figures, runs=runs)


if __name__ == "__main__":
    sys.exit(main())
