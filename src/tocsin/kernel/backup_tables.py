"""What of a database is ours, by its own catalogue: tables, partitions, sequences."""

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

from psycopg import Connection, sql

from tocsin.kernel.backup_file import Partition, Sequence, Table
from tocsin.kernel.migrations import Migration

_SCHEMA = re.compile(r"^CREATE SCHEMA (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
_NOT_COPIED = (
    "kernel.migrations"  # it says what the migrations have done, and they are done again
)


def schemas(known: tuple[Migration, ...]) -> list[str]:
    """Return the schemas that the migrations make."""
    made = {name for one in known for name in _SCHEMA.findall(one.text)}
    return sorted({"kernel", *made})


def tables(conn: Connection[Any], ours: list[str]) -> tuple[Table, ...]:
    """Return our tables, what is referred to first; unlogged ones may be forgotten at any time."""
    rows = conn.execute(
        """
        SELECT n.nspname || '.' || c.relname,
               array_agg(a.attname::text ORDER BY a.attnum)
                   FILTER (WHERE a.attgenerated = '')
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE n.nspname = ANY(%(ours)s) AND c.relkind IN ('r', 'p')
           AND c.relpersistence = 'p' AND NOT c.relispartition
         GROUP BY n.nspname, c.relname
        """,
        {"ours": ours},
    ).fetchall()
    columns = {name: tuple(found) for name, found in rows if name != _NOT_COPIED}
    order = TopologicalSorter(_referred_to(conn, columns)).static_order()
    return tuple(Table(name=name, columns=columns[name]) for name in order)


def _referred_to(
    conn: Connection[Any], known: Mapping[str, tuple[str, ...]]
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in sorted(known)}
    rows = conn.execute(
        """
        SELECT fn.nspname || '.' || f.relname, tn.nspname || '.' || t.relname
          FROM pg_constraint k
          JOIN pg_class f ON f.oid = k.conrelid
          JOIN pg_namespace fn ON fn.oid = f.relnamespace
          JOIN pg_class t ON t.oid = k.confrelid
          JOIN pg_namespace tn ON tn.oid = t.relnamespace
         WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid <> k.confrelid
        """
    )
    for name, other in rows:
        if name in found and other in known:
            found[name].add(other)
    return found


def partitions(conn: Connection[Any], ours: list[str]) -> tuple[Partition, ...]:
    """Return every partition with its bound, as PostgreSQL writes it."""
    rows = conn.execute(
        """
        SELECT pn.nspname || '.' || p.relname, n.nspname || '.' || c.relname,
               pg_get_expr(c.relpartbound, c.oid)
          FROM pg_inherits i
          JOIN pg_class c ON c.oid = i.inhrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_class p ON p.oid = i.inhparent
          JOIN pg_namespace pn ON pn.oid = p.relnamespace
         WHERE c.relispartition AND c.relkind = 'r' AND n.nspname = ANY(%(ours)s)
         ORDER BY 2
        """,
        {"ours": ours},
    )
    return tuple(
        Partition(parent=parent, name=name, bound=bound) for parent, name, bound in rows
    )


def sequences(conn: Connection[Any], ours: list[str]) -> tuple[Sequence, ...]:
    """Return where each sequence stands, also those behind identity columns."""
    names = conn.execute(
        """
        SELECT schemaname || '.' || sequencename
          FROM pg_sequences
         WHERE schemaname = ANY(%(ours)s)
         ORDER BY 1
        """,
        {"ours": ours},
    ).fetchall()
    found = []
    for (name,) in names:
        stands = conn.execute(
            sql.SQL("SELECT last_value, is_called FROM {}").format(identifier(name))
        ).fetchone()
        if stands is not None:
            found.append(Sequence(name=name, last_value=stands[0], is_called=stands[1]))
    return tuple(found)


def is_empty(conn: Connection[Any], ours: list[str]) -> bool:
    """Say whether nothing at all of ours is there."""
    row = conn.execute(
        """
        SELECT EXISTS (SELECT 1
                         FROM pg_class c
                         JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = ANY(%(ours)s))
        """,
        {"ours": ours},
    ).fetchone()
    return row == (False,)


def identifier(name: str) -> sql.Identifier:
    """Return `schema.table` as it stands in a statement."""
    return sql.Identifier(*name.split(".", 1))


def columns_of(table: Table) -> sql.Composable:
    """Return the columns of a table as they stand in a statement."""
    return sql.SQL(", ").join(map(sql.Identifier, table.columns))
