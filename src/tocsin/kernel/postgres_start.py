"""One start of the embedded PostgreSQL: launch, wait until it answers, judge why it ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tocsin.kernel import postgres_account as accounts
from tocsin.kernel import postgres_cluster as clusters
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.postgres_cluster import Cluster, Postmaster

log = Log("kernel.postgres")

TICK_S = 0.02
_GRACE_S = 1.0  # for processes of a dead postmaster to end by themselves
_TRIES = 3
_WORTH_ANOTHER_TRY = ("pre-existing shared memory block", "lock file")
_children: list[subprocess.Popen[bytes]] = []  # postmasters to reap when they end


class Start:
    """One start: launch, wait, look why it ended, try again. Runs under the lock."""

    def __init__(
        self, cluster: Cluster, account: accounts.Account | None, settings: Mapping[str, str]
    ) -> None:
        self._cluster = cluster
        self._account = account
        self._settings = settings
        self._ended_count = 0
        self._not_before = 0.0
        self._launched: subprocess.Popen[bytes] | None = None
        self._began_at = self._told_at = time.monotonic()

    def run(self, give_up_at: float, stopped: threading.Event) -> None:
        """Return once the server has answered. Raises `Unavailable`."""
        while True:
            server = self._cluster.postmaster()
            if (server is None or server.is_ready) and answers(self._admin()):
                return  # also a server that only another container sees
            if self._launched is not None and self._launched.poll() is not None:
                self._judge()
            elif server is None and self._launched is None and self._may_launch():
                self._launch()
            self._tell(server)
            if stopped.wait(TICK_S) or time.monotonic() > give_up_at:
                raise Unavailable(self._unanswered(server))

    def _admin(self) -> str:
        return self._cluster.conninfo(user="postgres", database="postgres")

    def _log_path(self) -> Path:
        return self._cluster.pgdata / "start.log"

    def _launch(self) -> None:
        accounts.open_way(self._account, [self._cluster.pgdata, *clusters.installed().values()])
        program = clusters.configure(self._cluster, self._account, self._settings)
        clusters.prepare_socket_dir(self._cluster, self._account)
        with self._log_path().open("wb") as output:
            accounts.own(self._log_path(), self._account)
            self._launched = subprocess.Popen(  # noqa: S603 - our own binary
                [program, "-D", self._cluster.pgdata],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=accounts.environment(),
                start_new_session=True,  # Ctrl-C is for Tocsin, not for the shared server
                **accounts.run_as(self._account),
            )
        _children.append(self._launched)
        log.info("postgres.starting", pid=self._launched.pid, path=self._cluster.pgdata)

    def _judge(self) -> None:
        """Raise unless the end of the launched postmaster is a reason to try again."""
        self._ended_count += 1
        self._not_before = time.monotonic() + min(0.2 * self._ended_count, 2.0)
        said = self._log_path().read_text("utf-8", errors="replace")
        if "redirecting log output" in said:
            said += self._last_words()
        # one that a signal ended had nothing to say; who sends them may stop
        is_killed = self._launched is not None and (self._launched.returncode or 0) < 0
        is_passing = is_killed or any(phrase in said for phrase in _WORTH_ANOTHER_TRY)
        if self._ended_count >= _TRIES and not is_passing:
            raise Unavailable(f"PostgreSQL ended while it started: {said.strip()[-1000:]}")
        self._launched = None

    def _last_words(self) -> str:
        """Return the end of PostgreSQL's newest log file, where its reasons stand."""
        logs = (self._cluster.pgdata / "log").glob("*.log")
        newest = max(logs, key=lambda path: path.stat().st_mtime, default=None)
        return newest.read_text("utf-8", errors="replace")[-1000:] if newest else ""

    def _may_launch(self) -> bool:
        """Say that nothing of a dead postmaster is left, and end what stays too long."""
        bury()
        if time.monotonic() < self._not_before:
            return False
        stragglers = self._cluster.stragglers()
        if stragglers and time.monotonic() > self._began_at + _GRACE_S:
            for pid in stragglers:
                log.warning("postgres.straggler_ended", pid=pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if not stragglers and sys.platform == "linux":
            # their number may be a zombie's or another program's, and PostgreSQL believes it
            (self._cluster.pgdata / "postmaster.pid").unlink(missing_ok=True)
            self._cluster.socket_lock.unlink(missing_ok=True)
        return not stragglers

    def _tell(self, server: Postmaster | None) -> None:
        if time.monotonic() > self._told_at + 5.0:
            self._told_at = time.monotonic()
            waited_s = round(self._told_at - self._began_at)
            log.warning("postgres.waiting", waited_s=waited_s, pid=server and server.pid)

    def _unanswered(self, server: Postmaster | None) -> str:
        waited_s = round(time.monotonic() - self._began_at)
        if server is None:
            return f"PostgreSQL did not start within {waited_s} s; see {self._log_path()}"
        return (
            f"PostgreSQL (process {server.pid}) has not answered for {waited_s} s; it may be "
            f"recovering and goes on: see {self._cluster.pgdata / 'log'} and try again"
        )


def answers(conninfo: str) -> bool:
    """Prove the server with a statement; it must not be in recovery."""
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    except psycopg.OperationalError:
        return False
    return row == (False,)


def is_living(pid: int) -> bool:
    """Say whether postmaster `pid` lives."""
    bury()
    return clusters.is_postgres(pid)


def bury() -> None:
    """Take notice of postmasters that this process started and that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]
