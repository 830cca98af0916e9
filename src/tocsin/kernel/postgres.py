"""The embedded PostgreSQL: start it, prove it, bring it back, let it go.

Many processes share one server: it belongs to none of them and outlives each. Whoever needs it
first starts it; whoever sees it dead starts it again; a file lock makes that one at a time.
Every process that is attached holds a shared lock until it ends, however it ends, so the last
one to `leave` may stop the server. It only asks (fast shutdown) and does not wait: SIGTERM ends
Tocsin at once, and a start that meets a stopping server waits for it.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

from tocsin.kernel import postgres_account as accounts
from tocsin.kernel import postgres_cluster as clusters
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.postgres_cluster import Cluster
from tocsin.kernel.postgres_start import TICK_S, Start, answers, is_living

log = Log("kernel.postgres")

START_LIMIT_S = 300.0
"""How long a start may take; recovery after a crash reads up to `max_wal_size` of log again."""

LOOK_S = 30.0  # who holds it tells at once when it ends
POLL_S = 0.25  # where nobody does

_uses: dict[Path, int] = {}  # data directory -> descriptor that holds the shared lock


def ensure(
    data_dir: Path,
    *,
    start_limit_s: float = START_LIMIT_S,
    settings: Mapping[str, str] | None = None,
    given_up: threading.Event | None = None,
) -> str:
    """Return the conninfo of a server that has just answered, started if there was none.

    Blocks up to `start_limit_s`, or until `given_up` is set, then raises `Unavailable`; a
    server that recovers goes on recovering. `settings` are for the start only. The process
    counts as a user of the server until it ends or calls `leave`.
    Raises `Conflict` for a directory of another user's.
    """
    cluster = Cluster(data_dir.expanduser().resolve())
    give_up_at = time.monotonic() + start_limit_s
    accounts.prepare_home(cluster.home)
    _use(cluster)
    stopped = given_up or threading.Event()
    if answers(cluster.conninfo()):
        if clusters.lacks_privacy(cluster):
            _make_private(cluster, give_up_at, stopped)
        return cluster.conninfo()
    with _locked(cluster, give_up_at, stopped):
        account = cluster.account()
        if not (cluster.pgdata / "PG_VERSION").exists():
            accounts.open_way(account, [cluster.pgdata, *clusters.installed().values()])
            durable = (settings or {}).get("fsync") != "off"
            clusters.create(cluster, account, durable=durable)
        while True:
            Start(cluster, account, settings or {}).run(give_up_at, stopped)
            try:
                _furnish(cluster)
                break
            except psycopg.OperationalError as error:  # killed again in this instant
                if stopped.is_set() or time.monotonic() > give_up_at:
                    raise Unavailable(f"PostgreSQL was gone again: {error}") from error
    return cluster.conninfo()


def stop(data_dir: Path, *, wait_limit_s: float = 60.0) -> bool:
    """Stop the server, whoever uses it, and wait; False where none was running.

    Clients are disconnected and their open transactions rolled back. Raises `Unavailable` when
    it has not ended after `wait_limit_s`.
    """
    cluster = Cluster(data_dir.expanduser().resolve())
    server = cluster.postmaster()
    if server is None:
        return False
    os.kill(server.pid, signal.SIGINT)
    give_up_at = time.monotonic() + wait_limit_s
    while is_living(server.pid):
        if time.monotonic() > give_up_at:
            raise Unavailable(f"PostgreSQL ({server.pid}) still runs after {wait_limit_s:g} s")
        time.sleep(TICK_S)
    return True


def leave(data_dir: Path) -> bool:
    """Stop counting as a user and, as the last one, tell the server to stop; True if told.

    Does not wait. Two last users that leave in the same instant may leave the server running;
    the next one to leave stops it.
    """
    cluster = Cluster(data_dir.expanduser().resolve())
    descriptor = _uses.pop(cluster.home, None)
    if descriptor is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        server = cluster.postmaster()
        if server is None:
            return False
        os.kill(server.pid, signal.SIGINT)
        log.info("postgres.stopping", pid=server.pid)
        return True
    finally:
        os.close(descriptor)


class Embedded:
    """The embedded server, held alive for as long as an application runs."""

    def __init__(self, data_dir: Path, *, start_limit_s: float = START_LIMIT_S) -> None:
        self._cluster = Cluster(data_dir.expanduser().resolve())
        self._start_limit_s = start_limit_s
        self._pid: int | None = None
        self.why = ""  # it could not be brought back at the last try

    @property
    def conninfo(self) -> str:
        """How to reach it; the same through every restart."""
        return self._cluster.conninfo()

    def is_alive(self) -> bool:
        """Say whether the postmaster lives; reads one small file, asks the server nothing."""
        return self._pid is not None and is_living(self._pid)

    async def revive(self) -> str:
        """Attach, or start the server again, and return the conninfo of one that answered.

        Any number of processes may call this at once. Raises `Unavailable`.
        """
        given_up = threading.Event()
        try:
            conninfo = await asyncio.to_thread(
                ensure,
                self._cluster.home,
                start_limit_s=self._start_limit_s,
                given_up=given_up,
            )
        finally:
            given_up.set()  # lets the thread of a cancelled start go; the exit waits for it
        server = self._cluster.postmaster()
        self._pid = server.pid if server is not None else None
        return conninfo

    async def watch(self) -> None:
        """Look after the postmaster for ever and revive it whenever it is gone."""
        while True:
            if not self.is_alive():
                log.warning("postgres.lost", pid=self._pid)
                try:
                    await self.revive()
                except Exception as error:  # noqa: BLE001 - door: whatever fails, it is tried again
                    self.why = str(error)
                    log.warning("postgres.not_revived", why=self.why)
                    await asyncio.sleep(1.0)
                else:
                    self.why = ""
                    log.info("postgres.revived", pid=self._pid)
            await self._until_gone()

    async def _until_gone(self) -> None:
        """Wait for the end of the postmaster, or a moment where nobody tells of it."""
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        descriptor = _ending(self._pid)
        if descriptor is not None:
            loop.add_reader(descriptor, gone.set)
        try:
            async with asyncio.timeout(LOOK_S if descriptor is not None else POLL_S):
                await gone.wait()
        except TimeoutError:
            pass
        finally:
            if descriptor is not None:
                loop.remove_reader(descriptor)
                os.close(descriptor)

    def leave(self) -> bool:
        """Let go of the server; the last user tells it to stop and does not wait."""
        return leave(self._cluster.home)


def _ending(pid: int | None) -> int | None:
    """Open what can be read once process `pid` has ended; None where there is no such thing."""
    if pid is None or sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # it is gone already, or the kernel is old
        return None


def _furnish(cluster: Cluster) -> None:
    """Make the role and the database that Tocsin works with, where they are missing."""
    admin = cluster.conninfo(user="postgres", database="postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'tocsin'")
        if role.fetchone() is None:
            connection.execute("CREATE ROLE tocsin LOGIN")
        database = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tocsin'")
        if database.fetchone() is None:
            connection.execute("CREATE DATABASE tocsin OWNER tocsin")


def _make_private(cluster: Cluster, give_up_at: float, stopped: threading.Event) -> None:
    """Let a server that an older Tocsin has started keep values out of its log from now on."""
    with _locked(cluster, give_up_at, stopped):
        if clusters.lacks_privacy(cluster):
            clusters.add_privacy(cluster)
            admin = cluster.conninfo(user="postgres", database="postgres")
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute("SELECT pg_reload_conf()")


def _use(cluster: Cluster) -> None:
    if cluster.home not in _uses:
        descriptor = _open_lock(cluster, "postgres.uses")
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _uses[cluster.home] = descriptor


@contextlib.contextmanager
def _locked(cluster: Cluster, give_up_at: float, stopped: threading.Event) -> Iterator[None]:
    descriptor = _open_lock(cluster, "postgres.lock")
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopped.wait(TICK_S) or time.monotonic() > give_up_at:
                    raise Unavailable("another process is still starting PostgreSQL") from None
        yield
    finally:
        os.close(descriptor)


def _open_lock(cluster: Cluster, name: str) -> int:
    path = cluster.home / name
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise accounts.foreign(path) from error
    if os.geteuid() == 0:
        owner = cluster.home.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor
