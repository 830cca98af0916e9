"""The row that says what is logged instead of what the settings say."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.governance.model import LogLevel
from tocsin.kernel.rows import struct_row


async def log_level(conn: AsyncConnection[Any], now: datetime) -> LogLevel | None:
    """Return what somebody has chosen, while it lasts."""
    async with conn.cursor(row_factory=struct_row(LogLevel)) as cursor:
        await cursor.execute(
            "SELECT level, until FROM governance.log_level WHERE until > %(now)s",
            {"now": now},
        )
        return await cursor.fetchone()


async def choose_log_level(conn: AsyncConnection[Any], chosen: LogLevel) -> None:
    """Log at this level until then, in every process."""
    await conn.execute(
        """
        INSERT INTO governance.log_level (level, until)
        VALUES (%(level)s, %(until)s)
            ON CONFLICT (one) DO UPDATE
           SET level = excluded.level, until = excluded.until
        """,
        {"level": chosen.level, "until": chosen.until},
    )


async def forget_log_level(conn: AsyncConnection[Any]) -> None:
    """Log as the settings say."""
    await conn.execute("DELETE FROM governance.log_level")
