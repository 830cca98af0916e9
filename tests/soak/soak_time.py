"""Time that goes faster: a library that Tocsin and PostgreSQL are started with, and its control.

What people and senders live by (the wall clock, and the one that goes on while a machine sleeps)
runs at a rate that the test sets, and may be put forward. What measures waits (the monotonic
clock) runs as ever, so that no timeout of a loop or a lock gets shorter.
"""

import mmap
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kill_server import until

from tocsin.kernel import postgres, postgres_account, postgres_cluster
from tocsin.kernel.postgres_cluster import Cluster
from tocsin.kernel.postgres_start import answers

START_LIMIT_S = 60.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#define SECOND 1000000000LL

static volatile struct { uint64_t turn; int64_t real_ns, told_ns, permille; } *control;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SOAK_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(0, 32, PROT_READ, MAP_SHARED, file, 0);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    if (found != MAP_FAILED) control = found;
    if (file >= 0) close(file);
}

static int64_t ahead_ns(void) {
    struct timespec at;
    int64_t now, told;
    uint64_t turn;
    real(CLOCK_REALTIME, &at);
    now = at.tv_sec * SECOND + at.tv_nsec;
    do {
        turn = control->turn;
        __sync_synchronize();
        told = control->told_ns + (now - control->real_ns) / 1000 * control->permille;
        __sync_synchronize();
    } while (turn & 1 || turn != control->turn);
    return told - now;
}

int clock_gettime(clockid_t which, struct timespec *at) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(which, at);
    if (failed || !control || (which != CLOCK_REALTIME && which != CLOCK_BOOTTIME)) return failed;
    int64_t ns = at->tv_sec * SECOND + at->tv_nsec + ahead_ns();
    at->tv_sec = ns / SECOND;
    at->tv_nsec = ns % SECOND;
    return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void) zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


class Warp:
    """The control: all processes that were started with `environ` see its time."""

    def __init__(self, folder: Path, at: datetime) -> None:
        source, self._library = folder / "warp.c", folder / "warp.so"
        source.write_text(SOURCE)
        command = [
            "cc",
            "-O2",
            "-shared",
            "-fPIC",
            "-o",
            str(self._library),
            str(source),
            "-ldl",
        ]
        subprocess.run(command, check=True, capture_output=True)
        self._path = folder / "clock"
        self._path.write_bytes(bytes(mmap.PAGESIZE))
        self._path.chmod(0o644)
        with self._path.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._turn = self._real_ns = self._told_ns = 0
        self.rate = 1.0
        self.put(at, rate=1.0)

    @property
    def environ(self) -> dict[str, str]:
        """What a process is started with."""
        return {"LD_PRELOAD": str(self._library), "SOAK_CLOCK": str(self._path)}

    def now(self) -> datetime:
        """Return what time they are told."""
        gone_ns = (time.time_ns() - self._real_ns) * round(self.rate * 1000) // 1000
        return EPOCH + timedelta(microseconds=(self._told_ns + gone_ns) / 1000)

    def put(self, at: datetime | None = None, *, rate: float | None = None) -> None:
        """Put the time to `at`, from which it goes on at `rate`; None leaves it as it is."""
        told = self.now() if at is None else at
        self.rate = self.rate if rate is None else rate
        self._real_ns = time.time_ns()
        self._told_ns = (told - EPOCH) // timedelta(microseconds=1) * 1000
        figures = (self._real_ns, self._told_ns, round(self.rate * 1000))
        self._turn += 1
        struct.pack_into("<Q", self._control, 0, self._turn)  # odd: being written
        struct.pack_into("<qqq", self._control, 8, *figures)
        self._turn += 1
        struct.pack_into("<Q", self._control, 0, self._turn)

    def real_s(self, told: timedelta) -> float:
        """Return how many seconds of ours `told` takes."""
        return told.total_seconds() / self.rate


def can_warp() -> bool:
    """Say whether there is a C compiler, and a linker that lets it in first."""
    return sys.platform == "linux" and shutil.which("cc") is not None


class Postgres:
    """The embedded PostgreSQL, started with the time of a `Warp`."""

    def __init__(self, home: Path) -> None:
        self.cluster = Cluster(home.resolve())
        self.main: subprocess.Popen[bytes] | None = None

    @property
    def conninfo(self) -> str:
        """How Tocsin reaches it."""
        return self.cluster.conninfo()

    @property
    def admin(self) -> str:
        """How its superuser does."""
        return self.cluster.conninfo(user="postgres")

    def create(self) -> None:
        """Make the data directory, the role and the database."""
        postgres.ensure(self.cluster.home, settings={"fsync": "off"})
        postgres.leave(self.cluster.home)
        postgres.stop(self.cluster.home)

    async def start(self, warp: Warp, **settings: str) -> None:
        """Start it with Tocsin's own settings and these."""
        account = self.cluster.account()
        program = postgres_cluster.configure(self.cluster, account, settings)
        postgres_cluster.prepare_socket_dir(self.cluster, account)
        with (self.cluster.home / "postgres.output").open("wb") as output:
            self.main = subprocess.Popen(
                [program, "-D", self.cluster.pgdata],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
                env=postgres_account.environment() | warp.environ, start_new_session=True,
                **postgres_account.run_as(account),
            )  # fmt: skip

        async def is_there() -> bool:
            assert self.main is not None
            assert self.main.poll() is None, "PostgreSQL ended while it started"
            return answers(self.conninfo)

        await until(is_there, limit_s=START_LIMIT_S, what="PostgreSQL answers")

    def stop(self) -> None:
        """End it."""
        if self.main is not None:
            postgres.stop(self.cluster.home)
            self.main.wait(START_LIMIT_S)
            self.main = None
        if self.cluster.socket_dir != self.cluster.pgdata:
            shutil.rmtree(self.cluster.socket_dir, ignore_errors=True)


@contextmanager
def postgres_in(home: Path) -> Iterator[Postgres]:
    """Make a PostgreSQL, not started yet, and end it with the block."""
    made = Postgres(home)
    made.create()
    home.chmod(home.stat().st_mode | 0o011)  # the account it runs as finds the library
    try:
        yield made
    finally:
        made.stop()
        if home.exists():
            shutil.rmtree(home, ignore_errors=True)
