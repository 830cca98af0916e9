"""Debian's PostgreSQL 15 under the same statements: stores, kernel and a whole journey."""

import io
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest
from msgspec import Struct
from psycopg.conninfo import make_conninfo

from fakes.world import ACME, NOON, running
from tocsin.kernel.backup import back_up
from tocsin.kernel.db import OLDEST_MAJOR
from tocsin.kernel.errors import Conflict
from tocsin.kernel.migrations import migrate
from tocsin.kernel.restore import restore, scratch
from tocsin.kernel.settings import load
from tocsin.oncall.actions import PAGING_JOBS

pytestmark = [pytest.mark.peer, pytest.mark.journey, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ACCOUNT = "postgres"
# the statements with the sharpest edges, the schema letter by letter, and one journey
STORES = (
    "tests/triage/test_triage_store.py",
    "tests/signals/test_signals_store.py",
    "tests/kernel/test_jobs.py",
    "tests/golden/test_golden_schema.py",
    "tests/journeys/test_nobody_answers.py::test_an_unanswered_page_climbs_every_step_repeats_and_ends_at_the_catch_all",
)
FAST = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
}


class Server(Struct, frozen=True):
    """A running PostgreSQL of the system."""

    socket_dir: str

    def conninfo(self, database: str) -> str:
        return make_conninfo(host=self.socket_dir, user=ACCOUNT, dbname=database)


def _binaries() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    fit = [path for path in found if int(path.parts[-3]) >= OLDEST_MAJOR]
    if not fit:
        pytest.skip(
            f"no PostgreSQL >= {OLDEST_MAJOR} in /usr/lib/postgresql: apt install postgresql"
        )
    return fit[0].parent  # the oldest that is supported says most


@pytest.fixture(scope="module")
def system_server() -> Iterator[Server]:
    """The system's PostgreSQL, on a socket in a directory of its own, as no root."""
    bin_dir = _binaries()
    home = Path(mkdtemp(prefix="tocsin-pg-", dir="/tmp"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            account = pwd.getpwnam(ACCOUNT)
        except KeyError:
            pytest.skip(f"PostgreSQL does not run as root, and there is no user {ACCOUNT}")
        os.chown(home, account.pw_uid, account.pw_gid)
        as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    pgdata = home / "data"
    clean = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [bin_dir / "initdb", f"--pgdata={pgdata}", f"--username={ACCOUNT}", "--auth=trust",
         "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
        check=True, capture_output=True, cwd=home, env=clean, **as_user,
    )  # fmt: skip
    options = [f"--{name}={value}" for name, value in FAST.items()]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [bin_dir / "postgres", "-D", pgdata, "-k", home, *options],
            stdout=log, stderr=log, cwd=home, env=clean, **as_user,
        )  # fmt: skip
    try:
        server = Server(str(home))
        _until_it_answers(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(20)
        subprocess.run(["rm", "-r", home], check=True)


def _until_it_answers(server: Server, process: subprocess.Popen[bytes]) -> None:
    ready = Path(server.socket_dir) / "data" / "postmaster.pid"
    while process.poll() is None:
        text = ready.read_text() if ready.exists() else ""
        if text.splitlines()[7:8] == ["ready   "]:
            psycopg.connect(server.conninfo("postgres")).close()
            return
        os.sched_yield()
    pytest.fail((Path(server.socket_dir) / "log").read_text())


@pytest.fixture(scope="module")
def url(system_server: Server) -> str:
    """What an operator would set: an empty database of an owner without further rights."""
    with psycopg.connect(system_server.conninfo("postgres"), autocommit=True) as conn:
        conn.execute("CREATE ROLE tocsin LOGIN")
        conn.execute("CREATE DATABASE tocsin OWNER tocsin")
    return f"postgresql://tocsin@/tocsin?host={system_server.socket_dir}"


def tocsin(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tocsin", *arguments],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.defpath, "TOCSIN_DATABASE_URL": url, "HOME": "/nonexistent"},
    )  # fmt: skip


def test_the_server_is_the_system_s_own(system_server: Server) -> None:
    with psycopg.connect(system_server.conninfo("postgres")) as conn:
        assert conn.info.server_version // 10_000 >= OLDEST_MAJOR
        [(path,)] = conn.execute("SHOW data_directory").fetchall()
        assert path.startswith(system_server.socket_dir)


async def test_a_page_goes_its_whole_way_on_a_database_that_is_given_by_its_url(
    url: str,
) -> None:
    pending = tocsin(url, "migrate", "--check")
    assert pending.returncode != 0
    assert "0001_before_kernel" in pending.stdout + pending.stderr
    migrated = tocsin(url, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert tocsin(url, "migrate", "--check").returncode == 0

    conninfo = load({"TOCSIN_DATABASE_URL": url}).database_url
    async with running(conninfo, database_url=url) as world:
        await world.apply(ACME)
        await world.signal(
            {"alertname": "Down", "severity": "critical"}, ends_at=NOON.replace(day=28)
        )
        await world.forward(minutes=16)
        assert [message.to for _, message in world.mail.sent] == ["jonas@example.org"] * 3
        link = "/a/" + world.mail.sent[-1][1].ack_link.rsplit("/", 1)[1]
        assert (await world.http.post(link)).status_code == 200
        await world.forward(minutes=10)
        assert len(world.mail.sent) == 3
        ends_at = world.clock.now()
        await world.signal({"alertname": "Down", "severity": "critical"}, ends_at=ends_at)
        assert await world.rows("SELECT state FROM oncall.pages") == [("resolved",)]
        story = await world.story()
        assert story[-1] == "oncall.page_resolved"
        assert "command.responder_joined" in story


async def test_a_backup_moves_between_two_majors_of_postgresql_and_back(
    url: str, system_server: Server, empty_dsn: str, tmp_path: Path
) -> None:
    with psycopg.connect(system_server.conninfo("postgres"), autocommit=True) as conn:
        for name in ("first", "second"):
            conn.execute(f"CREATE DATABASE {name} OWNER tocsin")  # type: ignore[call-overload]
    first, second = (url.replace("/tocsin?", f"/{name}?") for name in ("first", "second"))
    migrate(first)
    async with running(first) as world:
        await world.apply(ACME)
        await world.signal({"alertname": "Down", "severity": "critical"})
    old, new = io.BytesIO(), io.BytesIO()
    log_size = back_up(first, old).manifest.log_size
    old.seek(0)
    with pytest.raises(Conflict, match="CREATEDB"), scratch(first, owner=None):
        pytest.fail("an owner without further rights made a database")
    restore(empty_dsn, old, hold=PAGING_JOBS)
    back_up(empty_dsn, new)
    (tmp_path / "file").write_bytes(new.getvalue())
    done = tocsin(second, "restore", str(tmp_path / "file"), "--table")
    assert done.returncode == 0, done.stderr
    assert "PAGING IS HELD" in done.stdout
    with psycopg.connect(second) as conn:
        found = conn.execute("SELECT size FROM kernel.log_head").fetchone()
        assert found is not None
        assert found[0] == log_size > 5


def test_the_stores_and_a_journey_pass_on_it_as_they_do_on_the_embedded_one(
    system_server: Server,
) -> None:
    given = {"TOCSIN_TEST_DATABASE_URL": system_server.conninfo("postgres")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *STORES],
        cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
