"""What schedules promised by one release of the time zones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.rows import as_json, struct_row

PromisedShift = tuple[str, tuple[UUID, ...], int, int]
"""Slot, people, start and end in seconds since 1970."""


class Promise(Struct, frozen=True, kw_only=True):
    """Who was to be on call when, for 90 days from `made_at` on; `digest` is of what decided."""

    schedule_id: ScheduleId
    release: str
    digest: str
    made_at: datetime
    shifts: tuple[PromisedShift, ...]


async def promises(
    conn: AsyncConnection[Any], schedule_ids: Sequence[UUID]
) -> dict[ScheduleId, Promise]:
    """Return what these schedules promised."""
    async with conn.cursor(row_factory=struct_row(Promise)) as cursor:
        await cursor.execute(
            """
            SELECT schedule_id, release, digest, made_at, shifts
              FROM oncall.zone_promises
             WHERE schedule_id = ANY(%(ids)s)
            """,
            {"ids": list(schedule_ids)},
        )
        return {one.schedule_id: one for one in await cursor.fetchall()}


async def save_promises(conn: AsyncConnection[Any], found: Sequence[Promise]) -> None:
    """Keep what schedules promise now."""
    await conn.execute(
        """
        INSERT INTO oncall.zone_promises (schedule_id, release, digest, made_at, shifts)
        SELECT schedule_id, release, digest, made_at, shifts
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(schedule_id uuid, release text, digest text, made_at timestamptz, shifts jsonb)
            ON CONFLICT (schedule_id) DO UPDATE
           SET release = excluded.release, digest = excluded.digest,
               made_at = excluded.made_at, shifts = excluded.shifts
        """,
        {"rows": as_json(found)},
    )
