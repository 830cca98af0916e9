"""Triage's rows. The only module that names the tables of schema `triage` for writing."""

import struct
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.copying import NULL, copy_in, field, jsonb, micros, text, texts
from tocsin.kernel.ids import GroupId
from tocsin.kernel.rows import as_json, struct_row
from tocsin.triage.core.outcomes import Refresh
from tocsin.triage.model import Alert, Group

_ids = struct.Struct("!hi16si16s").pack
_spans = struct.Struct("!iqiqi?iq").pack
_counts = struct.Struct("!iiii").pack


async def alerts_for_update(
    conn: AsyncConnection[Any], keys: Sequence[bytes]
) -> dict[bytes, Alert]:
    """Lock the alerts of these dedup keys, in key order."""
    async with conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons
              FROM triage.alerts
             WHERE dedup_key = ANY(%(keys)b)
             ORDER BY dedup_key
               FOR UPDATE
            """,
            {"keys": list(keys)},
            binary=True,
        )
        return {alert.dedup_key: alert for alert in await cursor.fetchall()}


async def alerts_due_for_update(
    conn: AsyncConnection[Any], until: datetime, *, heard_since: datetime | None, limit: int
) -> list[Alert]:
    """Lock alerts that fire although their end has passed; those in other hands are skipped."""
    async with conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons
              FROM triage.alerts
             WHERE state = 'firing' AND ends_at <= %(until)s
               AND (%(heard_since)s::timestamptz IS NULL OR updated_at >= %(heard_since)s)
             ORDER BY ends_at
             LIMIT %(limit)s
               FOR UPDATE SKIP LOCKED
            """,
            {"until": until, "heard_since": heard_since, "limit": limit},
            binary=True,
        )
        return await cursor.fetchall()


async def groups_for_update(
    conn: AsyncConnection[Any], keys: Sequence[str], ids: Sequence[GroupId]
) -> list[Group]:
    """Lock the live groups of these keys and the groups of these ids, in id order."""
    async with conn.cursor(row_factory=struct_row(Group)) as cursor:
        await cursor.execute(
            """
            SELECT id, key, state, labels, title, summary, integration, route, policy, urgency,
                   firing_count, alert_count, noted_count, opened_at, due_at, cleared_at, storm
              FROM triage.groups
             WHERE (key = ANY(%(keys)s) AND state <> 'ended') OR id = ANY(%(ids)s)
             ORDER BY id
               FOR UPDATE
            """,
            {"keys": list(keys), "ids": list(ids)},
        )
        return await cursor.fetchall()


async def opened_last_minute(conn: AsyncConnection[Any], now: datetime) -> dict[str, int]:
    """Count the groups that each integration opened in the last 60 s, storms left out."""
    cursor = await conn.execute(
        """
        SELECT integration, count(*)
          FROM triage.groups
         WHERE opened_at > %(since)s AND opened_at <= %(now)s AND NOT storm
         GROUP BY integration
        """,
        {"since": now - timedelta(seconds=60), "now": now},
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


def _alert_row(alert: Alert) -> dict[str, Any]:
    row = {name: getattr(alert, name) for name in Alert.__struct_fields__}
    row["dedup_key"] = "\\x" + alert.dedup_key.hex()
    return row


def _packed(alert: Alert) -> bytes:
    group_id = alert.group_id
    return b"".join(
        (
            _ids(16, 16, alert.id.bytes, 16, alert.dedup_key),
            text(alert.state),
            jsonb(alert.labels),
            jsonb(alert.annotations),
            text(alert.source_url),
            text(alert.integration),
            _spans(
                8, micros(alert.starts_at), 8, micros(alert.ends_at), 1, alert.ends_by_timeout,
                8, micros(alert.updated_at),
            ),
            NULL if group_id is None else field(group_id.bytes),
            _counts(4, alert.seen_count, 4, alert.fired_count),
            text(alert.urgency),
            texts(alert.reasons),
        )
    )  # fmt: skip


async def add_alerts(conn: AsyncConnection[Any], alerts: Sequence[Alert]) -> None:
    """Insert alerts that are new."""
    await copy_in(
        conn,
        """
        COPY triage.alerts
             (id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
              ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count, urgency,
              reasons)
        FROM STDIN (FORMAT BINARY)
        """,
        map(_packed, alerts),
    )


async def save_alerts(conn: AsyncConnection[Any], alerts: Sequence[Alert]) -> None:
    """Write back alerts that were locked and have changed."""
    await conn.execute(
        """
        UPDATE triage.alerts t
           SET state = a.state, annotations = a.annotations, source_url = a.source_url,
               integration = a.integration, starts_at = a.starts_at, ends_at = a.ends_at,
               ends_by_timeout = a.ends_by_timeout, updated_at = a.updated_at,
               group_id = a.group_id, seen_count = a.seen_count, fired_count = a.fired_count,
               urgency = a.urgency, reasons = a.reasons
          FROM jsonb_to_recordset(%(alerts)s::jsonb)
               AS a(id uuid, state text, annotations jsonb, source_url text, integration text,
                    starts_at timestamptz, ends_at timestamptz, ends_by_timeout boolean,
                    updated_at timestamptz, group_id uuid, seen_count integer,
                    fired_count integer, urgency text, reasons text[])
         WHERE t.id = a.id
        """,
        {"alerts": as_json([_alert_row(alert) for alert in alerts])},
    )


async def refresh_alerts(conn: AsyncConnection[Any], refreshes: Sequence[Refresh]) -> None:
    """Note that alerts were heard of again."""
    await conn.execute(
        """
        UPDATE triage.alerts t
           SET ends_at = r.ends_at, ends_by_timeout = r.ends_by_timeout,
               updated_at = r.updated_at, seen_count = t.seen_count + r.seen_add,
               annotations = coalesce(r.annotations, t.annotations)
          FROM jsonb_to_recordset(%(refreshes)s::jsonb)
               AS r(id uuid, ends_at timestamptz, ends_by_timeout boolean,
                    updated_at timestamptz, seen_add integer, annotations jsonb)
         WHERE t.id = r.id
        """,
        {"refreshes": as_json(refreshes)},
    )


async def save_groups(conn: AsyncConnection[Any], groups: Sequence[Group]) -> None:
    """Insert or write back groups, in order: an ended one frees its key for the next."""
    for group in groups:
        row = msgspec.to_builtins(group, builtin_types=(datetime,))
        row["labels"] = as_json(row["labels"])
        await conn.execute(
            """
            INSERT INTO triage.groups
                   (id, key, state, labels, title, summary, integration, route, policy, urgency,
                    firing_count, alert_count, noted_count, opened_at, due_at, cleared_at, storm)
            VALUES (%(id)s, %(key)s, %(state)s, %(labels)s, %(title)s, %(summary)s,
                    %(integration)s, %(route)s, %(policy)s, %(urgency)s, %(firing_count)s,
                    %(alert_count)s, %(noted_count)s, %(opened_at)s, %(due_at)s, %(cleared_at)s,
                    %(storm)s)
                ON CONFLICT (id) DO UPDATE
               SET state = excluded.state, title = excluded.title, summary = excluded.summary,
                   urgency = excluded.urgency, firing_count = excluded.firing_count,
                   alert_count = excluded.alert_count, noted_count = excluded.noted_count,
                   due_at = excluded.due_at, cleared_at = excluded.cleared_at
            """,
            row,
        )


async def sample(conn: AsyncConnection[Any], group_id: GroupId) -> list[Any]:
    """Return the ids of the first few firing alerts of a group."""
    cursor = await conn.execute(
        """
        SELECT id
          FROM triage.alerts
         WHERE group_id = %(group_id)s AND state = 'firing'
         ORDER BY starts_at, id
         LIMIT 5
        """,
        {"group_id": group_id},
    )
    return [row[0] for row in await cursor.fetchall()]
