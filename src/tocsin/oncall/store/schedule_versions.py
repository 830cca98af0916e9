"""The versions of schedules: compiled layers with their anchors."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.rows import as_json
from tocsin.oncall.model import Layer, Version


async def versions(conn: AsyncConnection[Any]) -> dict[ScheduleId, tuple[Version, ...]]:
    """Return the versions of all schedules that have been edited, by slot and instant."""
    cursor = await conn.execute(
        """
        SELECT schedule_id, slot, since, layers
          FROM oncall.schedule_versions
         ORDER BY schedule_id, slot, ordinal
        """
    )
    found: dict[ScheduleId, list[Version]] = {}
    for schedule_id, slot, since, layers in await cursor.fetchall():
        version = Version(
            slot=slot, since=since, layers=msgspec.convert(layers, tuple[Layer, ...])
        )
        found.setdefault(ScheduleId(schedule_id), []).append(version)
    return {key: tuple(one) for key, one in found.items()}


async def save_versions(
    conn: AsyncConnection[Any], schedule_id: ScheduleId, found: Sequence[Version]
) -> None:
    """Keep these as all versions of a schedule."""
    await conn.execute(
        "DELETE FROM oncall.schedule_versions WHERE schedule_id = %(id)s", {"id": schedule_id}
    )
    counts: dict[str, int] = {}
    rows = []
    for one in found:
        ordinal = counts[one.slot] = counts.get(one.slot, -1) + 1
        rows.append({"slot": one.slot, "ordinal": ordinal, "since": one.since,
                     "layers": one.layers})  # fmt: skip
    await conn.execute(
        """
        INSERT INTO oncall.schedule_versions (schedule_id, slot, ordinal, since, layers)
        SELECT %(id)s, slot, ordinal, since, layers
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(slot text, ordinal integer, since timestamptz, layers jsonb)
        """,
        {"id": schedule_id, "rows": as_json(rows)},
    )
