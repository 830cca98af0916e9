"""Who takes locks in which order: many sort alerts side by side, who moves their groups does so alone.

Sorting locks alerts, then their groups, then incidents, then pages. Whoever merges, splits or
restricts incidents must begin with the incidents, and would meet it half-way.
"""

from typing import Any

from psycopg import AsyncConnection

LOCK = 0x70C54  # advisory: who moves groups; 0x70C53 is that of partitions


async def side_by_side(conn: AsyncConnection[Any]) -> None:
    """See to it that nobody moves groups of alerts until this transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock_shared(%(lock)s)", {"lock": LOCK})


async def alone(conn: AsyncConnection[Any]) -> None:
    """Be the only one who moves groups of alerts, while nobody sorts, until this transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": LOCK})
