"""The database under the tests: one server, one migrated template, one fresh copy for each test.

The server is the embedded one in `.build/test-postgres`, kept between runs and shared by runs at
the same time, without fsync; or the one at `TOCSIN_TEST_DATABASE_URL`, whose user must be allowed
to create databases.
"""

import contextlib
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tocsin.kernel import migrations, postgres
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.postgres_cluster import Cluster

HOME = Path(__file__).parents[1] / ".build" / "test-postgres"
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_connections": "300",
    "max_wal_size": "4GB",
}
pytest_plugins = ["lanes"]
_TEMPLATE_LOCK = 0x746D706C
_KEPT_TEMPLATES = 5
_FRESH = 2
_USED = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the numbers that `make proof` raises."""
    parser.addoption("--seeds", type=int, default=4, help="simulated days")
    parser.addoption("--first-seed", type=int, default=1, help="where they begin")
    parser.addoption("--kills", type=int, default=5, help="SIGKILLs under load")
    parser.addoption("--blows", type=int, default=1, help="nodes killed, stopped and cut off")
    parser.addoption("--examples", type=int, default=2, help="requests a role and operation")
    parser.addoption("--lighthouse", action="store_true", help="audit every screen")
    parser.addoption("--soak-incidents", type=int, default=0, help="in the past of the soak")
    parser.addoption("--soak-minutes", type=float, default=1, help="that the soak lives")
    parser.addoption("--soak-rate", type=float, default=20, help="how fast they go by")
    parser.addoption("--each-break", action="store_true", help="break the house, one by one")


class Server:
    """Where databases are made, by whom, and who owns them."""

    def __init__(self, admin: str, owner: str | None, strategy: LiteralString) -> None:
        self.admin = admin
        self.owner = owner
        self._strategy = strategy
        self._asking: psycopg.Connection | None = None

    def conninfo(self, database: str) -> str:
        """Return how the product reaches `database`."""
        if self.owner is None:
            return make_conninfo(self.admin, dbname=database)
        return make_conninfo(self.admin, dbname=database, user=self.owner)

    def run(self, statement: LiteralString, *names: str) -> None:
        """Run one statement outside any transaction; `{}` stands for an identifier."""
        if self._asking is None or self._asking.closed:
            self._asking = psycopg.connect(self.admin, autocommit=True)
        self._asking.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def create(self, database: str, *, template: str) -> None:
        """Make `database` as a copy of `template`."""
        statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY " + self._strategy
        if self.owner is None:
            self.run(statement, database, template)
        else:
            self.run(statement + " OWNER {}", database, template, self.owner)

    def another(self) -> "Server":
        """Return the same for another thread, which then waits for nobody."""
        return Server(self.admin, self.owner, self._strategy)

    def close(self) -> None:
        """Let the server go."""
        if self._asking is not None:
            self._asking.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Server]:
    """The server that this run uses."""
    given = os.environ.get("TOCSIN_TEST_DATABASE_URL")
    if given:
        with contextlib.closing(Server(given, None, "wal_log")) as server:
            yield server
        return
    home = HOME.resolve()
    try:
        postgres.ensure(home, settings=FAST)
    except Unavailable:
        if Cluster(home).postmaster() is not None:
            raise
        shutil.rmtree(home)  # without fsync a power cut may have broken it
        postgres.ensure(home, settings=FAST)
    admin = Cluster(home).conninfo(user="postgres", database="postgres")
    # measured: 33 ms; wal_log 120 ms, but no fsync
    with contextlib.closing(Server(admin, "tocsin", "file_copy")) as server:
        yield server
    postgres.leave(home)


@pytest.fixture(scope="session")
def template(cluster: Server) -> str:
    """The name of a database that has every migration of this tree and nothing else."""
    digests = "".join(m.file_name + m.sha256 for m in migrations.load())
    name = f"tocsin_template_{hashlib.sha256(digests.encode()).hexdigest()[:12]}"
    with psycopg.connect(cluster.admin, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_TEMPLATE_LOCK])
        _sweep(cluster, connection, keep=name)
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            making = f"tocsin_making_{os.getpid()}"
            cluster.create(making, template="template0")
            migrations.migrate(cluster.conninfo(making))
            cluster.run("ALTER DATABASE {} RENAME TO {}", making, name)
    return name


class Stock:
    """Fresh databases, made and dropped beside the tests, which need not wait for either."""

    def __init__(self, server: Server, template: str) -> None:
        self._server = server
        self._template = template
        self._beside = ThreadPoolExecutor(1, "stock")
        self._fresh = [self._beside.submit(self._make) for _ in range(_FRESH)]
        self._used: list[str] = []
        self._dropped: list[Future[None]] = []

    def take(self) -> str:
        """Return the name of one that nobody has used."""
        self._fresh.append(self._beside.submit(self._make))
        return self._fresh.pop(0).result()

    def give_back(self, name: str) -> None:
        """Have it dropped a little later: PostgreSQL sleeps 0.1 s if a connection still ends."""
        self._used.append(name)
        if len(self._used) > _USED:
            self._drop(self._used.pop(0))

    def close(self) -> None:
        """Drop them all."""
        for name in [*self._used, *(one.result() for one in self._fresh)]:
            self._drop(name)
        self._beside.shutdown()
        for one in self._dropped:
            one.result()

    def _make(self) -> str:
        name = f"tocsin_test_{os.getpid()}_{next(_numbers)}"
        self._server.create(name, template=self._template)
        return name

    def _drop(self, name: str) -> None:
        drop: LiteralString = "DROP DATABASE {} WITH (FORCE)"
        self._dropped.append(self._beside.submit(self._server.run, drop, name))


@pytest.fixture(scope="session")
def stock(cluster: Server, template: str) -> Iterator[Stock]:
    """The databases that tests of this process take."""
    with (
        contextlib.closing(cluster.another()) as server,
        contextlib.closing(Stock(server, template)) as stock,
    ):
        yield stock


@pytest.fixture
def dsn(cluster: Server, stock: Stock) -> Iterator[str]:
    """The conninfo of a fresh, migrated database that is dropped after the test."""
    name = stock.take()
    yield cluster.conninfo(name)
    stock.give_back(name)


@pytest.fixture
def empty_dsn(cluster: Server) -> Iterator[str]:
    """The conninfo of a database without any schema of ours, dropped after the test."""
    name = f"tocsin_test_{os.getpid()}_{next(_numbers)}"
    cluster.create(name, template="template0")
    yield cluster.conninfo(name)
    cluster.run("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """An open pool on a fresh database."""
    async with Database(dsn, application_name="tocsin test", min_size=1, max_size=16) as opened:
        yield opened


_numbers = itertools.count(1)


def _sweep(cluster: Server, connection: psycopg.Connection, *, keep: str) -> None:
    """Drop what runs that were killed left, and templates of long ago."""
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE 'tocsin\\_%' ORDER BY oid DESC"
    ).fetchall()
    names = [name for (name,) in rows]
    templates = [n for n in names if n.startswith("tocsin_template_") and n != keep]
    doomed = templates[_KEPT_TEMPLATES:]
    for name in names:
        run = re.fullmatch(r"tocsin_(?:test|making)_(\d+)(?:_\d+)?", name)
        if run is not None and not _is_running(int(run[1])):
            doomed.append(name)
    for name in doomed:
        with contextlib.suppress(psycopg.errors.InvalidCatalogName):
            cluster.run("DROP DATABASE {} WITH (FORCE)", name)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
