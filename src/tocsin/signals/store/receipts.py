"""Rows of requests: kept, taken to be sorted, archived or set aside."""

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from psycopg import AsyncConnection

from tocsin.kernel.copying import copy_in, field, micros, text
from tocsin.signals.model import Receipt

_fixed = struct.Struct("!hihi16siqi16s").pack


def _row(receipt: Receipt) -> bytes:
    head = _fixed(
        7, 2, receipt.lane, 16, receipt.id.bytes, 8, micros(receipt.received_at),
        16, receipt.actor_id.bytes,
    )  # fmt: skip
    return head + _sender(receipt.integration, receipt.format) + field(receipt.body)


@lru_cache(maxsize=1024)
def _sender(integration: str, form: str) -> bytes:
    return text(integration) + text(form)  # the same ones come again


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


async def take(
    conn: AsyncConnection[Any],
    *,
    lanes: int,
    limit: int,
    senders: Sequence[str] | None = None,
    or_before: datetime | None = None,
) -> list[Receipt]:
    """Lock up to `lanes` free lanes that have work and move their oldest receipts out of the inbox.

    The lane locks last until the transaction ends; that, and not a clock, keeps two sorters
    off one lane. Receipts come back in the order in which they were received. No lane gives
    more than its double share, so that what is taken costs the same however much waits. With
    `senders`, what others sent stays unless it came `or_before` that.
    """
    held = await _free_lanes(conn, lanes)
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
                                    AND (%(senders)s::text[] IS NULL
                                         OR integration = ANY (%(senders)s)
                                         OR received_at < %(or_before)s)
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
        {
            "held": held,
            "limit": limit,
            "share": min(limit, 8 + 2 * limit // len(held)),
            "senders": None if senders is None else list(senders),
            "or_before": or_before,
        },
        binary=True,
    )
    return sorted((Receipt(*row) for row in await cursor.fetchall()), key=lambda r: r.id.int)


async def _free_lanes(conn: AsyncConnection[Any], lanes: int) -> list[int]:
    """Lock lanes that have work, those with the oldest first."""
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
    return [row[0] for row in await cursor.fetchall()]


async def take_light(
    conn: AsyncConnection[Any], *, waiting_max: int, limit: int
) -> tuple[list[Receipt], list[str]]:
    """Move all receipts of integrations that have few of them waiting out of the inbox.

    With it come the names of those that have more. `limit` cuts them evenly: the first of each
    integration, then the second of each. Waits for nobody: where a sorter of lanes has the first
    of an integration, the later ones stay, so that what it sent stays in order.
    """
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
        SELECT w.id, w.lane, s.integration, w.count
          FROM senders s
         CROSS JOIN LATERAL (SELECT id, lane, row_number() OVER (ORDER BY id) AS nth,
                                    count(*) OVER () AS count
                               FROM (SELECT id, lane
                                       FROM signals.inbox
                                      WHERE integration = s.integration
                                      ORDER BY id
                                      LIMIT %(seen)s) AS first) AS w
         WHERE s.integration IS NOT NULL AND (w.count < %(seen)s OR w.nth = 1)
         ORDER BY w.nth, w.id
        """,
        {"seen": waiting_max + 1},
    )
    found = await cursor.fetchall()
    light = [row for row in found if row[3] <= waiting_max][:limit]
    heavy = [row[2] for row in found if row[3] > waiting_max]
    return await _take_rows(conn, light), heavy


async def _take_rows(
    conn: AsyncConnection[Any], rows: Sequence[tuple[Any, ...]]
) -> list[Receipt]:
    if not rows:
        return []
    cursor = await conn.execute(
        """
        WITH asked AS (
            SELECT id, lane, integration
              FROM unnest(%(ids)s::uuid[], %(lanes)s::smallint[], %(senders)s::text[])
                   AS a(id, lane, integration)
        ), mine AS MATERIALIZED (
            SELECT i.lane, i.id, i.integration
              FROM asked a
              JOIN signals.inbox i ON i.lane = a.lane AND i.id = a.id
               FOR UPDATE OF i SKIP LOCKED
        ), others AS (
            SELECT a.id, a.integration
              FROM asked a
             WHERE a.id NOT IN (SELECT id FROM mine)
        )
        DELETE FROM signals.inbox i
         USING mine
         WHERE i.lane = mine.lane AND i.id = mine.id
           AND NOT EXISTS (SELECT 1 FROM others o
                            WHERE o.integration = mine.integration AND o.id < mine.id)
        RETURNING i.id, i.lane, i.received_at, i.actor_id, i.integration, i.format, i.body
        """,
        {
            "ids": [row[0] for row in rows],
            "lanes": [row[1] for row in rows],
            "senders": [row[2] for row in rows],
        },
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
