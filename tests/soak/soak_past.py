"""A long past made of a short one: what a life of some minutes has left, again and again.

Copying a thousand incidents that were lived through the real path keeps every row as the product
writes it. Each copy is earlier by one window: in ids (UUIDv7, whose first 24 bits are the window)
and in every instant, and its words differ, so that indexes are as large and as mixed as they
would be.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection, Connection, sql
from soak_time import EPOCH, Postgres

from tocsin.signals import store as signals

WINDOW = timedelta(
    milliseconds=1 << 24
)  # 4 h 39 min: all ids in it begin with the same 24 bits
MARK = "k0000"  # stands in labels and words of what is copied
COPIED = (
    ("triage.alerts", "triage.groups", "command.incident_groups", "signals.receipts"),
    (
        "triage.alert_words", "command.incidents", "command.incident_pages", "command.notes",
        "oncall.pages", "oncall.notifications", "oncall.attempts", "governance.links",
    ),
    ("kernel.log",),
)  # fmt: skip
# whoever was meant stays who they are
KEPT = frozenset({"person_id", "acknowledged_by", "policy_id", "actor_id", "asked_person"})
HASHED = frozenset({"dedup_key", "hash"})
COUNTED = frozenset({"seq", "number", "incident_number"})


def window_of(at: datetime) -> str:
    """Return how ids of this instant begin."""
    return f"{(at - EPOCH) // WINDOW:06x}"


def next_window(at: datetime) -> datetime:
    """Return when the next window begins."""
    return EPOCH + ((at - EPOCH) // WINDOW + 1) * WINDOW


async def multiply(postgres: Postgres, lived_at: datetime, copies: int) -> None:
    """Copy all that was lived from `lived_at` on, so many times; nothing else runs."""
    instants = [lived_at - n * WINDOW for n in range(copies + 1)]
    days = {(at + later).date() for at in instants for later in (timedelta(0), WINDOW / 2)}
    async with await AsyncConnection.connect(postgres.conninfo, autocommit=True) as conn:
        for day in sorted(days):
            await signals.add_partition(conn, day)
    with psycopg.connect(postgres.admin, autocommit=True) as conn:
        lived_count = _one(conn, "SELECT last FROM command.incident_numbers")
    copying = Copying(window_of(lived_at), copies, lived_count)
    with ThreadPoolExecutor(len(COPIED)) as threads:
        done = [threads.submit(_copy, postgres, tables, copying) for tables in COPIED]
        for one in done:
            one.result()
    with psycopg.connect(postgres.admin, autocommit=True) as conn:
        conn.execute("UPDATE kernel.log_head SET size = (SELECT max(seq) + 1 FROM kernel.log)")
        conn.execute(
            "UPDATE command.incident_numbers SET last = (SELECT max(number) FROM command.incidents)"
        )


class Copying(Struct, frozen=True):
    """How ids begin in what was lived, how often it is copied, and how many incidents it has."""

    window: str
    copies: int
    incident_count: int


def _copy(postgres: Postgres, tables: Sequence[str], copying: Copying) -> None:
    with psycopg.connect(postgres.admin, autocommit=True) as conn:
        conn.execute(
            "SET session_replication_role = replica"
        )  # references are copied with rows
        conn.execute("SET synchronous_commit = off")
        for table in tables:
            _copy_table(conn, table, copying)
            conn.execute(sql.SQL("VACUUM (ANALYZE) {}").format(_identifier(table)))


def _copy_table(conn: Connection[Any], table: str, copying: Copying) -> None:
    columns = conn.execute(
        """
        SELECT attname, format_type(atttypid, atttypmod)
          FROM pg_attribute
         WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
           AND attgenerated = ''
         ORDER BY attnum
        """,
        {"table": table},
    ).fetchall()
    conn.execute(
        sql.SQL("CREATE TEMP TABLE lived AS SELECT * FROM {}").format(_identifier(table))
    )
    numbers = {"number": copying.incident_count, "incident_number": copying.incident_count}
    if table == "kernel.log":
        numbers["seq"] = _one(conn, "SELECT max(seq) + 1 FROM lived")
    statement = sql.SQL("INSERT INTO {table} ({names}) SELECT {values} FROM lived").format(
        table=_identifier(table),
        names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        values=sql.SQL(", ").join(sql.SQL(_value(name, kind)) for name, kind in columns),
    )
    for turn, back in enumerate(range(copying.copies, 0, -1), start=1):
        conn.execute(
            statement,
            {
                "window": copying.window,
                "other": f"{int(copying.window, 16) - back:06x}",
                "mark": MARK,
                "word": f"k{back:04d}",
                "back": back * WINDOW,
                "salt": f"{back}",
                **{f"add_{name}": count * turn for name, count in numbers.items()},
            },
        )
    conn.execute("DROP TABLE lived")


def _one(conn: Connection[Any], statement: str) -> int:
    row = conn.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _value(name: str, kind: str) -> str:
    """Say, in SQL, what a column of a copy holds."""
    column = f'"{name}"'
    moved = f"replace({column}::text, %(window)s, %(other)s)"
    said = f"replace({moved}, %(mark)s, %(word)s)"
    if name in KEPT:
        return column
    if name in COUNTED and kind == "bigint":
        return f"{column} + %(add_{name})s"
    if name == "leaf":  # RFC 6962
        line = said.replace(column, "line")
        return rf"sha256('\x00'::bytea || convert_to({line}, 'UTF8'))"
    if name in HASHED:
        return f"decode(md5(encode({column}, 'hex') || %(salt)s), 'hex')"
    return {
        "timestamp with time zone": f"{column} - %(back)s::interval",
        "uuid": f"{moved}::uuid",
        "uuid[]": f"{moved}::uuid[]",
        "text": said,
        "jsonb": f"{said}::jsonb",
        "tsvector": f"{said}::tsvector",
    }.get(kind, column)


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
