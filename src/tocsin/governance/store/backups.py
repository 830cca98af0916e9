"""The row that says when the database was backed up last."""

from typing import Any

from psycopg import AsyncConnection

from tocsin.governance.model import Backup
from tocsin.kernel.rows import struct_row


async def last_backup(conn: AsyncConnection[Any]) -> Backup | None:
    """Return the newest backup that was told of."""
    async with conn.cursor(row_factory=struct_row(Backup)) as cursor:
        await cursor.execute("SELECT taken_at, row_count, bytes FROM governance.last_backup")
        return await cursor.fetchone()


async def keep_last_backup(conn: AsyncConnection[Any], backup: Backup) -> None:
    """Note a backup; one that ends after a newer one has begun does not make it older."""
    await conn.execute(
        """
        INSERT INTO governance.last_backup (taken_at, row_count, bytes)
        VALUES (%(taken_at)s, %(row_count)s, %(bytes)s)
            ON CONFLICT (one) DO UPDATE
           SET taken_at = excluded.taken_at, row_count = excluded.row_count,
               bytes = excluded.bytes
         WHERE last_backup.taken_at < excluded.taken_at
        """,
        {"taken_at": backup.taken_at, "row_count": backup.row_count, "bytes": backup.bytes},
    )
