"""A PostgreSQL of the test's own that gets into trouble, and what a node says of it meanwhile."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psycopg
from kill_server import Tocsin, until
from nodes_lab import Node

from tocsin.kernel import postgres
from tocsin.kernel.postgres_cluster import Cluster

NOTICED_LIMIT_S = 20.0
SKEW_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(which, at);
    if (!failed && which == CLOCK_REALTIME) at->tv_sec += atoi(getenv("SKEW_S"));
    return failed;
}
"""


class Server:
    """A PostgreSQL that no node looks after."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.conninfo = ""

    def start(self) -> None:
        """Start it, or again."""
        self.conninfo = postgres.ensure(self.home)

    def stop(self) -> None:
        """Stop it as an administrator does."""
        postgres.stop(self.home)

    def administer(self, *statements: str) -> None:
        """Run statements as the superuser, also while everything is read-only."""
        admin = Cluster(self.home.resolve()).conninfo(user="postgres", database="postgres")
        options = "-c default_transaction_read_only=off"
        with psycopg.connect(admin, autocommit=True, options=options) as conn:
            for statement in statements:
                conn.execute(statement.encode())

    async def terminate_sessions(self, rng: Random, for_s: float) -> int:
        """End sessions of the nodes at random, whatever they do; return how many."""
        admin = Cluster(self.home.resolve()).conninfo(user="postgres", database="postgres")
        ended, until_s = 0, time.monotonic() + for_s
        with psycopg.connect(admin, autocommit=True) as conn:
            while time.monotonic() < until_s:
                rows = conn.execute(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE usename = 'tocsin' AND random() < 0.3
                    """
                ).fetchall()
                ended += len(rows)
                await asyncio.sleep(rng.uniform(0.05, 0.3))
        return ended


@contextmanager
def server(home: Path) -> Iterator[Server]:
    """Run one until the end of the block."""
    made = Server(home)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        postgres.leave(home)


@contextmanager
def small_disk(place: Path, size_mib: int) -> Iterator[Path]:
    """Mount a file system of a few MiB at `place`. Raises OSError where that is not allowed."""
    place.mkdir()
    options = f"size={size_mib}m,mode=0755"
    command = ["mount", "-t", "tmpfs", "-o", options, "tocsin-test", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        raise OSError("only root mounts file systems")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path) -> Path:
    """Take all room that is left at `place`; whoever deletes the file gives it back."""
    path = place / "filler"
    with path.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(1 << 20))
        except OSError:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                return path


def skewed(folder: Path, seconds: int) -> dict[str, str] | None:
    """Return the environment of a process whose wall clock is off; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    source, library = folder / "skew.c", folder / "skew.so"
    source.write_text(SKEW_SOURCE)
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return {"LD_PRELOAD": str(library), "SKEW_S": str(seconds)}


async def until_said(node: Tocsin, code: str, limit_s: float = NOTICED_LIMIT_S) -> float:
    """Wait until a node's readiness names `code`; return how long that took."""
    assert isinstance(node, Node)

    async def said() -> bool:
        return code in (await node.readiness()).get("codes", ())

    return await until(said, limit_s=limit_s, what=f"readiness says {code}")


async def doctor(node: Tocsin) -> tuple[int, str]:
    """Run `tocsin doctor` beside a node; return its exit code and what it said."""
    command: Sequence[str] = (sys.executable, "-m", "tocsin", "doctor")
    done = await asyncio.to_thread(
        subprocess.run,
        command, check=False, capture_output=True, env=node.environ, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def is_root() -> bool:
    """Say whether file systems can be mounted."""
    return os.geteuid() == 0
