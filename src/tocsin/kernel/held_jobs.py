"""Kinds of jobs that wait, however overdue: a hold is rows, so every process keeps to it at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.rows import as_json, struct_row

HOLD: LiteralString = """
    INSERT INTO kernel.held_jobs (kind, held_at, reason)
    SELECT kind, %(now)s, %(reason)s
      FROM unnest(%(kinds)s::text[]) AS k(kind)
        ON CONFLICT (kind) DO NOTHING
"""
"""Also for a restore, which holds in the transaction that fills the database."""


class Held(Struct, frozen=True, kw_only=True):
    """Since when jobs of some kinds wait, and why."""

    held_at: datetime
    reason: str


async def hold(
    conn: AsyncConnection[Any], kinds: Sequence[str], now: datetime, reason: str
) -> bool:
    """Let jobs of these kinds wait; False where all of them did already."""
    values = {"kinds": list(kinds), "now": now, "reason": reason}
    cursor = await conn.execute(HOLD, values)
    return cursor.rowcount > 0


async def held(conn: AsyncConnection[Any]) -> Held | None:
    """Return since when any kind waits, or None."""
    async with conn.cursor(row_factory=struct_row(Held)) as cursor:
        await cursor.execute(
            """
            SELECT held_at, reason
              FROM kernel.held_jobs
             ORDER BY held_at
             LIMIT 1
            """
        )
        return await cursor.fetchone()


async def let_go(conn: AsyncConnection[Any], kinds: Sequence[str]) -> bool:
    """Let jobs of these kinds run again once this has committed; False where they could."""
    cursor = await conn.execute(
        "DELETE FROM kernel.held_jobs WHERE kind = ANY(%(kinds)s)", {"kinds": list(kinds)}
    )
    return cursor.rowcount > 0


async def put_off(conn: AsyncConnection[Any], due_at: Mapping[str, datetime]) -> None:
    """Make jobs, by their key, due no sooner than this: they were held, and now begin anew."""
    await conn.execute(
        """
        UPDATE kernel.jobs j
           SET due_at = greatest(j.due_at, d.due_at)
          FROM jsonb_to_recordset(%(due)s::jsonb) AS d(key text, due_at timestamptz)
         WHERE j.key = d.key
        """,
        {"due": as_json([{"key": key, "due_at": at} for key, at in due_at.items()])},
    )
