"""How soon 200 open screens hear that something moved, from the unit's instant to the last byte."""

import asyncio
import json
import re
import sys
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any

from _lab import Tocsin, tocsin
from _report import figure, percentiles, report

CLAIM = "200 open screens hear of a change within 250 ms of its commit (p99)."
CLIENTS = 200
CHANGES = 100
PAUSE_S = 0.15
SETTLE_S = 15.0
_ID = re.compile(rb"id: (\d+)\n")
PERSON = {
    "apiVersion": "tocsin/v1",
    "kind": "Person",
    "metadata": {"name": "ada"},
}


class Screens:
    """Open streams, and when each heard of each record."""

    def __init__(self) -> None:
        self.open = 0
        self.heard: dict[int, list[float]] = {}

    async def watch(self, port: int, token: str) -> None:
        """Keep one stream open, and note what comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /live HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        await reader.readuntil(b"event: ping")
        self.open += 1
        try:
            while chunk := await reader.read(65_536):
                at = time.time()
                for seq in _ID.findall(chunk):
                    self.heard.setdefault(int(seq), []).append(at)
        finally:
            writer.close()


def change(server: Tocsin, token: str, number: int) -> None:
    """Move something that screens show."""
    document = PERSON | {"spec": {"displayName": f"Ada {number}"}}
    request = urllib.request.Request(
        f"{server.url}/api/v1/resources/apply",
        json.dumps({"documents": [document]}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


async def measure(server: Tocsin, token: str) -> dict[str, Any]:
    """Open the screens, change things, and compare instants; one machine has one clock."""
    screens = Screens()
    port = int(server.url.rpartition(":")[2])
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(screens.watch(port, token)) for _ in range(CLIENTS)]
        while screens.open < CLIENTS:
            await asyncio.sleep(0.05)
        first = int(server.ask("SELECT coalesce(max(seq), -1) FROM kernel.log"))
        for number in range(CHANGES):
            await asyncio.to_thread(change, server, token, number)
            await asyncio.sleep(PAUSE_S)
        give_up_at = time.monotonic() + SETTLE_S
        while time.monotonic() < give_up_at and _complete(screens, first) < CHANGES:
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
    return _compared(server, screens, first)


def _complete(screens: Screens, first: int) -> int:
    return sum(len(at) == CLIENTS for seq, at in screens.heard.items() if seq > first)


def _compared(server: Tocsin, screens: Screens, first: int) -> dict[str, Any]:
    """Return latencies from the instant the unit began, which is a little before its commit."""
    text = server.ask(
        "SELECT json_object_agg(seq, at) FROM kernel.log"
        f" WHERE kind = 'kernel.resources_applied' AND seq > {first}"
    )
    begun = {int(seq): datetime.fromisoformat(at).astimezone(UTC) for seq, at in text.items()}
    waits = [
        at - begun[seq].timestamp() for seq, found in screens.heard.items() if seq in begun
        for at in found
    ]  # fmt: skip
    return {
        "changes": len(begun),
        "received": len(waits),
        "expected": len(begun) * CLIENTS,
        "latency_ms": percentiles(waits),
    }


def main() -> int:
    """Run a fresh Tocsin under open screens."""
    with tocsin() as server:
        admin = server.cli("token", "create", "bench-admin", "--role", "admin")
        found = asyncio.run(measure(server, admin))
        usage = server.usage()["server"]
    figures = {
        "p99_ms": figure(found["latency_ms"]["p99"], at_most=250),
        "p50_ms": figure(found["latency_ms"]["p50"], at_most=150),
        "missing": figure(found["expected"] - found["received"], at_most=0),
    }
    return report(
        "sse", CLAIM, figures, clients=CLIENTS, **found, server_mb=round(usage.pss_mib, 1)
    )


if __name__ == "__main__":
    sys.exit(main())
