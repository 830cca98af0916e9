"""The schema as it is after all migrations, in words that any PostgreSQL from 15 on says alike."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.rows import TupleRow

pytestmark = pytest.mark.db

OURS = "nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public')"
TABLES = f"""
    SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind = 'p',
           pg_get_partkeydef(c.oid), array_to_string(c.reloptions, ', ')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE {OURS} AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY 2
"""
COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid), a.attidentity <> '', a.attstorage <> t.typstorage,
           a.attstorage::text
      FROM pg_attribute a
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attnum
"""
# PostgreSQL 18 lists NOT NULL ('n') among the constraints, 15 does not
CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid)
      FROM pg_constraint
     WHERE conrelid = %(table)s AND contype <> 'n'
     ORDER BY contype DESC, conname
"""
INDEXES = """
    SELECT pg_get_indexdef(i.indexrelid)
      FROM pg_index i
     WHERE i.indrelid = %(table)s
       AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)
     ORDER BY 1
"""
OTHERS = f"""
    SELECT format('SEQUENCE %I.%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE {OURS} AND c.relkind = 'S'
    UNION ALL
    SELECT format('VIEW %I.%I AS %s', n.nspname, c.relname, pg_get_viewdef(c.oid))
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE {OURS} AND c.relkind IN ('v', 'm')
    UNION ALL
    SELECT pg_get_functiondef(p.oid)
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE {OURS}
    UNION ALL
    SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT format('EXTENSION %I', extname) FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL
    SELECT format('TYPE %I.%I', n.nspname, t.typname)
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE {OURS} AND t.typtype IN ('e', 'd')
    ORDER BY 1
"""


def test_the_schema_is_as_agreed(dsn: str, golden: Callable[[str, str], None]) -> None:
    with psycopg.connect(dsn) as conn:
        parts = [_table(conn, row) for row in conn.execute(TABLES).fetchall()]
        parts += [f"{text.strip()};" for (text,) in conn.execute(OTHERS).fetchall()]
    golden("schema.sql", "\n\n".join(parts) + "\n")


def _table(conn: psycopg.Connection[TupleRow], row: TupleRow) -> str:
    oid, name, is_partitioned, key, options = row
    lines = [_column(column) for column in conn.execute(COLUMNS, {"table": oid})]
    for constraint, definition in conn.execute(CONSTRAINTS, {"table": oid}):
        lines.append(f"CONSTRAINT {constraint} {definition}")
    text = f"CREATE TABLE {name} (\n    " + ",\n    ".join(lines) + "\n)"
    text += f" PARTITION BY {key}" if is_partitioned else ""
    text += f" WITH ({options})" if options else ""
    indexes = [f"\n{definition};" for (definition,) in conn.execute(INDEXES, {"table": oid})]
    return f"{text};{''.join(indexes)}"


def _column(column: TupleRow) -> str:
    name, kind, not_null, default, identity, stored_otherwise, storage = column
    words = [name, kind]
    words += ["NOT NULL"] if not_null else []
    words += [f"DEFAULT {default}"] if default else []
    words += ["GENERATED ALWAYS AS IDENTITY"] if identity else []
    words += [f"STORAGE {storage}"] if stored_otherwise else []
    return " ".join(words)
