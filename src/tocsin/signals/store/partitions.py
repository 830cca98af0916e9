"""The days that sorted receipts are kept in, one partition each."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from psycopg import AsyncConnection, sql


async def partitions(conn: AsyncConnection[Any]) -> set[date]:
    """Return the days that receipts have a partition for."""
    cursor = await conn.execute(
        """
        SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
          FROM pg_inherits h
          JOIN pg_class c ON c.oid = h.inhrelid
         WHERE h.inhparent = 'signals.receipts'::regclass
        """
    )
    return {row[0] for row in await cursor.fetchall()}


async def add_partition(conn: AsyncConnection[Any], day: date) -> None:
    """Make room for the receipts of `day`; several processes may ask at once."""
    name, end = f"receipts_{day:%Y%m%d}", day + timedelta(days=1)
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": 0x70C53})
        await conn.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS signals.{name} PARTITION OF signals.receipts"
                " FOR VALUES FROM ({start}) TO ({end})"
            ).format(
                name=sql.Identifier(name),
                start=sql.Literal(f"{day} 00:00:00+00"),
                end=sql.Literal(f"{end} 00:00:00+00"),
            )
        )
        # receipts are written once and read rarely: inline, uncompressed, as in the inbox
        await conn.execute(
            sql.SQL("ALTER TABLE signals.{name} SET (toast_tuple_target = 8160)").format(
                name=sql.Identifier(name)
            )
        )
        await conn.execute(
            sql.SQL("ALTER TABLE signals.{name} ALTER COLUMN body SET STORAGE EXTERNAL").format(
                name=sql.Identifier(name)
            )
        )


async def drop_partitions(conn: AsyncConnection[Any], days: Sequence[date]) -> None:
    """Forget the receipts of `days`, whole partitions at a time."""
    for day in days:
        await conn.execute(
            sql.SQL("DROP TABLE IF EXISTS signals.{name}").format(
                name=sql.Identifier(f"receipts_{day:%Y%m%d}")
            )
        )
