"""What screens and readiness want to know of intake."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection


async def backlog(conn: AsyncConnection[Any], now: datetime) -> tuple[int, float]:
    """Return how many receipts are unsorted (an estimate is not enough) and the oldest one's age, s."""
    cursor = await conn.execute("SELECT count(*), min(received_at) FROM signals.inbox")
    row = await cursor.fetchone()
    if row is None or row[1] is None:
        return 0, 0.0
    return int(row[0]), max(0.0, (now - row[1]).total_seconds())


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
