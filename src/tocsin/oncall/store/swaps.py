"""Swaps of shifts, asked for and answered."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import Swap

LOCK = 0x70C57  # advisory: whoever asks for turns of one schedule does so one after another


async def lock_turns(conn: AsyncConnection[Any], schedule_id: ScheduleId) -> None:
    """Be the only one who gives or takes turns of a schedule until this transaction ends."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(%(lock)s, hashtext(%(id)s))",
        {"lock": LOCK, "id": str(schedule_id)},
    )


async def add_swap(conn: AsyncConnection[Any], one: Swap) -> None:
    """Write down what somebody asks for."""
    await conn.execute(
        """
        INSERT INTO oncall.swaps
               (id, state, schedule_id, layer, turn, asker_id, partner_id, back_schedule_id,
                back_layer, back_turn, reason, created_at, decided_at, author, decided_by)
        VALUES (%(id)s, %(state)s, %(schedule_id)s, %(layer)s, %(turn)s, %(asker_id)s,
                %(partner_id)s, %(back_schedule_id)s, %(back_layer)s, %(back_turn)s, %(reason)s,
                %(created_at)s, %(decided_at)s, %(author)s, %(decided_by)s)
        """,
        {name: getattr(one, name) for name in one.__struct_fields__},
    )


async def save_swap(conn: AsyncConnection[Any], one: Swap) -> None:
    """Write down how a swap was answered."""
    await conn.execute(
        """
        UPDATE oncall.swaps
           SET state = %(state)s, decided_at = %(decided_at)s, decided_by = %(decided_by)s
         WHERE id = %(id)s
        """,
        {name: getattr(one, name) for name in one.__struct_fields__},
    )


async def renumber_swap(conn: AsyncConnection[Any], one: Swap) -> None:
    """Write down of which turns a swap is, by their new numbers."""
    await conn.execute(
        """
        UPDATE oncall.swaps
           SET layer = %(layer)s, turn = %(turn)s, back_layer = %(back_layer)s,
               back_turn = %(back_turn)s
         WHERE id = %(id)s
        """,
        {
            "id": one.id,
            "layer": one.layer,
            "turn": one.turn,
            "back_layer": one.back_layer,
            "back_turn": one.back_turn,
        },
    )


async def swap_for_update(conn: AsyncConnection[Any], swap_id: UUID) -> Swap:
    """Lock a swap. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(Swap)) as cursor:
        await cursor.execute(
            """
            SELECT id, state, schedule_id, layer, turn, asker_id, partner_id, back_schedule_id,
                   back_layer, back_turn, reason, created_at, decided_at, author, decided_by
              FROM oncall.swaps
             WHERE id = %(id)s
               FOR UPDATE
            """,
            {"id": swap_id},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no swap {swap_id}")
    return found


async def swaps(
    conn: AsyncConnection[Any],
    *,
    schedule_ids: Sequence[UUID] | None = None,
    person_id: UUID | None = None,
    states: Sequence[str] = ("requested", "accepted"),
    limit: int = 200,
) -> list[Swap]:
    """Return swaps of schedules (None: of any) and of a person (None: of anybody), newest first."""
    async with conn.cursor(row_factory=struct_row(Swap)) as cursor:
        await cursor.execute(
            """
            SELECT id, state, schedule_id, layer, turn, asker_id, partner_id, back_schedule_id,
                   back_layer, back_turn, reason, created_at, decided_at, author, decided_by
              FROM oncall.swaps
             WHERE state = ANY(%(states)s)
               AND (%(ids)s::uuid[] IS NULL OR schedule_id = ANY(%(ids)s)
                    OR back_schedule_id = ANY(%(ids)s))
               AND (%(person)s::uuid IS NULL OR asker_id = %(person)s
                    OR partner_id = %(person)s)
             ORDER BY created_at DESC, id DESC
             LIMIT %(limit)s
            """,
            {
                "states": list(states),
                "ids": list(schedule_ids) if schedule_ids is not None else None,
                "person": person_id,
                "limit": limit,
            },
        )
        return await cursor.fetchall()
