"""What screens, loops and readiness want to know of intake and of heartbeats."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from tocsin.kernel.errors import NotFound
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.signals.model import Heartbeat, KeptPing, Minute, Refusal, Standing, Statistics
from tocsin.signals.store import heartbeats as rows

WAITING_MAX = 10_000  # receipts looked at to say who waits; beyond that it is an estimate
HOUR = timedelta(hours=1)


async def oldest_at(conn: AsyncConnection[Any]) -> datetime | None:
    """Return when the oldest unsorted receipt came in; None: all is sorted."""
    cursor = await conn.execute(
        """
        SELECT min(i.received_at)
          FROM signals.lanes l
         CROSS JOIN LATERAL (SELECT received_at FROM signals.inbox
                              WHERE lane = l.lane ORDER BY id LIMIT 1) i
        """
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def oldest_by_sender(conn: AsyncConnection[Any]) -> dict[str, datetime]:
    """Return when the oldest unsorted receipt of each integration came in."""
    cursor = await conn.execute(
        """
        WITH RECURSIVE senders AS (
            (SELECT integration FROM signals.inbox ORDER BY integration LIMIT 1)
            UNION ALL
            SELECT (SELECT i.integration FROM signals.inbox i
                     WHERE i.integration > s.integration ORDER BY i.integration LIMIT 1)
              FROM senders s
             WHERE s.integration IS NOT NULL
        )
        SELECT s.integration, o.received_at
          FROM senders s
         CROSS JOIN LATERAL (SELECT received_at
                               FROM signals.inbox
                              WHERE integration = s.integration
                              ORDER BY id
                              LIMIT 1) AS o
         WHERE s.integration IS NOT NULL
        """
    )
    return dict(await cursor.fetchall())


async def statistics(unit: Unit, integration: str | None = None) -> list[Statistics]:
    """Return how integrations fare, by name; those that never sent anything are not among them."""
    unit.require("resource:read")
    async with unit.conn.cursor(row_factory=struct_row(Statistics)) as cursor:
        await cursor.execute(
            """
            SELECT integration, format, last_message_at, last_error_at, last_error,
                   messages, signals, refusals
              FROM signals.integration_stats
             WHERE %(name)s::text IS NULL OR integration = %(name)s
             ORDER BY integration
             LIMIT 1000
            """,
            {"name": integration},
        )
        return await cursor.fetchall()


async def last_hour(unit: Unit, integration: str | None = None) -> dict[str, list[Minute]]:
    """Return the minutes of the last hour in which something came, by integration."""
    unit.require("resource:read")
    cursor = await unit.conn.execute(
        """
        SELECT integration, minute, messages, signals, refusals
          FROM signals.integration_minutes
         WHERE minute > %(since)s AND (%(name)s::text IS NULL OR integration = %(name)s)
         ORDER BY minute
        """,
        {"since": unit.now - HOUR, "name": integration},
    )
    found: dict[str, list[Minute]] = {}
    for name, minute, messages, signals, refusals in await cursor.fetchall():
        found.setdefault(name, []).append(
            Minute(minute=minute, messages=messages, signals=signals, refusals=refusals)
        )
    return found


async def waiting(unit: Unit) -> Mapping[str, int]:
    """Return how many receipts of each integration are kept and not sorted yet."""
    unit.require("resource:read")
    cursor = await unit.conn.execute(
        """
        SELECT integration, count(*)
          FROM (SELECT integration FROM signals.inbox LIMIT %(most)s) AS i
         GROUP BY integration
        """,
        {"most": WAITING_MAX},
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def refusals(unit: Unit, integration: str, *, limit: int = 20) -> list[Refusal]:
    """Return the newest messages that were refused, or (status 0) could not be sorted."""
    unit.require("resource:read")
    async with unit.conn.cursor(row_factory=struct_row(Refusal)) as cursor:
        await cursor.execute(
            """
            SELECT at, status, error
              FROM (SELECT at, status, error
                      FROM signals.integration_errors
                     WHERE integration = %(name)s
                     UNION ALL
                    SELECT received_at, 0, error
                      FROM signals.unsortable
                     WHERE integration = %(name)s) AS found
             ORDER BY at DESC
             LIMIT %(limit)s
            """,
            {"name": integration, "limit": limit},
        )
        return await cursor.fetchall()


async def next_heartbeat(conn: AsyncConnection[Any]) -> datetime | None:
    """Return when somebody has to look at a heartbeat next; None: nothing is due."""
    return await rows.next_due(conn)


async def key_hashes(unit: Unit) -> set[bytes]:
    """Return the hashes of all keys with which somebody may ping."""
    unit.require("heartbeat:watch")
    return await rows.key_hashes(unit.conn)


async def heartbeats(
    unit: Unit, names: Collection[str] | None = None
) -> list[tuple[Heartbeat, Standing]]:
    """Return those of these heartbeats that there are, without `names` all, by name."""
    unit.require("heartbeat:read")
    known = unit.config(Heartbeats).by_name
    if names is not None:
        known = {name: known[name] for name in names if name in known}
    found = await rows.standings(unit.conn, [one.id for one in known.values()])
    there = sorted(name for name, one in known.items() if one.id in found)
    return [(known[name], found[known[name].id]) for name in there]


async def heartbeat(unit: Unit, name: str) -> tuple[Heartbeat, Standing, list[KeptPing]]:
    """Return one heartbeat, how it stands, and its newest pings. Raises NotFound."""
    unit.require("heartbeat:read")
    known = unit.config(Heartbeats).by_name.get(name)
    found = await rows.standings(unit.conn, [known.id]) if known else {}
    if known is None or known.id not in found:
        raise NotFound(f"no heartbeat {name!r}; `tocsin heartbeat list` shows those there are")
    return known, found[known.id], await rows.kept_pings(unit.conn, known.id)
