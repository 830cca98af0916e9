"""Shapes of triage for screens and for flows; SELECT only."""

from datetime import datetime
from typing import Any

from tocsin.triage.reads.alerts import alert, alerts_by_id, alerts_of, firing
from tocsin.triage.reads.filtering import Filter
from tocsin.triage.reads.finding import search
from tocsin.triage.reads.groups import (
    FiringAbout,
    RouteCount,
    firing_about,
    group,
    groups,
    route_counts,
)
from tocsin.triage.reads.lists import (
    GroupRow,
    filtered_alerts,
    firing_count,
    group_list,
    integrations,
)

__all__ = [
    "Filter",
    "FiringAbout",
    "GroupRow",
    "RouteCount",
    "alert",
    "alerts_by_id",
    "alerts_of",
    "filtered_alerts",
    "firing",
    "firing_about",
    "firing_count",
    "group",
    "group_list",
    "groups",
    "integrations",
    "next_expiry",
    "route_counts",
    "search",
]


async def next_expiry(conn: Any) -> datetime | None:
    """Return when the next firing alert ends unless it is refreshed."""
    cursor = await conn.execute("SELECT min(ends_at) FROM triage.alerts WHERE state = 'firing'")
    row = await cursor.fetchone()
    return row[0] if row else None
