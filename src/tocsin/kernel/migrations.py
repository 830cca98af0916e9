"""Bring a database to the shape this Tocsin expects: plain SQL files, forward only.

`NNNN_before_name.sql` is safe beside the release before this one and runs at start.
`NNNN_after_name.sql` needs that release to be gone and runs by `tocsin migrate --after`; no
`before` file may rely on an `after` file of the same release. An empty database has no old
release: it gets all files in the order of their numbers.

Each file is one transaction, so it ends whole or not at all. It begins with a comment that says
why it exists; a line `-- timeout: 60s` raises its statement limit. A file that was applied is
never changed again: its digest is kept and compared.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg
from msgspec import Struct
from psycopg import Connection, errors
from psycopg.rows import TupleRow

from tocsin.kernel.db import connect
from tocsin.kernel.errors import Conflict, Unavailable
from tocsin.kernel.logs import Log

log = Log("kernel.migrations")

_LOCK = 0x746F6373  # advisory lock of whoever migrates: "tocs"
_NAME = re.compile(r"(?P<number>\d{4})_(?P<phase>before|after)_(?P<name>[a-z0-9_]+)\.sql")
_TIMEOUT = re.compile(r"^-- timeout: (\d+)s$", re.MULTILINE)
_TRANSACTION = re.compile(
    r"^\s*(BEGIN|START TRANSACTION|COMMIT|ROLLBACK)\s*;", re.MULTILINE | re.IGNORECASE
)
_LOCK_LIMIT = "4s"
_STATEMENT_LIMIT_S = 5


class Phase(StrEnum):
    """When a file may run, seen from the release before this one."""

    BEFORE = "before"
    AFTER = "after"


class Migration(Struct, frozen=True, kw_only=True):
    """One file. `sha256` is over its text with plain line ends."""

    number: int
    phase: Phase
    name: str
    sha256: str
    statement_limit_s: int
    text: str

    @property
    def file_name(self) -> str:
        """Its name in the package and in messages."""
        return f"{self.number:04}_{self.phase}_{self.name}.sql"


class Status(Struct, frozen=True, kw_only=True):
    """What a database has and lacks. `pending` must run before this Tocsin may serve."""

    applied_count: int
    pending: tuple[Migration, ...]
    pending_after: tuple[Migration, ...]
    ahead: tuple[str, ...] = ()  # `before` files of the next release, which are safe beside us

    @property
    def is_current(self) -> bool:
        """True when nothing at all is left to apply."""
        return not self.pending and not self.pending_after


def load(directory: Traversable | None = None) -> tuple[Migration, ...]:
    """Read the files of `directory`, by default those in the package, in order of number."""
    place = directory or files("tocsin").joinpath("migrations")
    found = sorted(
        (_read(entry) for entry in place.iterdir() if entry.name.endswith(".sql")),
        key=lambda migration: migration.number,
    )
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise AssertionError(f"two migrations have one number: {numbers}")
    return tuple(found)


def status(conninfo: str, *, directory: Traversable | None = None) -> Status:
    """Compare the database with the files and change nothing.

    Raises `Conflict` for a database in which a newer Tocsin has ended this one's time (an `after`
    file that is unknown here), or one in which a file that has been changed since was applied.
    """
    with connect(conninfo, application_name="tocsin migrate") as connection:
        return _compare(_applied(connection), load(directory))


def migrate(
    conninfo: str, *, phase: Phase = Phase.BEFORE, directory: Traversable | None = None
) -> tuple[Migration, ...]:
    """Apply what is pending and return it; many processes may ask at once, one does the work.

    `Phase.BEFORE` applies the `before` files, and everything on an empty database;
    `Phase.AFTER` applies all that is left. Raises as `status` does, and `Unavailable` when a
    lock could not be had in time: nothing of that file is kept and trying again is safe.
    """
    known = load(directory)
    with connect(conninfo, application_name="tocsin migrate") as connection:
        found = _compare(_applied(connection), known)
        if found.ahead:
            log.warning("migration.database_ahead", files=found.ahead)
        if not _wanted(found, phase):
            return ()  # the usual start: no lock, no write
        with one_at_a_time(connection):
            _create_table(connection)
            wanted = _wanted(_compare(_applied(connection), known), phase)
            for migration in wanted:
                _apply(connection, migration)
    return wanted


def rebuild(connection: Connection[TupleRow], wanted: Sequence[Migration]) -> None:
    """Apply just these, for a restore: in its transaction, and under `one_at_a_time`."""
    _create_table(connection)
    for migration in wanted:
        _apply(connection, migration)


def _read(entry: Traversable) -> Migration:
    matched = _NAME.fullmatch(entry.name)
    if matched is None:
        raise AssertionError(f"{entry.name}: the name must be NNNN_before|after_name.sql")
    text = entry.read_text(encoding="utf-8").replace("\r\n", "\n")
    if not text.startswith("-- "):
        raise AssertionError(f"{entry.name}: the first line must be a comment that says why")
    if _TRANSACTION.search(text):
        raise AssertionError(f"{entry.name}: the file is one transaction and must not end it")
    limit = _TIMEOUT.search(text)
    return Migration(
        number=int(matched["number"]),
        phase=Phase(matched["phase"]),
        name=matched["name"],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        statement_limit_s=int(limit[1]) if limit else _STATEMENT_LIMIT_S,
        text=text,
    )


def _applied(connection: Connection[TupleRow]) -> dict[int, tuple[str, str]]:
    """Return file name and digest by number; empty where the table is not there yet."""
    table = connection.execute("SELECT to_regclass('kernel.migrations')").fetchone()
    if table == (None,):
        return {}
    rows = connection.execute(
        """
        SELECT number, phase, name, sha256
          FROM kernel.migrations
        """
    )
    return {
        number: (f"{number:04}_{phase}_{name}.sql", sha256)
        for number, phase, name, sha256 in rows
    }


def _compare(applied: dict[int, tuple[str, str]], known: Sequence[Migration]) -> Status:
    by_number = {migration.number: migration for migration in known}
    ahead = []
    for number, (file_name, sha256) in sorted(applied.items()):
        if number not in by_number:
            if f"_{Phase.AFTER}_" in file_name:
                raise Conflict(
                    f"the database was migrated by a newer Tocsin ({file_name} is unknown here); "
                    "run that version or newer, or restore a backup from before the upgrade"
                )
            ahead.append(file_name)
        elif by_number[number].sha256 != sha256:
            raise Conflict(
                f"{by_number[number].file_name} is not the file that was applied to this "
                f"database ({file_name}); applied migrations never change, add a new one"
            )
    missing = [migration for migration in known if migration.number not in applied]
    return Status(
        applied_count=len(applied),
        pending=tuple(m for m in missing if m.phase is Phase.BEFORE or not applied),
        pending_after=tuple(m for m in missing if m.phase is Phase.AFTER and applied),
        ahead=tuple(ahead),
    )


def _wanted(found: Status, phase: Phase) -> tuple[Migration, ...]:
    if phase is Phase.BEFORE:
        return found.pending
    return tuple(
        sorted((*found.pending, *found.pending_after), key=lambda migration: migration.number)
    )


@contextmanager
def one_at_a_time(connection: Connection[TupleRow]) -> Iterator[None]:
    """Keep every other process from migrating this database. Raises `Unavailable` after 300 s."""
    # a session lock: several transactions are made under it, and a killed process lets it go
    connection.execute("SET statement_timeout = '300s'")
    try:
        connection.execute("SELECT pg_advisory_lock(%(lock)s)", {"lock": _LOCK})
    except errors.QueryCanceled as error:
        raise Unavailable("another process has been migrating for 300 s") from error
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%(lock)s)", {"lock": _LOCK})


def _create_table(connection: Connection[TupleRow]) -> None:
    with connection.transaction():
        connection.execute("CREATE SCHEMA IF NOT EXISTS kernel")
        connection.execute(
            """
            CREATE TABLE IF NOT EXISTS kernel.migrations (
                number     integer PRIMARY KEY,
                phase      text NOT NULL,
                name       text NOT NULL,
                sha256     text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """
        )


def _apply(connection: Connection[TupleRow], migration: Migration) -> None:
    log.info("migration.applying", file=migration.file_name)
    try:
        with connection.transaction():
            connection.execute(
                """
                SELECT set_config('lock_timeout', %(lock)s, true),
                       set_config('statement_timeout', %(statement)s, true)
                """,
                {"lock": _LOCK_LIMIT, "statement": f"{migration.statement_limit_s}s"},
            )
            connection.execute(migration.text.encode())
            connection.execute(
                """
                INSERT INTO kernel.migrations (number, phase, name, sha256)
                VALUES (%(number)s, %(phase)s, %(name)s, %(sha256)s)
                """,
                {
                    "number": migration.number,
                    "phase": migration.phase.value,
                    "name": migration.name,
                    "sha256": migration.sha256,
                },
            )
    except (errors.LockNotAvailable, errors.QueryCanceled) as error:
        raise Unavailable(
            f"{migration.file_name} ran into its time limit and was rolled back: "
            f"{str(error).strip()}; try again when the database is less busy"
        ) from error
    except psycopg.Error as error:
        error.add_note(f"in {migration.file_name}, which was rolled back as a whole")
        raise
