"""Overrides, leave, and swaps that were accepted: one list, in the order in which they were made."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import Override


async def overrides(
    conn: AsyncConnection[Any],
    start: datetime,
    end: datetime,
    schedule_ids: Collection[ScheduleId] | None = None,
) -> tuple[Override, ...]:
    """Return what was agreed for [start, end), of these schedules or of all, in the order it was.

    A swap is bound to turns and not to instants, so every accepted one is there. What calendars
    say is beside it, each layer's as one.
    """
    ids = None if schedule_ids is None else list(schedule_ids)
    async with conn.cursor(row_factory=struct_row(Override)) as cursor:
        await cursor.execute(
            """
            SELECT id, kind, schedule_id, slot, person_id, replaced_id, start_at, end_at,
                   '' AS layer, 0 AS turn, shifts, author, reason, created_at
              FROM oncall.overrides
             WHERE end_at > %(start)s AND start_at < %(end)s
               AND (%(ids)s::uuid[] IS NULL OR schedule_id IS NULL
                    OR schedule_id = ANY(%(ids)s))
             UNION ALL
            SELECT s.id, 'swap', t.schedule_id, NULL, t.person_id, t.replaced_id,
                   'epoch'::timestamptz, '9000-01-01'::timestamptz,
                   t.layer, t.turn, '[]', s.author, s.reason, s.decided_at
              FROM oncall.swaps s
             CROSS JOIN LATERAL (
                   VALUES (s.schedule_id, s.layer, s.turn, s.partner_id, s.asker_id),
                          (s.back_schedule_id, s.back_layer, s.back_turn, s.asker_id, s.partner_id)
                   ) AS t(schedule_id, layer, turn, person_id, replaced_id)
             WHERE s.state = 'accepted' AND t.schedule_id IS NOT NULL
               AND (%(ids)s::uuid[] IS NULL OR t.schedule_id = ANY(%(ids)s))
             UNION ALL
            SELECT schedule_id, 'calendar', schedule_id, NULL, NULL, NULL,
                   min(start_at), max(end_at), layer, 0,
                   jsonb_agg(
                       jsonb_build_object('people', people, 'start_at', start_at, 'end_at', end_at,
                                          'turn', turn)
                       ORDER BY start_at
                   ), '', '', 'epoch'::timestamptz
              FROM oncall.calendar_shifts
             WHERE end_at > %(start)s AND start_at < %(end)s
               AND (%(ids)s::uuid[] IS NULL OR schedule_id = ANY(%(ids)s))
             GROUP BY schedule_id, layer
             ORDER BY created_at, id
            """,
            {"start": start, "end": end, "ids": ids},
        )
        return tuple(await cursor.fetchall())


async def add_override(conn: AsyncConnection[Any], one: Override) -> None:
    """Write down what somebody has agreed."""
    await conn.execute(
        """
        INSERT INTO oncall.overrides
               (id, kind, schedule_id, slot, person_id, replaced_id, start_at, end_at, shifts,
                author, reason, created_at)
        VALUES (%(id)s, %(kind)s, %(schedule_id)s, %(slot)s, %(person_id)s, %(replaced_id)s,
                %(start_at)s, %(end_at)s, %(shifts)s, %(author)s, %(reason)s, %(created_at)s)
        """,
        {
            **{name: getattr(one, name) for name in one.__struct_fields__},
            "shifts": msgspec.json.encode(one.shifts).decode(),
        },
    )


async def override_for_update(conn: AsyncConnection[Any], override_id: UUID) -> Override:
    """Lock an override. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(Override)) as cursor:
        await cursor.execute(
            """
            SELECT id, kind, schedule_id, slot, person_id, replaced_id, start_at, end_at,
                   shifts, author, reason, created_at
              FROM oncall.overrides
             WHERE id = %(id)s
               FOR UPDATE
            """,
            {"id": override_id},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no override {override_id}")
    return found


async def end_override(conn: AsyncConnection[Any], override_id: UUID, at: datetime) -> None:
    """Let an override end at `at`; one that has not begun is as if it had never been."""
    await conn.execute(
        "DELETE FROM oncall.overrides WHERE id = %(id)s AND start_at >= %(at)s",
        {"id": override_id, "at": at},
    )
    await conn.execute(
        "UPDATE oncall.overrides SET end_at = %(at)s WHERE id = %(id)s",
        {"id": override_id, "at": at},
    )


async def overrides_listed(
    conn: AsyncConnection[Any],
    since: datetime,
    schedule_ids: Sequence[UUID] | None,
    limit: int,
) -> list[Override]:
    """Return overrides that are not over at `since`, of these schedules or of all, newest first."""
    async with conn.cursor(row_factory=struct_row(Override)) as cursor:
        await cursor.execute(
            """
            SELECT id, kind, schedule_id, slot, person_id, replaced_id, start_at, end_at,
                   shifts, author, reason, created_at
              FROM oncall.overrides
             WHERE end_at > %(since)s
               AND (%(ids)s::uuid[] IS NULL OR schedule_id IS NULL
                    OR schedule_id = ANY(%(ids)s))
             ORDER BY created_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {"since": since, "ids": schedule_ids, "limit": limit},
        )
        return await cursor.fetchall()
