"""Pings of jobs while others flood, and all at the full minute: each is answered once it is kept."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
from _lab import Tocsin, finish, tocsin
from _report import figure, percentiles, report

CLAIM = (
    "While four integrations send all they can, pings of 200 jobs are answered, p99 within 0.5 s,"
    " and none is refused; 1,000 jobs that ping in the same instant are answered within 2 s."
)
JOBS = 1_000
QUIET_JOBS = 200
FLOODS = 4
BATCH = 64
CONNECTIONS = 64
AT_ONCE = 50  # connections by which the full minute comes
FLOOD = Path(__file__).with_name("_flood.py")
JOB = """
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {{name: job-{n}}}
spec: {{every: 1h}}
"""
# a key is 32 characters; for this, the digits of the id will do
KEYS = """
    UPDATE signals.heartbeats
       SET key_hash = sha256(replace(id::text, '-', '')::bytea), key_made_at = now()
    RETURNING replace(id::text, '-', '')
"""


class Pinger:
    """Pings over connections that stay."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.took_s: list[float] = []
        self.statuses: Counter[str] = Counter()

    async def on_time(self, keys: list[str], seconds: float) -> None:
        """Ping one key after another, each once a second at most, for `seconds`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        began_s, rate = time.perf_counter(), 40.0
        for nth in range(int(seconds * rate)):
            await asyncio.sleep(max(0.0, began_s + nth / rate - time.perf_counter()))
            await self._ping(reader, writer, keys[nth % len(keys)])
        writer.close()

    async def at_once(self, keys: list[str]) -> float:
        """Ping all keys over AT_ONCE connections; return how long that took, in seconds."""
        began_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for nth in range(AT_ONCE):
                group.create_task(self._some(keys[nth::AT_ONCE]))
        return time.perf_counter() - began_s

    async def _some(self, keys: list[str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for key in keys:
            await self._ping(reader, writer, key)
        writer.close()

    async def _ping(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str
    ) -> None:
        sent_s = time.perf_counter()
        writer.write(f"GET /heartbeat/{key} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
        await reader.readexactly(length)
        self.took_s.append(time.perf_counter() - sent_s)
        self.statuses[head[9:12]] += 1


def prepare(server: Tocsin) -> list[str]:
    """Make the jobs; return their keys."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as document:
        document.write("---".join(JOB.format(n=n) for n in range(JOBS)))
        document.flush()
        server.cli("apply", "-f", document.name)
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        return [row[0] for row in connection.execute(KEYS).fetchall()]


async def measure(server: Tocsin, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the pings saw, and what the flood did."""
    keys = prepare(server)
    port = int(server.url.rpartition(":")[2])
    tokens = ",".join(server.make_token(f"flood-{n}") for n in range(FLOODS))
    words = {
        "url": server.url, "tokens": tokens, "rate": 0, "seconds": seconds, "batch": BATCH,
        "connections": CONNECTIONS,
    }  # fmt: skip
    flood = subprocess.Popen(
        [sys.executable, FLOOD, *(f"--{name}={value}" for name, value in words.items())],
        stdout=subprocess.PIPE,
        text=True,
    )
    quiet = Pinger(port)
    await asyncio.sleep(2)
    await quiet.on_time(keys[:QUIET_JOBS], seconds - 4)
    found = await asyncio.to_thread(finish, flood)
    await asyncio.to_thread(server.wait_sorted, 60)
    burst = Pinger(port)
    burst_s = await burst.at_once(keys)
    seen = {
        "answer_ms": percentiles(quiet.took_s),
        "statuses": dict(quiet.statuses),
        "burst_s": round(burst_s, 2),
        "burst_statuses": dict(burst.statuses),
    }
    return seen, found


def main() -> int:
    """Measure, and print the line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=20.0)
    seconds = words.parse_args().seconds
    with tocsin() as server:
        seen, flood = asyncio.run(measure(server, seconds))
    refused = sum(
        count
        for statuses in (seen["statuses"], seen["burst_statuses"])
        for status, count in statuses.items()
        if status != "200"
    )
    figures = {
        "answer_p99_ms": figure(seen["answer_ms"]["p99"], at_most=500),
        "refused": figure(refused, at_most=0),
        "burst_s": figure(seen["burst_s"], at_most=2),
    }
    return report("heartbeats", CLAIM, figures, seen=seen, flood=flood)


if __name__ == "__main__":
    sys.exit(main())
