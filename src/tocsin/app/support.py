"""A support bundle: what somebody who helps must know, without secrets and without people.

Nothing is taken out of free text: rows, log lines and errors of deliveries are left away, and
what stays are counts, sizes, versions and names of kinds.
"""

import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import LiteralString
from urllib.parse import unquote, urlsplit

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

import tocsin
from tocsin.cli.client import Check
from tocsin.kernel import migrations
from tocsin.kernel.db import connect
from tocsin.kernel.errors import Refused
from tocsin.kernel.logs import mask
from tocsin.kernel.settings import SECRETS, Settings

SHOWN = frozenset({
    "allow_networks", "apprise_disable", "data_dir", "host", "lag_limit_s", "log_level", "port",
    "retention_days", "roles", "trusted_proxies", "url",
})  # fmt: skip
"""Settings whose value stands in a bundle; of any other only whether it is set."""

_README = """\
A support bundle of Tocsin: doctor, settings, versions, schema, sizes and counts, metrics.

There are no secrets, no names or addresses of people, no texts of alerts, incidents or notes,
and no log lines in it. Tocsin writes its log to standard error, and the embedded PostgreSQL a
file a weekday below the data directory. If you add lines (`journalctl -u tocsin --since -1h`),
read them first: they may name hosts of yours.
"""
_QUERIES: dict[str, LiteralString] = {
    "tables": """
        SELECT schemaname || '.' || relname AS name, n_live_tup AS rows, n_dead_tup AS dead,
               pg_total_relation_size(relid) AS bytes, pg_indexes_size(relid) AS index_bytes,
               last_autovacuum::text, last_autoanalyze::text
          FROM pg_stat_user_tables
         ORDER BY pg_total_relation_size(relid) DESC
         LIMIT 200
    """,
    "jobs": """
        SELECT kind, mode, count(*) AS count, count(*) FILTER (WHERE due_at <= now()) AS due,
               count(leased_until) AS leased, count(parked_at) AS parked,
               max(attempts) AS attempts_max, min(due_at)::text AS oldest_due_at
          FROM kernel.jobs
         GROUP BY kind, mode
         ORDER BY kind
    """,
    "held": "SELECT kind, held_at::text, reason FROM kernel.held_jobs ORDER BY kind",
    "parked_reactions": """
        SELECT reaction, count(*) AS count, max(attempts) AS attempts_max
          FROM kernel.parked
         GROUP BY reaction
         ORDER BY reaction
    """,
    "log": """
        SELECT (SELECT size FROM kernel.log_head) AS size,
               (SELECT count(*) FROM kernel.intake_log) AS unsealed
    """,
    "events_of_a_day": """
        SELECT kind, count(*) AS count
          FROM kernel.log
         WHERE at > now() - interval '1 day'
         GROUP BY kind
         ORDER BY kind
    """,
    "connections": """
        SELECT application_name, state, wait_event_type, count(*) AS count
          FROM pg_stat_activity
         WHERE datname = current_database()
         GROUP BY application_name, state, wait_event_type
         ORDER BY application_name
    """,
    "postgresql": """
        SELECT name, setting, unit
          FROM pg_settings
         WHERE name IN ('server_version', 'max_connections', 'shared_buffers', 'work_mem',
                        'fsync', 'synchronous_commit', 'full_page_writes', 'max_wal_size',
                        'autovacuum', 'jit', 'TimeZone', 'transaction_read_only')
         ORDER BY name
    """,
}


def bundle(
    settings: Settings,
    checks: Sequence[Check],
    metrics: str,
    look: Callable[[], Mapping[str, object]],
) -> dict[str, bytes]:
    """Return the files of a bundle. What fails inside of it is said in it, and ends nothing."""
    try:
        database = look()
    except (Refused, psycopg.Error) as error:
        database = {"failed": f"{type(error).__name__}: {error}"}
    texts = {
        "README.txt": _README,
        "doctor.json": _json(checks),
        "settings.json": _json(shown(settings)),
        "versions.json": _json(versions()),
        "database.json": _json(database),
        "metrics.txt": metrics,
    }
    return {name: scrub(text, settings).encode() for name, text in texts.items()}


def shown(settings: Settings) -> dict[str, object]:
    """Return what of the settings may be seen by a stranger."""
    return {
        name: str(value) if name in SHOWN else ("set" if value else "not set")
        for name, value in msgspec.structs.asdict(settings).items()
    }


def versions() -> dict[str, str]:
    """Return the versions of everything that runs here."""
    found = {"tocsin": tocsin.__version__, "python": platform.python_version()}
    found |= {"machine": f"{platform.system()} {platform.release()} {platform.machine()}"}
    for one in sorted(metadata.distributions(), key=lambda dist: dist.name.lower()):
        found[one.name] = one.version
    return found


def look_into(conninfo: str) -> dict[str, object]:
    """Return what the database says of itself, in counts. Raises Refused and psycopg's errors."""
    status = migrations.status(conninfo)
    found: dict[str, object] = {
        "migrations": {
            "applied_count": status.applied_count,
            "pending": [one.file_name for one in (*status.pending, *status.pending_after)],
        }
    }
    with connect(conninfo, application_name="tocsin support", statement_limit_s=20) as conn:
        conn.execute("SET default_transaction_read_only = on")
        with conn.cursor(row_factory=dict_row) as cursor:
            for name, query in _QUERIES.items():
                try:
                    found[name] = cursor.execute(query).fetchall()
                except psycopg.Error as error:
                    found[name] = f"{type(error).__name__} {error.sqlstate}"
    return found


def scrub(text: str, settings: Settings) -> str:
    """Hide every secret of the settings wherever it stands, and the name of a home directory."""
    for secret in sorted(_secrets(settings), key=len, reverse=True):
        text = text.replace(secret, "***")
    return mask(text).replace(str(Path.home()), "~")


def _secrets(settings: Settings) -> set[str]:
    values: list[str] = []
    for name in SECRETS:
        value = getattr(settings, name)
        values += value if isinstance(value, tuple) else [value]
    found = {value for value in values if value}
    for value in (*values, settings.url):
        parts = urlsplit(value)
        found |= {part for part in (parts.password, unquote(parts.password or "")) if part}
    with suppress(psycopg.Error):  # what cannot be read is hidden as a whole
        found.add(str(conninfo_to_dict(settings.database_url).get("password") or ""))
    return found - {""}


def _json(value: object) -> str:
    encoded = msgspec.json.encode(value, enc_hook=str)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
