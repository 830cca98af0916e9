"""Read a backup into an empty database, in one transaction: all of it, checked, or nothing.

The migrations make the schema anew, as it was when the backup was taken; then come the rows;
then the migrations since. What pages is held before anybody can see the database.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from msgspec import Struct
from psycopg import (
    Connection,
    DataError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    sql,
)
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege, InvalidCatalogName, ObjectInUse

from tocsin.kernel import backup_tables as found
from tocsin.kernel import migrations
from tocsin.kernel.backup import SESSION
from tocsin.kernel.backup_file import (
    FORMAT,
    HEAD,
    MANIFEST,
    Content,
    Head,
    Manifest,
    Table,
    Tally,
    members,
    read,
)
from tocsin.kernel.db import connect
from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.events import leaf_hash
from tocsin.kernel.held_jobs import HOLD
from tocsin.kernel.ids import uuid7
from tocsin.kernel.migrations import Migration

_LOG_PART = 5000


class Restored(Struct, frozen=True, kw_only=True):
    """What was read and found to be as it was."""

    head: Head
    manifest: Manifest
    newer: tuple[str, ...]  # migrations that this Tocsin has added

    @property
    def row_count(self) -> int:
        """How many rows all tables have."""
        return sum(content.rows for content in self.manifest.tables.values())


def restore(conninfo: str, source: IO[bytes], *, hold: Sequence[str]) -> Restored:
    """Fill an empty database; jobs of the kinds `hold` wait until somebody lets them go.

    Raises `Conflict` for a database that is not empty and for a backup of a newer Tocsin, and
    `Invalid` for a file that is not as it was written. Then the database is as it was.
    """
    known = migrations.load()
    ours = found.schemas(known)
    parts = members(source)
    head = _head(parts, known)
    with connect(conninfo, application_name="tocsin restore", statement_limit_s=0) as conn:
        conn.execute(SESSION)
        with migrations.one_at_a_time(conn), conn.transaction():
            _limitless(conn)
            if not found.is_empty(conn, ours):
                raise Conflict(
                    "the database is not empty; restore into a new one: another TOCSIN_DATA_DIR,"
                    " or `createdb` and TOCSIN_DATABASE_URL"
                )
            wanted = {one.number for one in head.migrations}
            migrations.rebuild(conn, [one for one in known if one.number in wanted])
            _limitless(conn)
            manifest = _fill(conn, head, parts)
            check_log(conn, manifest)
            newer = [one for one in known if one.number not in wanted]
            migrations.rebuild(conn, newer)
            conn.execute(HOLD, {"kinds": list(hold), "now": _now(conn), "reason": "restored"})
        conn.execute("ANALYZE")
    return Restored(head=head, manifest=manifest, newer=tuple(one.file_name for one in newer))


def check_log(conn: Connection[Any], manifest: Manifest) -> None:
    """Read the whole log: no place is missing and every leaf is its line's. Raises Invalid."""
    seq = 0
    with conn.cursor(name="log") as cursor:
        cursor.itersize = _LOG_PART
        cursor.execute("SELECT seq, line, leaf FROM kernel.log ORDER BY seq")
        for found_seq, line, leaf in cursor:
            if found_seq != seq:
                raise Invalid(f"the log has no record {seq}: the backup is not whole")
            if bytes(leaf) != leaf_hash(line):
                raise Invalid(
                    f"record {seq} of the log is not what was hashed when it was sealed"
                )
            seq += 1
    size = conn.execute("SELECT size FROM kernel.log_head").fetchone()
    if size != (seq,) or manifest.log_size != seq:
        raise Invalid(
            f"the log has {seq} records, and should have {manifest.log_size}: the backup is not"
            " whole"
        )


@contextmanager
def scratch(admin: str, *, owner: str | None) -> Iterator[str]:
    """Make an empty database beside the one that `admin` leads to, and drop it afterwards.

    Raises `Conflict` where that is not allowed.
    """
    with connect(admin, application_name="tocsin restore", statement_limit_s=0) as conn:
        _sweep(conn)
        name = f"tocsin_verify_{conn.info.backend_pid}_{uuid7().hex}"
        try:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
            )
        except InsufficientPrivilege as error:
            user = conninfo_to_dict(admin).get("user") or "the database's user"
            raise Conflict(
                f"{user} may not create a database to verify in; grant it for a moment (ALTER"
                " ROLE … CREATEDB), or verify on another machine with the embedded PostgreSQL"
            ) from error
        try:
            if owner is not None:
                conn.execute(
                    sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                        sql.Identifier(name), sql.Identifier(owner)
                    )
                )
            parts = {"dbname": name} if owner is None else {"dbname": name, "user": owner}
            yield make_conninfo(admin, **parts)
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _sweep(conn: Connection[Any]) -> None:
    """Drop what verifications that were killed have left: nobody is in it, and its maker is gone."""
    left = conn.execute(
        """
        SELECT datname
          FROM pg_database d
         WHERE datname ~ '^tocsin_verify_([0-9]+_)?[0-9a-f]+$'
           AND pg_has_role(datdba, 'USAGE')
           AND NOT EXISTS (SELECT 1
                             FROM pg_stat_activity a
                            WHERE a.datname = d.datname
                               OR a.pid::text = split_part(d.datname, '_', 3))
        """
    ).fetchall()
    for (name,) in left:
        with suppress(InvalidCatalogName, ObjectInUse):  # another verification was faster
            conn.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _head(parts: Iterator[tuple[str, bytes]], known: Sequence[Migration]) -> Head:
    name, content = next(parts, ("", b""))
    if name != HEAD:
        raise Invalid(
            "this is no backup of Tocsin: it does not begin with head.json", field="FILE"
        )
    head = read(content, Head)
    if head.format != FORMAT:
        raise Conflict(f"the backup has format {head.format}; restore it with {_writer(head)}")
    ours = {one.number: one.sha256 for one in known}
    for one in head.migrations:
        if ours.get(one.number) != one.sha256:
            raise Conflict(
                f"the backup has a migration that this Tocsin has not ({one.file}); restore it"
                f" with {_writer(head)}, or a later one"
            )
    return head


def _writer(head: Head) -> str:
    return f"Tocsin {head.tocsin}, which has written it"


def _fill(conn: Connection[Any], head: Head, parts: Iterator[tuple[str, bytes]]) -> Manifest:
    """Copy every table in, and compare with the manifest at the end of the file."""
    names = [found.identifier(table.name) for table in head.tables]
    with _refusing(HEAD):
        # migrations have put first rows into some of them
        conn.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))
        _part(conn, head)
    tables = {table.name: table for table in head.tables}
    contents: dict[str, Content] = {table.name: Tally().content for table in head.tables}
    name, content = next(parts, ("", b""))
    while name.startswith("tables/"):
        table = name.split("/")[1]
        if table not in tables:
            raise Invalid(f"{name} is in the backup, and not in its head", field="FILE")
        tally = Tally()
        with (
            _refusing(table),
            conn.cursor() as cursor,
            cursor.copy(_copy_in(tables[table])) as copy,
        ):
            while name.startswith(f"tables/{table}/"):
                tally.add(content)
                copy.write(content)
                name, content = next(parts, ("", b""))
        contents[table] = tally.content
    if name != MANIFEST:
        raise Invalid("the backup ends too soon: it has no manifest", field="FILE")
    manifest = read(content, Manifest)
    _compare(contents, manifest)
    with _refusing(MANIFEST):
        for one in manifest.sequences:
            conn.execute("SELECT setval(%s, %s, %s)", [one.name, one.last_value, one.is_called])
    return manifest


def _part(conn: Connection[Any], head: Head) -> None:
    """Make the partitions that the migrations have not made."""
    for partition in head.partitions:
        if conn.execute("SELECT to_regclass(%s)", [partition.name]).fetchone() == (None,):
            conn.execute(
                sql.SQL("CREATE TABLE {} PARTITION OF {} " + partition.bound).format(
                    found.identifier(partition.name), found.identifier(partition.parent)
                )
            )


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Tell as damage what PostgreSQL does not take; its own words would quote rows."""
    try:
        yield
    except InsufficientPrivilege:
        raise
    except (DataError, IntegrityError, ProgrammingError, NotSupportedError) as error:
        raise Invalid(
            f"{what}: PostgreSQL does not take what it says ({type(error).__name__}); the file"
            " was changed or damaged, take another one",
            field="FILE",
        ) from None


def _copy_in(table: Table) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        found.identifier(table.name), found.columns_of(table)
    )


def _compare(contents: dict[str, Content], manifest: Manifest) -> None:
    for name in sorted({*contents, *manifest.tables}):
        got, said = contents.get(name), manifest.tables.get(name)
        if got != said:
            raise Invalid(
                f"{name}: {got.rows if got else 0} rows arrived, {said.rows if said else 0} were"
                " written, or not these; the file was changed or damaged",
                field="FILE",
            )


def _limitless(conn: Connection[Any]) -> None:
    """Take the short limits of migrations away again."""
    conn.execute(
        "SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)"
    )


def _now(conn: Connection[Any]) -> object:
    row = conn.execute("SELECT now()").fetchone()
    return row[0] if row else None
