"""What was read from other calendars: shifts, and how the reading went."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.rows import as_json, struct_row
from tocsin.oncall.model import CalendarLayer, TemporaryShift


async def calendar_layers(
    conn: AsyncConnection[Any], schedule_ids: Collection[ScheduleId] | None = None
) -> list[CalendarLayer]:
    """Return how the calendars of these schedules, or of all, were read."""
    async with conn.cursor(row_factory=struct_row(CalendarLayer)) as cursor:
        await cursor.execute(
            """
            SELECT schedule_id, layer, url, zone, due_at, read_at, expanded_at, failing_since,
                   error, etag, modified, unknown, left_out
              FROM oncall.calendar_layers
             WHERE %(ids)s::uuid[] IS NULL OR schedule_id = ANY(%(ids)s)
             ORDER BY schedule_id, layer
            """,
            {"ids": None if schedule_ids is None else list(schedule_ids)},
        )
        return await cursor.fetchall()


async def take_calendar(conn: AsyncConnection[Any], one: CalendarLayer, now: datetime) -> bool:
    """Put a calendar's next reading off to `one.due_at`; False where another node has done so."""
    cursor = await conn.execute(
        """
        INSERT INTO oncall.calendar_layers AS c (schedule_id, layer, url, zone, due_at)
        VALUES (%(schedule_id)s, %(layer)s, %(url)s, %(zone)s, %(due_at)s)
            ON CONFLICT (schedule_id, layer) DO UPDATE
           SET url = excluded.url, zone = excluded.zone, due_at = excluded.due_at,
               expanded_at = CASE
                   WHEN c.url = excluded.url AND c.zone = excluded.zone THEN c.expanded_at
               END
         WHERE c.due_at <= %(now)s OR c.url <> excluded.url OR c.zone <> excluded.zone
        RETURNING 1
        """,
        {
            "schedule_id": one.schedule_id, "layer": one.layer, "url": one.url,
            "zone": one.zone, "due_at": one.due_at, "now": now,
        },
    )  # fmt: skip
    return await cursor.fetchone() is not None


async def hold_calendar(conn: AsyncConnection[Any], one: CalendarLayer) -> bool:
    """Lock a calendar until the end of the transaction; False where `one` is no longer its claim."""
    cursor = await conn.execute(
        """
        SELECT 1
          FROM oncall.calendar_layers
         WHERE schedule_id = %(schedule_id)s AND layer = %(layer)s AND url = %(url)s
           AND zone = %(zone)s AND due_at = %(due_at)s
           FOR UPDATE
        """,
        {
            "schedule_id": one.schedule_id, "layer": one.layer, "url": one.url,
            "zone": one.zone, "due_at": one.due_at,
        },
    )  # fmt: skip
    return await cursor.fetchone() is not None


async def end_calendar(
    conn: AsyncConnection[Any], schedule_id: ScheduleId, layer: str, at: datetime
) -> None:
    """Forget a calendar that a layer no longer follows, and what it says of `at` and after."""
    key = {"id": schedule_id, "layer": layer}
    await conn.execute(
        "DELETE FROM oncall.calendar_layers WHERE schedule_id = %(id)s AND layer = %(layer)s",
        key,
    )
    await _cut_shifts(conn, key, at)


async def rename_calendar(
    conn: AsyncConnection[Any], schedule_id: ScheduleId, old: str, new: str, at: datetime
) -> None:
    """Let a calendar be that of a layer with another name from `at` on; before it stays `old`'s."""
    key = {"id": schedule_id, "layer": old, "new": new, "at": at}
    await conn.execute(
        """
        UPDATE oncall.calendar_layers
           SET layer = %(new)s
         WHERE schedule_id = %(id)s AND layer = %(layer)s
        """,
        key,
    )
    await conn.execute(
        """
        INSERT INTO oncall.calendar_shifts (schedule_id, layer, start_at, end_at, people, turn)
        SELECT schedule_id, %(new)s, start_at, end_at, people, turn
          FROM oncall.calendar_shifts
         WHERE schedule_id = %(id)s AND layer = %(layer)s AND end_at > %(at)s
            ON CONFLICT (schedule_id, layer, start_at) DO UPDATE
           SET end_at = excluded.end_at, people = excluded.people, turn = excluded.turn
        """,
        key,
    )
    await _cut_shifts(conn, key, at)


async def save_calendar(conn: AsyncConnection[Any], one: CalendarLayer) -> None:
    """Keep how a reading went; nothing where the calendar has become another one meanwhile."""
    await conn.execute(
        """
        UPDATE oncall.calendar_layers
           SET due_at = %(due_at)s, read_at = %(read_at)s, expanded_at = %(expanded_at)s,
               failing_since = %(failing_since)s, error = %(error)s, etag = %(etag)s,
               modified = %(modified)s, unknown = %(unknown)s, left_out = %(left_out)s
         WHERE schedule_id = %(schedule_id)s AND layer = %(layer)s AND url = %(url)s
           AND zone = %(zone)s
        """,
        {
            **{name: getattr(one, name) for name in one.__struct_fields__},
            "unknown": msgspec.json.encode(one.unknown).decode(),
            "left_out": msgspec.json.encode(one.left_out).decode(),
        },
    )


async def replace_shifts(
    conn: AsyncConnection[Any],
    one: CalendarLayer,
    shifts: Sequence[TemporaryShift],
    now: datetime,
) -> None:
    """Let these be a layer's shifts from `now` on; what was before stays as it was."""
    key = {"id": one.schedule_id, "layer": one.layer}
    await _cut_shifts(conn, key, now)
    await conn.execute(
        """
        INSERT INTO oncall.calendar_shifts AS c
               (schedule_id, layer, start_at, end_at, people, turn)
        SELECT %(id)s, %(layer)s, start_at, end_at, people, turn
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(start_at timestamptz, end_at timestamptz, people uuid[], turn integer)
            ON CONFLICT (schedule_id, layer, start_at) DO UPDATE
           SET end_at = excluded.end_at, people = excluded.people, turn = excluded.turn
        """,
        {**key, "rows": as_json(shifts)},
    )


async def _cut_shifts(conn: AsyncConnection[Any], key: dict[str, Any], at: datetime) -> None:
    await conn.execute(
        """
        DELETE FROM oncall.calendar_shifts
         WHERE schedule_id = %(id)s AND layer = %(layer)s AND start_at >= %(at)s
        """,
        {**key, "at": at},
    )
    await conn.execute(
        """
        UPDATE oncall.calendar_shifts
           SET end_at = %(at)s
         WHERE schedule_id = %(id)s AND layer = %(layer)s AND end_at > %(at)s
        """,
        {**key, "at": at},
    )


async def has_shifts_after(
    conn: AsyncConnection[Any], one: CalendarLayer, at: datetime
) -> bool:
    """Say whether a layer has a shift that is not over at `at`, as it was read last."""
    cursor = await conn.execute(
        """
        SELECT 1
          FROM oncall.calendar_shifts
         WHERE schedule_id = %(id)s AND layer = %(layer)s AND end_at > %(at)s
         LIMIT 1
        """,
        {"id": one.schedule_id, "layer": one.layer, "at": at},
    )
    return await cursor.fetchone() is not None


async def calendar_shift_at(
    conn: AsyncConnection[Any], one: CalendarLayer, now: datetime
) -> TemporaryShift | None:
    """Return the shift of a layer that contains `now`, as it was read last."""
    async with conn.cursor(row_factory=struct_row(TemporaryShift)) as cursor:
        await cursor.execute(
            """
            SELECT people, start_at, end_at, turn
              FROM oncall.calendar_shifts
             WHERE schedule_id = %(id)s AND layer = %(layer)s
               AND start_at <= %(now)s AND end_at > %(now)s
            """,
            {"id": one.schedule_id, "layer": one.layer, "now": now},
        )
        return await cursor.fetchone()
