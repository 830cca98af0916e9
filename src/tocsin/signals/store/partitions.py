"""The days that sorted receipts are kept in, one partition each."""

from datetime import date, timedelta
from typing import Any

from psycopg import AsyncConnection, errors, sql


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
    """Make room for the receipts of `day`; several processes may ask at once.

    It is made apart and then attached: unlike a partition that is created in its place, that
    waits for nobody who reads receipts, and nobody who sorts waits behind it.
    """
    name, end = f"receipts_{day:%Y%m%d}", day + timedelta(days=1)
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": 0x70C53})
        if day in await partitions(conn):
            return
        await conn.execute(
            sql.SQL("CREATE TABLE signals.{name} (LIKE signals.receipts INCLUDING ALL)").format(
                name=sql.Identifier(name)
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
        await conn.execute(
            sql.SQL(
                "ALTER TABLE signals.receipts ATTACH PARTITION signals.{name}"
                " FOR VALUES FROM ({start}) TO ({end})"
            ).format(
                name=sql.Identifier(name),
                start=sql.Literal(f"{day} 00:00:00+00"),
                end=sql.Literal(f"{end} 00:00:00+00"),
            )
        )


async def drop_partition(conn: AsyncConnection[Any], day: date) -> bool:
    """Forget the receipts of `day`, a whole partition; False: somebody reads receipts just now.

    Whoever sorts would wait behind it until a backup has ended, so it hardly waits itself.
    """
    try:
        async with conn.transaction():
            await conn.execute("SET LOCAL lock_timeout = '100ms'")
            await conn.execute(
                sql.SQL("DROP TABLE IF EXISTS signals.{name}").format(
                    name=sql.Identifier(f"receipts_{day:%Y%m%d}")
                )
            )
    except errors.LockNotAvailable:
        return False
    return True
