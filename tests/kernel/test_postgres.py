"""The embedded server: whoever kills what, the next one to ask gets an answer and every row."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from tocsin.app.waiting import passing
from tocsin.kernel import postgres
from tocsin.kernel.db import Database, is_transient
from tocsin.kernel.errors import Conflict, Unavailable
from tocsin.kernel.postgres import Embedded
from tocsin.kernel.postgres_cluster import Cluster, is_postgres

pytestmark = pytest.mark.db
QUICK = {"fsync": "off"}
CLIENT = """
import sys
from pathlib import Path
from tocsin.app.waiting import passing
from tocsin.kernel import postgres
from tocsin.kernel.postgres_cluster import Cluster
postgres.ensure(Path(sys.argv[1]), settings={"fsync": "off"})
print(Cluster(Path(sys.argv[1])).postmaster().pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory for the whole file; each test finds a server that runs, or starts it."""
    place = tmp_path_factory.mktemp("home")
    yield place
    postgres.stop(place)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A data directory of its own."""
    yield tmp_path / "home"
    postgres.stop(tmp_path / "home")


def pid_of(home: Path) -> int:
    server = Cluster(home).postmaster()
    assert server is not None
    return server.pid


def query(conninfo: str, statement: str) -> tuple[object, ...] | None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def client(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def said_pid(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def finish(process: subprocess.Popen[str]) -> None:
    process.communicate("")


def test_a_server_is_made_started_and_answers_with_the_settings_of_the_house(
    home: Path,
) -> None:
    conninfo = postgres.ensure(home)

    assert query(conninfo, "SELECT current_user, current_database()") == ("tocsin", "tocsin")
    assert query(
        conninfo,
        """SELECT current_setting('jit'), current_setting('fsync'), current_setting('TimeZone'),
                  current_setting('listen_addresses'), usesuper FROM pg_user
            WHERE usename = current_user""",
    ) == ("off", "on", "UTC", "", False)


def logged(home: Path, marker: str) -> str:
    """All that PostgreSQL's log says, as soon as `marker` is in it."""
    give_up_at = time.monotonic() + 10
    while time.monotonic() < give_up_at:
        said = "".join(path.read_text() for path in (home / "postgres" / "log").glob("*.log"))
        if marker in said:
            return said
        os.sched_yield()
    pytest.fail(f"{marker} is not in the log")


def leak(home: Path, marker: str, secret: str) -> None:
    """Run what a slow statement and a row that is refused would put into the log."""
    admin = Cluster(home).conninfo(user="postgres", database="tocsin")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SET log_min_duration_statement = 0")
        connection.execute("CREATE TEMP TABLE contact (address text CHECK (address = ''))")
        connection.execute("SELECT %s::text", [secret])
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO contact VALUES (%s)", [secret])
        connection.execute(f"SELECT '{marker}'".encode())


def test_postgresql_s_own_log_holds_no_value_of_any_statement(home: Path) -> None:
    postgres.ensure(home)

    leak(home, "first-marker", "s3cret-topic")

    said = logged(home, "first-marker")
    assert "INSERT INTO contact" in said
    assert "s3cret-topic" not in said


def test_a_server_that_an_older_tocsin_started_stops_logging_values_when_one_joins(
    home: Path,
) -> None:
    postgres.ensure(home)
    conf = home / "postgres" / "tocsin.conf"
    lines = conf.read_text().splitlines(keepends=True)
    conf.write_text("".join(one for one in lines if not one.startswith(("log_p", "log_err"))))
    query(Cluster(home).conninfo(user="postgres"), "SELECT pg_reload_conf()")
    pid = pid_of(home)

    conninfo = postgres.ensure(home)

    assert pid_of(home) == pid
    while query(conninfo, "SHOW log_parameter_max_length") != ("0",):
        os.sched_yield()  # a signal is on its way
    leak(home, "second-marker", "another-s3cret")
    assert "another-s3cret" not in logged(home, "second-marker")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_runs_the_server_as_a_system_user_behind_a_private_directory(home: Path) -> None:
    postgres.ensure(home)

    uid = Path(f"/proc/{pid_of(home)}").stat().st_uid
    assert uid != 0
    assert (home / "postgres").stat().st_mode & 0o077 == 0
    # what root has made is its account's, so that a service of that name can go on with it
    made = (home, home / "postgres.uses", home / "postgres.lock")
    assert {path.stat().st_uid for path in made} == {uid}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_directory_of_another_user_is_refused_at_once_with_the_cure() -> None:
    place = Path(mkdtemp(prefix="tocsin-", dir="/tmp"))
    os.seteuid(65534)
    try:
        with pytest.raises(Conflict, match="install -d -o nobody"):
            postgres.ensure(Path("/var/lib/tocsin-nowhere"))
        with pytest.raises(Conflict, match=r"sudo -u root .*or give it .*: chown") as refused:
            postgres.ensure(place)
        with pytest.raises(Conflict, match="sudo -u root"):
            Cluster(place).postmaster()
    finally:
        os.seteuid(0)
        place.rmdir()
    assert passing(refused.value) is None  # a start does not wait for it


def test_attaching_again_finds_the_same_server(home: Path) -> None:
    conninfo = postgres.ensure(home)
    pid = pid_of(home)

    assert postgres.ensure(home) == conninfo
    assert pid_of(home) == pid


async def test_a_killed_postmaster_is_back_with_every_committed_row(home: Path) -> None:
    embedded = Embedded(home)
    conninfo = await embedded.revive()
    query(conninfo, "CREATE TABLE IF NOT EXISTS kept (n integer)")
    query(conninfo, "INSERT INTO kept VALUES (1)")
    pid = pid_of(home)

    os.kill(pid, signal.SIGKILL)
    assert await embedded.revive() == conninfo

    assert pid_of(home) != pid
    assert query(conninfo, "SELECT count(*) FROM kept") == (1,)


def test_processes_that_start_at_once_share_one_server_and_it_outlives_them(
    fresh: Path,
) -> None:
    several = [client(fresh) for _ in range(3)]
    pids = {said_pid(process) for process in several}
    for process in several:
        process.kill()
        process.communicate()

    assert len(pids) == 1
    assert is_postgres(*pids)
    postgres.ensure(fresh)
    assert pid_of(fresh) in pids


def test_processes_that_see_the_postmaster_dead_start_it_once(home: Path) -> None:
    postgres.ensure(home)
    os.kill(pid_of(home), signal.SIGKILL)

    several = [client(home) for _ in range(3)]
    pids = {said_pid(process) for process in several}
    for process in several:
        finish(process)

    assert pids == {pid_of(home)}


def test_only_the_last_user_to_leave_stops_the_server(home: Path) -> None:
    postgres.ensure(home)
    other = client(home)
    said_pid(other)

    assert postgres.leave(home) is False
    postgres.ensure(home)
    pid = pid_of(home)
    finish(other)
    assert postgres.leave(home) is True

    postgres.ensure(home)  # meets a server that is stopping, waits, starts it again
    assert pid_of(home) != pid


async def answer_of_another(database: Database, home: Path, pid: int) -> None:
    """Ask until a server other than `pid` answers; each failure must be one that passes."""
    server = None
    while server is None or server.pid == pid:
        server = Cluster(home).postmaster()
        try:
            async with asyncio.timeout(20), database.connection() as connection:
                await connection.execute("SELECT 1")
        except psycopg.Error as error:
            if not is_transient(error):
                raise


async def test_a_watched_server_comes_back_under_an_application_that_retries(
    home: Path,
) -> None:
    embedded = Embedded(home)
    conninfo = await embedded.revive()
    async with Database(conninfo, min_size=4) as database, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(embedded.watch())
        for _ in range(3):
            pid = pid_of(home)
            os.kill(pid, signal.SIGKILL)
            await answer_of_another(database, home, pid)
        watching.cancel()


def test_a_process_that_outlives_its_postmaster_is_ended_before_the_next_start(
    home: Path,
) -> None:
    conninfo = postgres.ensure(home)
    with psycopg.connect(conninfo) as stuck:
        backend_pid = stuck.info.backend_pid
        os.kill(backend_pid, signal.SIGSTOP)
        os.kill(pid_of(home), signal.SIGKILL)

        postgres.ensure(home)

        assert not is_postgres(backend_pid)


def test_a_stale_pid_file_that_names_another_living_program_is_not_believed(home: Path) -> None:
    postgres.ensure(home)
    pid_file = home / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    postgres.stop(home)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    conninfo = postgres.ensure(home)

    assert query(conninfo, "SELECT 1") == (1,)
    assert pid_of(home) != os.getpid()


def test_a_server_that_does_not_answer_in_time_is_reported_and_left_alone(home: Path) -> None:
    postgres.ensure(home)
    pid = pid_of(home)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match=f"process {pid}\\) has not answered"):
            postgres.ensure(home, start_limit_s=0.1)
    finally:
        os.kill(pid, signal.SIGCONT)

    postgres.ensure(home)
    assert pid_of(home) == pid


def test_a_start_that_was_given_up_returns_at_once(home: Path) -> None:
    postgres.stop(home)
    given_up = threading.Event()
    given_up.set()

    with pytest.raises(Unavailable):
        postgres.ensure(home, given_up=given_up)


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(fresh: Path) -> None:
    deep = fresh / ("d" * 90) / "with 'quotes', commas and spaces"
    try:
        conninfo = postgres.ensure(deep, settings=QUICK)

        assert query(conninfo, "SELECT 1") == (1,)
        place = Cluster(deep).socket_dir
        assert len(str(place)) < 40
        assert place.stat().st_mode & 0o077 == 0
    finally:
        postgres.stop(deep)
        Cluster(deep).socket_dir.rmdir()


def test_data_of_a_newer_postgresql_is_refused_in_words(fresh: Path) -> None:
    (fresh / "postgres").mkdir(parents=True)
    (fresh / "postgres" / "PG_VERSION").write_text("99\n")

    with pytest.raises(
        Unavailable,
        match=r"written by PostgreSQL 99; this Tocsin carries .*tocsin restore FILE",
    ):
        postgres.ensure(fresh)


def test_a_directory_that_holds_something_else_is_not_touched(fresh: Path) -> None:
    (fresh / "postgres").mkdir(parents=True)
    (fresh / "postgres" / "letters.txt").write_text("mine")

    with pytest.raises(Unavailable, match="is no PostgreSQL data"):
        postgres.ensure(fresh, settings=QUICK)

    assert (fresh / "postgres" / "letters.txt").read_text() == "mine"


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    postgres.stop(home)

    with pytest.raises(Unavailable, match="shared_buffers"):
        postgres.ensure(home, settings={"shared_buffers": "plenty"})
