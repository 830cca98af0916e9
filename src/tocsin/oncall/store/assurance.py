"""The row of the last check of all paths."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.rows import as_json
from tocsin.oncall.core.assurance import Assurance
from tocsin.oncall.core.assurance.news import PathKey


class Checked(Struct, frozen=True, kw_only=True):
    """The last check; `found` None: it was kept by a version that knew it otherwise."""

    checked_at: datetime
    found: Assurance | None
    alarmed: tuple[PathKey, ...]


async def checked(conn: AsyncConnection[Any]) -> Checked | None:
    """Return the last check, if there was one."""
    cursor = await conn.execute(
        "SELECT checked_at, found::text, alarmed::text FROM oncall.assurance"
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    try:
        found = msgspec.json.decode(row[1], type=Assurance)
    except msgspec.ValidationError:
        found = None
    alarmed = msgspec.json.decode(row[2], type=tuple[PathKey, ...])
    return Checked(checked_at=row[0], found=found, alarmed=alarmed)


async def keep_checked(
    conn: AsyncConnection[Any], now: datetime, found: Assurance, alarmed: tuple[PathKey, ...]
) -> None:
    """Put a check in the place of the last one."""
    await conn.execute(
        """
        INSERT INTO oncall.assurance (checked_at, found, alarmed)
        VALUES (%(now)s, %(found)s::jsonb, %(alarmed)s::jsonb)
            ON CONFLICT (only_row) DO UPDATE
           SET checked_at = excluded.checked_at, found = excluded.found,
               alarmed = excluded.alarmed
        """,
        {
            "now": now,
            "found": msgspec.json.encode(found).decode(),
            "alarmed": as_json(alarmed),
        },
    )
