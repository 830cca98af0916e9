"""Write the whole database into one file: one snapshot, every table of ours, by COPY.

No program of PostgreSQL's is needed, and the file can be read by any later Tocsin into any
PostgreSQL that this Tocsin works with.
"""

from collections.abc import Iterator
from typing import IO, Any

from msgspec import Struct
from psycopg import Connection, sql

import tocsin
from tocsin.kernel import backup_tables as found
from tocsin.kernel import migrations
from tocsin.kernel.backup_file import (
    FORMAT,
    HEAD,
    MANIFEST,
    Applied,
    Block,
    Head,
    Manifest,
    Table,
    writing,
)
from tocsin.kernel.db import connect
from tocsin.kernel.errors import Conflict

SESSION = """
    SELECT set_config('client_encoding', 'UTF8', false),
           set_config('DateStyle', 'ISO, YMD', false),
           set_config('IntervalStyle', 'postgres', false),
           set_config('TimeZone', 'UTC', false),
           set_config('bytea_output', 'hex', false),
           set_config('extra_float_digits', '1', false),
           set_config('statement_timeout', '0', false),
           set_config('idle_in_transaction_session_timeout', '0', false)
"""
"""How values are spelled, on both sides, and no limit: a large database takes its time."""


class BackedUp(Struct, frozen=True, kw_only=True):
    """What was written."""

    head: Head
    manifest: Manifest

    @property
    def row_count(self) -> int:
        """How many rows all tables have."""
        return sum(content.rows for content in self.manifest.tables.values())


def back_up(conninfo: str, out: IO[bytes]) -> BackedUp:
    """Write everything that was committed at one instant to `out`, while Tocsin runs or not.

    Raises `Conflict` for a database without Tocsin, and for one of a newer Tocsin.
    """
    status = migrations.status(conninfo)
    if not status.applied_count:
        raise Conflict(
            "there is no Tocsin in this database; TOCSIN_DATABASE_URL or TOCSIN_DATA_DIR must"
            " name the one that is to be backed up"
        )
    ours = found.schemas(migrations.load())
    with connect(conninfo, application_name="tocsin backup", statement_limit_s=0) as conn:
        conn.execute(SESSION)
        conn.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        head = _head(conn, ours)
        with writing(out, head.taken_at) as writer:
            writer.add_struct(HEAD, head)
            contents = {
                table.name: writer.add_table(table.name, _rows(conn, table))
                for table in head.tables
            }
            manifest = Manifest(
                tables=contents, sequences=found.sequences(conn, ours), **_log(conn)
            )
            writer.add_struct(MANIFEST, manifest)
        conn.execute("COMMIT")
    return BackedUp(head=head, manifest=manifest)


def _head(conn: Connection[Any], ours: list[str]) -> Head:
    now = conn.execute("SELECT now()").fetchone()
    applied = conn.execute(
        """
        SELECT number, to_char(number, 'FM0000') || '_' || phase || '_' || name || '.sql', sha256
          FROM kernel.migrations
         ORDER BY number
        """
    )
    return Head(
        format=FORMAT,
        tocsin=tocsin.__version__,
        postgresql=conn.info.server_version // 10_000,
        taken_at=now[0] if now else None,  # type: ignore[arg-type]
        migrations=tuple(
            Applied(number=number, file=file, sha256=sha256) for number, file, sha256 in applied
        ),
        tables=found.tables(conn, ours),
        partitions=found.partitions(conn, ours),
    )


def _rows(conn: Connection[Any], table: Table) -> Iterator[Block]:
    # a query and not the table, which may be partitioned
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        found.columns_of(table), found.identifier(table.name)
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        yield from copy


def _log(conn: Connection[Any]) -> dict[str, Any]:
    row = conn.execute(
        """
        SELECT (SELECT size FROM kernel.log_head), (SELECT count(*) FROM kernel.intake_log)
        """
    ).fetchone()
    return {"log_size": row[0], "unsealed_count": row[1]} if row else {}
