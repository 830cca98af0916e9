"""Which connections hear replies, for health and for screens."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.rows import struct_row


class ListenerRow(Struct, frozen=True, kw_only=True):
    """A connection that replies come by: since when it stands (None: it does not), or why not."""

    name: str
    connected_at: datetime | None
    leased_until: datetime | None
    error: str


async def listeners(conn: AsyncConnection[Any]) -> list[ListenerRow]:
    """Return every connection that any process ever had, by name."""
    async with conn.cursor(row_factory=struct_row(ListenerRow)) as cursor:
        await cursor.execute(
            """
            SELECT name, connected_at, leased_until, error
              FROM oncall.listeners
             ORDER BY name
            """
        )
        return await cursor.fetchall()
