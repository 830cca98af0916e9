"""Gives committed events their place in the log: dense `seq`, leaf hash, in (stamp, ordinal) order.

Any number may run; an advisory lock makes one active. The Merkle tree and signed checkpoints
come on top of the leaves and change none of them.
"""

from typing import Any

from psycopg import AsyncConnection

from tocsin.kernel.events import leaf_hash
from tocsin.kernel.rows import as_json

LOCK = 0x70C51  # advisory: the active sealer
CHANNEL = "tocsin_log"
BATCH = 2000


async def seal(conn: AsyncConnection[Any]) -> int:
    """Seal up to BATCH events in one transaction and tell listeners; return how many.

    Returns 0 also when another process is sealing. A transaction that commits late is simply
    in the next batch: no gap, no loss.
    """
    async with conn.transaction():
        cursor = await conn.execute(
            "SELECT pg_try_advisory_xact_lock(%(lock)s)", {"lock": LOCK}
        )
        row = await cursor.fetchone()
        if row is None or not row[0]:
            return 0
        cursor = await conn.execute(
            """
            SELECT id, line
              FROM kernel.intake_log
             ORDER BY stamp, ordinal
             LIMIT %(batch)s
            """,
            {"batch": BATCH},
        )
        rows = await cursor.fetchall()
        if not rows:
            return 0
        first = await _extend(conn, len(rows))
        leaves = [
            {"id": id_, "seq": first + n, "leaf": "\\x" + leaf_hash(text).hex()}
            for n, (id_, text) in enumerate(rows)
        ]
        await _move(conn, leaves)
        await conn.execute(
            "SELECT pg_notify(%(channel)s, %(seq)s)",
            {"channel": CHANNEL, "seq": str(first + len(rows) - 1)},
        )
        return len(rows)


async def _extend(conn: AsyncConnection[Any], count: int) -> int:
    """Make the log longer by `count` and return the first of the new places."""
    cursor = await conn.execute(
        "UPDATE kernel.log_head SET size = size + %(n)s RETURNING size - %(n)s", {"n": count}
    )
    head = await cursor.fetchone()
    if head is None:
        raise AssertionError("kernel.log_head has no row: the log does not know where it ends")
    return int(head[0])


async def _move(conn: AsyncConnection[Any], leaves: list[dict[str, Any]]) -> None:
    """Take events out of the intake and into their places."""
    await conn.execute(
        """
        WITH leaf AS (
            SELECT id, seq, leaf
              FROM jsonb_to_recordset(%(leaves)s::jsonb)
                   AS l(id uuid, seq bigint, leaf bytea)
        ), taken AS (
            DELETE FROM kernel.intake_log i
             USING leaf
             WHERE i.id = leaf.id
            RETURNING i.id, i.at, i.kind, i.subjects, i.line, leaf.seq, leaf.leaf
        )
        INSERT INTO kernel.log (seq, id, at, kind, subjects, line, leaf)
        SELECT seq, id, at, kind, subjects, line, leaf
          FROM taken
        """,
        {"leaves": as_json(leaves)},
    )
