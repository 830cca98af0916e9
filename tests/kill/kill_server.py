"""A real `tocsin serve` in its own processes, and the ways in which it is killed."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import yaml
from kill_http import LOST, Wire

from tocsin.kernel import postgres
from tocsin.kernel.postgres_cluster import Cluster

READY_LIMIT_S = 15.0
POLL_S = 0.03
PORTS = range(20_000, 30_000)  # below those that outgoing connections take meanwhile

ORGANISATION = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: maya@acme.example}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: jonas}
spec: {displayName: Jonas Weber, contact: [{type: email, address: jonas@acme.example}]}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-01-05T09:00", every: week, people: [maya, jonas]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps:
    - {targets: [{schedule: primary}], timeout: 4s}
    - {targets: [{person: maya}, {person: jonas}], timeout: 1h}
  catchAll: [{person: jonas}]
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: default}
spec: {groupBy: [service], groupInterval: 5s, policy: default}
---
apiVersion: tocsin/v1
kind: Integration
metadata: {name: webhook}
spec:
  type: webhook
  mapping:
    items: event.sent
    dedupKey: item.id
    firing: item.on
    labels: item.labels
    annotations: {post: item.post}
"""


def free_port(rng: Random) -> int:
    """Find a port that nothing listens on, and that stays free while its server is dead."""
    while True:
        port = rng.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


async def until(
    condition: Callable[[], Awaitable[bool]], *, limit_s: float, what: str
) -> float:
    """Ask again and again; return after how many seconds the answer was yes."""
    began = time.monotonic()
    while not await condition():
        if time.monotonic() - began > limit_s:
            raise AssertionError(f"not within {limit_s:g} s: {what}")
        await asyncio.sleep(POLL_S)
    return time.monotonic() - began


async def are_gone(pids: Sequence[int]) -> bool:
    """Say whether these processes have all ended."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def _is_worker(pid: str) -> bool:
    try:
        return b"\0--worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class Tocsin:
    """One installation: a data directory, a port, and the processes of the moment."""

    def __init__(
        self, home: Path, port: int, *, host: str = "127.0.0.1", **settings: str
    ) -> None:
        self.home = home
        self.port = port
        self.host = host
        self.prefix: tuple[str, ...] = ()  # of the command that starts it
        self.cluster = Cluster(home.resolve())
        self.log = home.with_suffix(".log")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
        wanted = {"TOCSIN_DATA_DIR": str(home), "TOCSIN_PORT": str(port)} | settings
        self.environ = inherited | wanted
        self.main: subprocess.Popen[bytes] | None = None
        self.workers = 0
        self.admin = Wire(port, host=host)

    def start(self, *, workers: int = 1) -> None:
        """Start the server; the embedded database is started by it where it is dead."""
        options = ["--workers", str(workers)] if workers > 1 else []
        self.workers = workers
        with self.log.open("ab") as output:
            self.main = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "tocsin", "serve", *options],
                stdout=output, stderr=output, env=self.environ, start_new_session=True,
            )  # fmt: skip

    def run(self, *arguments: str) -> str:
        """Run a command of the CLI beside the server and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", *arguments],
            check=True, stdout=subprocess.PIPE, env=self.environ, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    async def is_ready(self) -> bool:
        """Ask over a fresh connection whether alerts can be taken and pages sent."""
        if self.main is not None and self.main.poll() is not None:
            raise AssertionError(f"the server ended by itself:\n{self.tail()}")
        wire = Wire(self.port, host=self.host)
        try:
            return (await wire.ask("GET", "/health/ready", limit_s=5)).status == 200
        except LOST:
            return False
        finally:
            wire.drop()

    async def until_ready(self, limit_s: float = READY_LIMIT_S) -> float:
        """Wait until it says it is ready; return how long that took."""
        try:
            return await until(self.is_ready, limit_s=limit_s, what="ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from error

    async def furnish(self) -> None:
        """Make an admin's token and apply the organisation."""
        self.admin.token = await asyncio.to_thread(
            self.run, "token", "create", "kill-admin", "--role", "admin", "--rate", "unlimited"
        )
        documents = [one for one in yaml.safe_load_all(ORGANISATION) if one]
        await self.tell("POST", "/api/v1/resources/apply", {"documents": documents})

    async def tell(self, method: str, path: str, body: object = None) -> Any:
        """Ask as the admin and insist on success."""
        answer = await self.admin.ask(method, path, body)
        assert answer.status in (200, 201), f"{path}: {answer.status} {answer.body.decode()}"
        return answer.json()

    async def tell_alerts(self, alerts: list[dict[str, object]]) -> None:
        """Post alerts as the admin and insist on success."""
        answer = await self.admin.ask("POST", "/api/v2/alerts", alerts)
        assert answer.status == 200, f"{answer.status} {answer.body.decode()}"

    def children(self) -> list[int]:
        """The worker processes of a server with several; its postmaster is none."""
        assert self.main is not None
        path = Path(f"/proc/{self.main.pid}/task/{self.main.pid}/children")
        found = path.read_text().split() if path.exists() else []
        return [int(pid) for pid in found if _is_worker(pid)]

    def kill_all(self) -> None:
        """SIGKILL every process of the server at once; the postmaster is none of them."""
        assert self.main is not None
        os.killpg(self.main.pid, signal.SIGKILL)
        self.main.wait()

    def kill_parent(self) -> None:
        """SIGKILL the parent of several workers alone."""
        assert self.main is not None
        self.main.kill()
        self.main.wait()

    def kill_worker(self, rng: Random) -> None:
        """SIGKILL one of several workers."""
        workers = self.children()
        assert len(workers) == self.workers, workers
        with suppress(ProcessLookupError):
            os.kill(rng.choice(workers), signal.SIGKILL)

    def kill_postmaster(self) -> int | None:
        """SIGKILL PostgreSQL's first process; return its number, None where there was none."""
        living = self.cluster.postmaster()
        if living is None:
            return None
        with suppress(ProcessLookupError):
            os.kill(living.pid, signal.SIGKILL)
        return living.pid

    async def stop(self, *, limit_s: float = 5.0) -> tuple[int, float]:
        """SIGTERM; return the exit code and how many seconds the end took."""
        assert self.main is not None
        began = time.monotonic()
        self.main.terminate()
        code = await asyncio.to_thread(self.main.wait, limit_s)
        took_s = time.monotonic() - began
        self.main = None
        return code, took_s

    def clear(self) -> None:
        """End whatever still runs, and remove the data."""
        if self.main is not None:
            with suppress(ProcessLookupError):
                self.kill_all()
        postgres.leave(self.home)
        postgres.stop(self.home)
        shutil.rmtree(self.home, ignore_errors=True)
        if self.cluster.socket_dir != self.cluster.pgdata:
            shutil.rmtree(self.cluster.socket_dir, ignore_errors=True)

    def tail(self) -> str:
        """The end of what the server has said."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""
