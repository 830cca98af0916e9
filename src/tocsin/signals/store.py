"""Intake's rows. The only module that names the tables of schema `signals` for writing."""

import struct
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from psycopg import AsyncConnection, sql

from tocsin.kernel.copying import copy_in, field, micros, text
from tocsin.signals.model import Receipt

_fixed = struct.Struct("!hihi16siqi16s").pack


def _row(receipt: Receipt) -> bytes:
    head = _fixed(
        7, 2, receipt.lane, 16, receipt.id.bytes, 8, micros(receipt.received_at),
        16, receipt.actor_id.bytes,
    )  # fmt: skip
    sender = text(receipt.integration) + text(receipt.format)
    return head + sender + field(receipt.body)


async def keep(conn: AsyncConnection[Any], receipts: Iterable[Receipt]) -> None:
    """Write many receipts in one statement; durable once this returns outside a transaction."""
    await copy_in(
        conn,
        """
        COPY signals.inbox (lane, id, received_at, actor_id, integration, format, body)
        FROM STDIN (FORMAT BINARY)
        """,
        map(_row, receipts),
    )


async def take(conn: AsyncConnection[Any], *, lanes: int, limit: int) -> list[Receipt]:
    """Lock up to `lanes` free lanes that have work and move their oldest receipts out of the inbox.

    The lane locks last until the transaction ends; that, and not a clock, keeps two sorters
    off one lane. Receipts come back in the order in which they were received. No lane gives
    more than its double share, so that what is taken costs the same however much waits.
    """
    cursor = await conn.execute(
        """
        SELECT l.lane
          FROM signals.lanes l
         CROSS JOIN LATERAL (SELECT id
                               FROM signals.inbox
                              WHERE lane = l.lane
                              ORDER BY id
                              LIMIT 1) i
         ORDER BY i.id
         LIMIT %(lanes)s
           FOR UPDATE OF l SKIP LOCKED
        """,
        {"lanes": lanes},
    )
    held = [row[0] for row in await cursor.fetchall()]
    if not held:
        return []
    cursor = await conn.execute(
        """
        WITH oldest AS (
            SELECT i.lane, i.id
              FROM unnest(%(held)s::smallint[]) AS l(lane)
             CROSS JOIN LATERAL (SELECT lane, id
                                   FROM signals.inbox
                                  WHERE lane = l.lane
                                  ORDER BY id
                                  LIMIT %(share)s) i
             ORDER BY i.id
             LIMIT %(limit)s
        )
        DELETE FROM signals.inbox i
         USING oldest
         WHERE i.lane = oldest.lane AND i.id = oldest.id
        RETURNING i.id, i.lane, i.received_at, i.actor_id, i.integration, i.format, i.body
        """,
        {"held": held, "limit": limit, "share": min(limit, 8 + 2 * limit // len(held))},
        binary=True,
    )
    return sorted((Receipt(*row) for row in await cursor.fetchall()), key=lambda r: r.id.int)


async def archive(conn: AsyncConnection[Any], receipts: Iterable[Receipt]) -> None:
    """Keep sorted receipts for as long as raw signals are kept."""
    await copy_in(
        conn,
        """
        COPY signals.receipts (lane, id, received_at, actor_id, integration, format, body)
        FROM STDIN (FORMAT BINARY)
        """,
        map(_row, receipts),
    )


async def remove(conn: AsyncConnection[Any], receipt: Receipt) -> bool:
    """Take one receipt out of the inbox; False when somebody else has."""
    cursor = await conn.execute(
        "DELETE FROM signals.inbox WHERE lane = %(lane)s AND id = %(id)s",
        {"lane": receipt.lane, "id": receipt.id},
    )
    return cursor.rowcount == 1


async def set_aside(conn: AsyncConnection[Any], receipt: Receipt, error: str) -> None:
    """Keep a receipt that no rule could read."""
    await conn.execute(
        """
        INSERT INTO signals.unsortable (id, received_at, integration, format, body, error)
        VALUES (%(id)s, %(received_at)s, %(integration)s, %(format)s, %(body)s, %(error)s)
        """,
        {
            "id": receipt.id,
            "received_at": receipt.received_at,
            "integration": receipt.integration,
            "format": receipt.format,
            "body": receipt.body,
            "error": error[:2000],
        },
    )


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
