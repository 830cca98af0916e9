"""Alerts, and the words they are found by."""

import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.copying import NULL, copy_in, field, jsonb, micros, text, texts
from tocsin.kernel.ids import GroupId
from tocsin.kernel.rows import as_json, struct_row
from tocsin.triage.core.outcomes import Refresh
from tocsin.triage.model import Alert

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
                   urgency, reasons, held_until
              FROM triage.alerts
             WHERE dedup_key = ANY(%(keys)b)
             ORDER BY dedup_key
               FOR UPDATE
            """,
            {"keys": list(keys)},
            binary=True,
        )
        return {alert.dedup_key: alert for alert in await cursor.fetchall()}


async def alerts_by_id_for_update(
    conn: AsyncConnection[Any], ids: Sequence[UUID], audience: list[str] | None
) -> list[Alert]:
    """Lock those of these alerts that the asker may see, in key order."""
    async with conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons, held_until
              FROM triage.alerts
             WHERE id = ANY(%(ids)s)
               AND (%(audience)s::text[] IS NULL OR group_id IS NULL OR group_id NOT IN (
                    SELECT id FROM triage.groups
                     WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
             ORDER BY dedup_key
               FOR UPDATE
            """,
            {"ids": list(ids), "audience": audience},
            binary=True,
        )
        return await cursor.fetchall()


async def alerts_due_for_update(
    conn: AsyncConnection[Any], until: datetime, *, heard_since: datetime | None, limit: int
) -> list[Alert]:
    """Lock alerts that fire although their end has passed; those in other hands are skipped."""
    async with conn.cursor(row_factory=struct_row(Alert)) as cursor:
        await cursor.execute(
            """
            SELECT id, dedup_key, state, labels, annotations, source_url, integration, starts_at,
                   ends_at, ends_by_timeout, updated_at, group_id, seen_count, fired_count,
                   urgency, reasons, held_until
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
           SET state = a.state, labels = a.labels, annotations = a.annotations,
               source_url = a.source_url,
               integration = a.integration, starts_at = a.starts_at, ends_at = a.ends_at,
               ends_by_timeout = a.ends_by_timeout, updated_at = a.updated_at,
               group_id = a.group_id, seen_count = a.seen_count, fired_count = a.fired_count,
               urgency = a.urgency, reasons = a.reasons, held_until = a.held_until
          FROM jsonb_to_recordset(%(alerts)s::jsonb)
               AS a(id uuid, state text, labels jsonb, annotations jsonb, source_url text,
                    integration text, starts_at timestamptz, ends_at timestamptz,
                    ends_by_timeout boolean, updated_at timestamptz, group_id uuid,
                    seen_count integer, fired_count integer, urgency text, reasons text[],
                    held_until timestamptz)
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


async def add_words(
    conn: AsyncConnection[Any], first: UUID, last: UUID, *, limit: int
) -> UUID | None:
    """Note the words of alerts from id to id; return where to go on, None: all done."""
    cursor = await conn.execute(
        """
        WITH found AS (
            SELECT id, labels, annotations
              FROM triage.alerts
             WHERE id >= %(first)s AND id <= %(last)s
             ORDER BY id
             LIMIT %(limit)s),
        added AS (
            INSERT INTO triage.alert_words (alert_id, words)
            SELECT id, jsonb_to_tsvector('simple', labels, '["string"]')
                       || jsonb_to_tsvector('simple', annotations, '["string"]')
              FROM found
                ON CONFLICT DO NOTHING)
        SELECT count(*), (array_agg(id ORDER BY id DESC))[1] FROM found
        """,
        {"first": first, "last": last, "limit": limit},
    )
    row = await cursor.fetchone()
    return row[1] if row is not None and row[0] == limit else None


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
