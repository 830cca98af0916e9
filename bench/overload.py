"""Ten times the sustainable load for minutes: what pages somebody is not late, nothing is lost."""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _lab import Tocsin, finish, tocsin
from _report import figure, percentiles, report
from page_latency import ORGANISATION, Mailbox, _make_token

CLAIM = (
    "Ten times the sustainable load from four integrations: a page of a quiet integration,"
    " from POST to the first SMTP attempt, p99 within 1.5 times of that at the sustainable"
    " load; nothing accepted is lost, memory stays flat, every refusal is 429 or"
    " 503 with Retry-After."
)
FLOODS = 4
BATCH = 64
CONNECTIONS = 64
QUIET = 10  # integrations; each stays below the 30 new incidents a minute that are a storm
QUIET_RATE = 4.0  # alerts/s in all
SUSTAINED_S = 20.0
SETTLE_S = 30.0
SORTED = "SELECT coalesce(sum(seen_count), 0) FROM triage.alerts WHERE labels ? 'run'"
FLOOD = Path(__file__).with_name("_flood.py")


class Quiet:
    """Sends an alert now and then, each of which pages somebody."""

    def __init__(self, port: int, tokens: Sequence[str]) -> None:
        self._port = port
        self._tokens = tokens
        self._next = 0
        self.sent_s: dict[int, float] = {}
        self.answer_s: dict[int, float] = {}
        self.refused: dict[str, int] = {}

    async def run(self, seconds: float) -> list[int]:
        """Send on a timetable for `seconds`; return the numbers of what was taken."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        began_s, taken = time.perf_counter(), []
        for nth in range(int(seconds * QUIET_RATE)):
            await asyncio.sleep(max(0.0, began_s + nth / QUIET_RATE - time.perf_counter()))
            if await self._send(reader, writer, self._next):
                taken.append(self._next)
            self._next += 1
        writer.close()
        return taken

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, serial: int
    ) -> bool:
        labels = {"alertname": "Down", "service": f"svc-{serial:06d}", "severity": "critical"}
        body = json.dumps([{"labels": labels, "annotations": {"summary": "It is down."}}])
        self.sent_s[serial] = time.perf_counter()
        writer.write(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self._tokens[serial % QUIET]}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        self.answer_s[serial] = time.perf_counter() - self.sent_s[serial]
        length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
        await reader.readexactly(length)
        if head.startswith("http/1.1 200"):
            return True
        self.refused[head[9:12]] = self.refused.get(head[9:12], 0) + 1
        return False


class Lab:
    """One server, its senders and its mailbox."""

    def __init__(self, server: Tocsin, mailbox: Mailbox) -> None:
        self._server = server
        self._mailbox = mailbox
        self._flood_tokens, quiet = prepare(server)
        self._quiet = Quiet(int(server.url.rpartition(":")[2]), quiet)

    def start(self, rate: float, seconds: float, connections: int) -> subprocess.Popen[str]:
        """Begin a flood."""
        words = {
            "url": self._server.url, "tokens": ",".join(self._flood_tokens), "rate": rate,
            "seconds": seconds, "batch": BATCH, "connections": connections,
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, FLOOD, *(f"--{name}={value}" for name, value in words.items())],
            stdout=subprocess.PIPE,
            text=True,
        )

    async def sustainable(self) -> float:
        """Return how many alerts a second are taken and sorted while senders do all they can."""
        client = self.start(0, SUSTAINED_S, CONNECTIONS)
        await asyncio.sleep(SUSTAINED_S / 4)
        first, began_s = await asyncio.to_thread(self._server.ask, SORTED), time.monotonic()
        await asyncio.sleep(SUSTAINED_S / 2)
        last = await asyncio.to_thread(self._server.ask, SORTED)
        rate = (last - first) / (time.monotonic() - began_s)
        self.accepted = (await asyncio.to_thread(finish, client))["accepted"]
        await asyncio.to_thread(self._server.wait_sorted, SETTLE_S)
        return float(rate)

    async def under(self, rate: float, seconds: float, connections: int) -> dict[str, Any]:
        """Send quiet alerts while a flood of `rate` alerts a second comes."""
        memory = [self._server.usage()["server"].pss_mib]
        client = self.start(rate, seconds, connections)
        quiet = asyncio.ensure_future(self._quiet.run(seconds))
        while not quiet.done():
            await asyncio.sleep(2)
            memory.append((await asyncio.to_thread(self._server.usage))["server"].pss_mib)
        found = await asyncio.to_thread(finish, client)
        self.accepted += found["accepted"]
        taken = await quiet
        sorted_s = await asyncio.to_thread(self._server.wait_sorted, SETTLE_S)
        give_up_at = time.monotonic() + SETTLE_S
        attempted = self._mailbox.attempted_s
        while not set(taken) <= attempted.keys() and time.monotonic() < give_up_at:
            await asyncio.sleep(0.05)
        paged = [one for one in taken if one in attempted]
        sent_s, half = self._quiet.sent_s, len(memory) // 2
        return {
            "flood": found,
            "quiet": {"taken": len(taken), "unpaged": len(taken) - len(paged)},
            "answer_ms": percentiles([self._quiet.answer_s[one] for one in taken]),
            "page_ms": percentiles([attempted[one] - sent_s[one] for one in paged]),
            "sorted_s": sorted_s,
            "memory_mib": {
                "first_half": round(max(memory[: half + 1]), 1),
                "second_half": round(max(memory[half:]), 1),
            },
        }  # fmt: skip

    def lost(self) -> int:
        """Return how many flood alerts were accepted and not sorted."""
        return int(self.accepted - self._server.ask(SORTED))


def prepare(server: Tocsin) -> tuple[list[str], list[str]]:
    """Apply the organisation and make the tokens: of the floods, and of the quiet ones."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as document:
        document.write(ORGANISATION)
        document.flush()
        server.cli("apply", "-f", document.name)
    admin = server.cli("token", "create", "bench-admin", "--role", "admin")
    floods = [_make_token(server, admin, f"flood-{n}") for n in range(FLOODS)]
    return floods, [_make_token(server, admin, f"quiet-{n}") for n in range(QUIET)]


async def measure(minutes: float, connections: int) -> dict[str, Any]:
    """Run a fresh Tocsin: what it sustains, the pages at half of it, at it, at ten times."""
    mailbox = Mailbox()
    smtp = await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)
    smtp_port = smtp.sockets[0].getsockname()[1]
    with tocsin(smtp_url=f"smtp://127.0.0.1:{smtp_port}?starttls=never") as server:
        lab = await asyncio.to_thread(Lab, server, mailbox)
        rate = await lab.sustainable()
        half = await lab.under(rate / 2, 60.0 * min(minutes, 2.0), CONNECTIONS)
        once = await lab.under(rate, 60.0 * min(minutes, 2.0), CONNECTIONS)
        full = await lab.under(rate * 10, 60.0 * minutes, connections)
        lost = await asyncio.to_thread(lab.lost)
        smtp.close()
    return {
        "sustainable": round(rate),
        "half": half,
        "sustained": once,
        "tenfold": full,
        "lost": lost,
    }


def main() -> int:
    """Report one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=256, help="of the flood")
    options = parser.parse_args()
    run = asyncio.run(measure(options.minutes, options.connections))
    half, once, full = run["half"], run["sustained"], run["tenfold"]
    answers = full["flood"]["answers"]
    strange = sum(n for status, n in answers.items() if status not in ("200", "429", "503"))
    strange += full["flood"]["without_retry_after"] + full["flood"]["lost_connections"]
    figures = {
        "p99_ratio": figure(
            round(full["page_ms"]["p99"] / max(once["page_ms"]["p99"], 1.0), 2), at_most=1.5
        ),
        "p99_half_ms": figure(half["page_ms"]["p99"], at_most=1_000),
        "p99_sustained_ms": figure(once["page_ms"]["p99"], at_most=1_000),
        "p99_tenfold_ms": figure(full["page_ms"]["p99"], at_most=1_000),
        "lost": figure(run["lost"], at_most=0),
        "unpaged": figure(
            sum(one["quiet"]["unpaged"] for one in (half, once, full)), at_most=0
        ),
        "strange_answers": figure(strange, at_most=0),
        "memory_growth_mib": figure(
            round(full["memory_mib"]["second_half"] - full["memory_mib"]["first_half"], 1),
            at_most=16,
        ),
        "memory_mib": figure(full["memory_mib"]["second_half"], at_most=256),
    }
    return report("overload", CLAIM, figures, minutes=options.minutes, run=run)


if __name__ == "__main__":
    sys.exit(main())
