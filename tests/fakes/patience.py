"""Waiting for a condition, never for a while."""

import asyncio

from tocsin.kernel.db import Database


async def until_waiting(database: Database, count: int = 1) -> int:
    """Return once `count` statements wait for a lock: the backend of the newest of them."""
    async with asyncio.timeout(10), database.connection() as conn:
        while True:
            cursor = await conn.execute(
                """
                SELECT pid FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'
                 ORDER BY query_start DESC
                """
            )
            found = await cursor.fetchall()
            if len(found) >= count:
                return int(found[0][0])
