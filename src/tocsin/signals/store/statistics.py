"""What integrations sent, in numbers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.kernel.ids import uuid7
from tocsin.kernel.rows import as_json
from tocsin.signals.core.tally import ERRORS_KEPT, Counted, minute_of


async def add_statistics(
    conn: AsyncConnection[Any], found: Mapping[str, Counted], now: datetime
) -> None:
    """Add what was counted since the last look; rows in one order, so that nobody waits in a circle."""
    await conn.execute(
        """
        INSERT INTO signals.integration_stats AS s
               (integration, format, first_at, last_message_at, last_error_at, last_error,
                messages, signals, refusals)
        SELECT integration, format, %(now)s, last_message_at, last_error_at, last_error,
               messages, signals, refusals
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(integration text, format text, last_message_at timestamptz,
                    last_error_at timestamptz, last_error text, messages bigint,
                    signals bigint, refusals bigint)
         ORDER BY integration
            ON CONFLICT (integration) DO UPDATE
           SET format = coalesce(nullif(excluded.format, ''), s.format),
               last_message_at = greatest(s.last_message_at, excluded.last_message_at),
               last_error = CASE WHEN excluded.last_error_at IS NULL THEN s.last_error
                                 ELSE excluded.last_error END,
               last_error_at = greatest(s.last_error_at, excluded.last_error_at),
               messages = s.messages + excluded.messages,
               signals = s.signals + excluded.signals,
               refusals = s.refusals + excluded.refusals
        """,
        {"rows": _counts(found), "now": now},
    )


async def add_minutes(
    conn: AsyncConnection[Any], found: Mapping[str, Counted], now: datetime
) -> None:
    """Add the same to the minute it is now."""
    await conn.execute(
        """
        INSERT INTO signals.integration_minutes AS m
               (integration, minute, messages, signals, refusals)
        SELECT integration, %(minute)s, messages, signals, refusals
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(integration text, messages integer, signals integer, refusals integer)
         ORDER BY integration
            ON CONFLICT (integration, minute) DO UPDATE
           SET messages = m.messages + excluded.messages,
               signals = m.signals + excluded.signals,
               refusals = m.refusals + excluded.refusals
        """,
        {"rows": _counts(found), "minute": minute_of(now)},
    )


def _counts(found: Mapping[str, Counted]) -> str:
    rows = [
        {
            "integration": name, "format": one.format, "last_message_at": one.last_message_at,
            "last_error_at": one.mishaps[-1].at if one.mishaps else None,
            "last_error": one.mishaps[-1].error if one.mishaps else "",
            "messages": one.messages, "signals": one.signals, "refusals": one.refusals,
        }
        for name, one in sorted(found.items())
    ]  # fmt: skip
    return as_json(rows)


async def add_refusals(conn: AsyncConnection[Any], found: Mapping[str, Counted]) -> None:
    """Keep the newest refusals of each integration, by word."""
    rows = [
        {"id": uuid7(), "integration": name, "at": m.at, "status": m.status, "error": m.error}
        for name, one in sorted(found.items())
        for m in one.mishaps
    ]
    if not rows:
        return
    await conn.execute(
        """
        INSERT INTO signals.integration_errors (id, integration, at, status, error)
        SELECT id, integration, at, status, error
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(id uuid, integration text, at timestamptz, status smallint, error text)
        """,
        {"rows": as_json(rows)},
    )
    await conn.execute(
        """
        DELETE FROM signals.integration_errors e
         USING unnest(%(names)s::text[]) AS n(integration)
         WHERE e.integration = n.integration
           AND e.id NOT IN (SELECT id FROM signals.integration_errors
                             WHERE integration = n.integration
                             ORDER BY at DESC, id DESC LIMIT %(kept)s)
        """,
        {"names": list({row["integration"] for row in rows}), "kept": ERRORS_KEPT},
    )


async def forget_minutes(conn: AsyncConnection[Any], before: datetime) -> None:
    """Drop the minutes that no rate is made of any more."""
    await conn.execute(
        "DELETE FROM signals.integration_minutes WHERE minute < %(before)s", {"before": before}
    )
