"""Rows of heartbeats: how each stands, its newest pings, and since when anybody listens."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.ids import uuid7
from tocsin.kernel.rows import as_json, struct_row
from tocsin.signals.model import Beat, BeatState, Deaf, KeptPing, Ping, Standing

PINGS_KEPT = 100  # of one heartbeat
_BEAT = ("heard_at", "ok_at", "started_at", "down_at", "expected_at", "due_at")


def standing(row: Sequence[Any]) -> Standing:
    """Turn a row into what it means; its columns are those that every SELECT here names."""
    known = dict(zip(_BEAT, row[2:8], strict=True))
    return Standing(
        id=row[0], beat=Beat(state=BeatState(row[1]), **known), paused_by_hand=row[8],
        key_made_at=row[9], ping_count=row[10],
    )  # fmt: skip


async def add_heartbeats(conn: AsyncConnection[Any], ids: Collection[UUID]) -> None:
    """Begin to keep heartbeats that nobody has heard of yet."""
    await conn.execute(
        """
        INSERT INTO signals.heartbeats (id, state)
        SELECT id, 'new' FROM unnest(%(ids)s::uuid[]) AS n(id)
            ON CONFLICT (id) DO NOTHING
        """,
        {"ids": sorted(ids)},
    )


async def remove_heartbeats(
    conn: AsyncConnection[Any], ids: Collection[UUID]
) -> dict[UUID, Beat]:
    """Forget heartbeats, their keys and pings; return how those stood that were down."""
    cursor = await conn.execute(
        """
        DELETE FROM signals.heartbeats
         WHERE id = ANY (%(ids)s)
        RETURNING id, state, heard_at, ok_at, started_at, down_at, expected_at, due_at,
                  paused_by_hand, key_made_at, ping_count
        """,
        {"ids": list(ids)},
    )
    found = [standing(row) for row in await cursor.fetchall()]
    return {one.id: one.beat for one in found if one.beat.state is BeatState.DOWN}


async def heartbeats_for_update(
    conn: AsyncConnection[Any], ids: Collection[UUID], key_hashes: Collection[bytes] = ()
) -> tuple[dict[UUID, Standing], dict[bytes, UUID]]:
    """Lock heartbeats by id or by the hash of their key; return them, and whose keys those are."""
    cursor = await conn.execute(
        """
        SELECT id, state, heard_at, ok_at, started_at, down_at, expected_at, due_at,
               paused_by_hand, key_made_at, ping_count, key_hash
          FROM signals.heartbeats
         WHERE id = ANY (%(ids)s) OR key_hash = ANY (%(key_hashes)s)
         ORDER BY id
           FOR UPDATE
        """,
        {"ids": list(ids), "key_hashes": list(key_hashes)},
    )
    rows = await cursor.fetchall()
    keys = {bytes(row[11]): row[0] for row in rows if row[11] is not None}
    return {row[0]: standing(row) for row in rows}, keys


async def standings(
    conn: AsyncConnection[Any], ids: Collection[UUID] | None = None
) -> dict[UUID, Standing]:
    """Return how heartbeats stand, by id; without `ids` all of them."""
    cursor = await conn.execute(
        """
        SELECT id, state, heard_at, ok_at, started_at, down_at, expected_at, due_at,
               paused_by_hand, key_made_at, ping_count
          FROM signals.heartbeats
         WHERE %(ids)s::uuid[] IS NULL OR id = ANY (%(ids)s)
        """,
        {"ids": None if ids is None else list(ids)},
    )
    return {row[0]: standing(row) for row in await cursor.fetchall()}


async def due_for_update(
    conn: AsyncConnection[Any], now: datetime, *, limit: int
) -> list[Standing]:
    """Lock heartbeats that somebody has to look at, those that no other process has in hand."""
    cursor = await conn.execute(
        """
        SELECT id, state, heard_at, ok_at, started_at, down_at, expected_at, due_at,
               paused_by_hand, key_made_at, ping_count
          FROM signals.heartbeats
         WHERE due_at <= %(now)s
         ORDER BY due_at
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
        """,
        {"now": now, "limit": limit},
    )
    return [standing(row) for row in await cursor.fetchall()]


async def save_beats(
    conn: AsyncConnection[Any], beats: Mapping[UUID, Beat], pings: Mapping[UUID, int]
) -> None:
    """Write back how locked heartbeats stand, and add how many pings each has had."""
    rows = [
        {
            "id": key, "state": one.state, "count": pings.get(key, 0),
            **{name: getattr(one, name) for name in _BEAT},
        }
        for key, one in beats.items()
    ]  # fmt: skip
    await conn.execute(
        """
        UPDATE signals.heartbeats h
           SET state = r.state, heard_at = r.heard_at, ok_at = r.ok_at,
               started_at = r.started_at, down_at = r.down_at,
               expected_at = r.expected_at, due_at = r.due_at,
               ping_count = h.ping_count + r.count
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(id uuid, state text, count bigint, heard_at timestamptz, ok_at timestamptz,
                    started_at timestamptz, down_at timestamptz, expected_at timestamptz,
                    due_at timestamptz)
         WHERE h.id = r.id
        """,
        {"rows": as_json(rows)},
    )


async def key_hashes(conn: AsyncConnection[Any]) -> set[bytes]:
    """Return the hashes of all keys that open something."""
    cursor = await conn.execute(
        "SELECT key_hash FROM signals.heartbeats WHERE key_hash IS NOT NULL"
    )
    return {bytes(row[0]) for row in await cursor.fetchall()}


async def set_paused(conn: AsyncConnection[Any], heartbeat_id: UUID, *, by_hand: bool) -> None:
    """Note whether somebody has paused a locked heartbeat by hand."""
    await conn.execute(
        "UPDATE signals.heartbeats SET paused_by_hand = %(by_hand)s WHERE id = %(id)s",
        {"id": heartbeat_id, "by_hand": by_hand},
    )


async def set_key(
    conn: AsyncConnection[Any], heartbeat_id: UUID, key_hash: bytes, now: datetime
) -> None:
    """Let a locked heartbeat be pinged by this key and by no other."""
    await conn.execute(
        """
        UPDATE signals.heartbeats
           SET key_hash = %(key_hash)s, key_made_at = %(now)s
         WHERE id = %(id)s
        """,
        {"id": heartbeat_id, "key_hash": key_hash, "now": now},
    )


async def add_pings(
    conn: AsyncConnection[Any], found: Iterable[tuple[UUID, Ping]], now: datetime
) -> None:
    """Keep pings as they came, and of each heartbeat the newest PINGS_KEPT."""
    found = list(found)
    rows = [
        {
            "id": uuid7(), "heartbeat_id": key, "kind": one.kind, "exit_code": one.exit_code,
            "text": one.text, "sender": one.sender,
        }
        for key, one in found
    ]  # fmt: skip
    await conn.execute(
        """
        INSERT INTO signals.pings (heartbeat_id, id, at, kind, exit_code, text, sender)
        SELECT heartbeat_id, id, %(now)s, kind, exit_code, text, sender
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(id uuid, heartbeat_id uuid, kind text, exit_code smallint, text text,
                    sender text)
        """,
        {"rows": as_json(rows), "now": now},
    )
    await conn.execute(
        """
        DELETE FROM signals.pings p
         USING (SELECT n.heartbeat_id,
                       (SELECT id
                          FROM signals.pings
                         WHERE heartbeat_id = n.heartbeat_id
                         ORDER BY id DESC
                        OFFSET %(kept)s LIMIT 1) AS newest
                  FROM unnest(%(ids)s::uuid[]) AS n(heartbeat_id)) AS past
         WHERE p.heartbeat_id = past.heartbeat_id AND p.id <= past.newest
        """,
        {"ids": sorted({key for key, _ in found}), "kept": PINGS_KEPT},
    )


async def note_listening(conn: AsyncConnection[Any], now: datetime, *, away: timedelta) -> None:
    """Note that pings are heard now; where nobody has noted that for `away`, nobody could be.

    Two such times with no more than `away` between them are one: nobody may have looked there
    at who was due in the first.
    """
    await conn.execute(
        """
        INSERT INTO signals.listening AS l (heard_at)
        VALUES (%(now)s)
            ON CONFLICT (only_row) DO UPDATE
           SET deaf_since = CASE WHEN l.heard_at < %(gone)s
                                  AND l.deaf_until + %(away)s >= l.heard_at THEN l.deaf_since
                                 WHEN l.heard_at < %(gone)s THEN l.heard_at
                                 ELSE l.deaf_since END,
               deaf_until = CASE WHEN l.heard_at < %(gone)s THEN %(now)s
                                 ELSE l.deaf_until END,
               heard_at = greatest(l.heard_at, %(now)s)
        """,
        {"now": now, "gone": now - away, "away": away},
    )


async def listening(conn: AsyncConnection[Any]) -> tuple[datetime, Deaf | None] | None:
    """Return when pings were heard last, and when that was not so; None: they never were."""
    cursor = await conn.execute(
        "SELECT heard_at, deaf_since, deaf_until FROM signals.listening"
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    heard_at, since, until = row
    return heard_at, None if since is None else Deaf(since, until)


async def next_due(conn: AsyncConnection[Any]) -> datetime | None:
    """Return when somebody has to look at a heartbeat next."""
    cursor = await conn.execute("SELECT min(due_at) FROM signals.heartbeats")
    row = await cursor.fetchone()
    return row[0] if row else None


async def kept_pings(
    conn: AsyncConnection[Any], heartbeat_id: UUID, *, limit: int = PINGS_KEPT
) -> list[KeptPing]:
    """Return the newest pings of a heartbeat, the newest first."""
    async with conn.cursor(row_factory=struct_row(KeptPing)) as cursor:
        await cursor.execute(
            """
            SELECT id, at, kind, exit_code, text, sender
              FROM signals.pings
             WHERE heartbeat_id = %(id)s
             ORDER BY id DESC
             LIMIT %(limit)s
            """,
            {"id": heartbeat_id, "limit": limit},
        )
        return await cursor.fetchall()
