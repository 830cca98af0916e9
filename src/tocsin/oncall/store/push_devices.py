"""Rows of the browsers that people have subscribed, and of the key that signs for this Tocsin."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import PushDevice


async def keep_push_key(conn: AsyncConnection[Any], made: bytes, now: datetime) -> bytes:
    """Return the key of this Tocsin; `made` becomes it where there is none yet."""
    await conn.execute(
        """
        INSERT INTO oncall.push_key (private, made_at)
        VALUES (%(made)s, %(now)s)
            ON CONFLICT (one) DO NOTHING
        """,
        {"made": made, "now": now},
    )
    cursor = await conn.execute("SELECT private FROM oncall.push_key")
    row = await cursor.fetchone()
    return bytes(row[0]) if row else made


async def push_key(conn: AsyncConnection[Any]) -> bytes | None:
    """Return the key of this Tocsin, if one was made."""
    cursor = await conn.execute("SELECT private FROM oncall.push_key")
    row = await cursor.fetchone()
    return bytes(row[0]) if row else None


async def put_device(conn: AsyncConnection[Any], device: PushDevice) -> PersonId | None:
    """Keep a browser's subscription; return whose the endpoint was before, if it was known.

    One browser is one endpoint: whoever subscribes it last is reached by it, and nobody else.
    """
    cursor = await conn.execute(
        "SELECT person_id FROM oncall.push_devices WHERE endpoint = %(endpoint)s FOR UPDATE",
        {"endpoint": device.endpoint},
    )
    before = await cursor.fetchone()
    await conn.execute(
        """
        INSERT INTO oncall.push_devices
               (id, person_id, endpoint, p256dh, auth, name, added_at)
        VALUES (%(id)s, %(person_id)s, %(endpoint)s, %(p256dh)s, %(auth)s, %(name)s,
                %(added_at)s)
            ON CONFLICT (endpoint) DO UPDATE
           SET person_id = excluded.person_id, p256dh = excluded.p256dh, auth = excluded.auth,
               name = CASE WHEN oncall.push_devices.person_id = excluded.person_id
                           THEN oncall.push_devices.name ELSE excluded.name END,
               failed_at = NULL, error = ''
        """,
        {
            "id": device.id,
            "person_id": device.person_id,
            "endpoint": device.endpoint,
            "p256dh": device.p256dh,
            "auth": device.auth,
            "name": device.name,
            "added_at": device.added_at,
        },
    )
    return PersonId(before[0]) if before else None


async def devices_of(conn: AsyncConnection[Any], person_id: PersonId) -> list[PushDevice]:
    """Return a person's browsers, the oldest first."""
    async with conn.cursor(row_factory=struct_row(PushDevice)) as cursor:
        await cursor.execute(
            """
            SELECT id, person_id, endpoint, p256dh, auth, name, added_at, sent_at, received_at,
                   failed_at, error
              FROM oncall.push_devices
             WHERE person_id = %(person_id)s
             ORDER BY added_at, id
            """,
            {"person_id": person_id},
        )
        return await cursor.fetchall()


async def rename_device(
    conn: AsyncConnection[Any], person_id: PersonId, device_id: UUID, name: str
) -> bool:
    """Give a person's browser another name; False where there is none of this id."""
    cursor = await conn.execute(
        """
        UPDATE oncall.push_devices
           SET name = %(name)s
         WHERE id = %(id)s AND person_id = %(person_id)s
        """,
        {"id": device_id, "person_id": person_id, "name": name},
    )
    return cursor.rowcount == 1


async def remove_devices(
    conn: AsyncConnection[Any], person_id: PersonId, ids: Sequence[UUID]
) -> list[UUID]:
    """Forget a person's browsers; return the ids of those that were there."""
    cursor = await conn.execute(
        """
        DELETE FROM oncall.push_devices
         WHERE id = ANY(%(ids)s) AND person_id = %(person_id)s
        RETURNING id
        """,
        {"ids": list(ids), "person_id": person_id},
    )
    return [row[0] for row in await cursor.fetchall()]


async def count_devices(conn: AsyncConnection[Any], person_id: PersonId) -> int:
    """Count a person's browsers."""
    cursor = await conn.execute(
        "SELECT count(*) FROM oncall.push_devices WHERE person_id = %(person_id)s",
        {"person_id": person_id},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def note_pushed(
    conn: AsyncConnection[Any], sent: Sequence[UUID], failed: Sequence[UUID], error: str,
    now: datetime,
) -> None:  # fmt: skip
    """Write which browsers' push services took a message, and which refused it for now."""
    await conn.execute(
        """
        UPDATE oncall.push_devices
           SET sent_at = CASE WHEN id = ANY(%(sent)s) THEN %(now)s ELSE sent_at END,
               failed_at = CASE WHEN id = ANY(%(failed)s) THEN %(now)s ELSE failed_at END,
               error = CASE WHEN id = ANY(%(failed)s) THEN %(error)s ELSE '' END
         WHERE id IN (SELECT id
                        FROM oncall.push_devices
                       WHERE id = ANY(%(sent)s) OR id = ANY(%(failed)s)
                         FOR UPDATE SKIP LOCKED)
        """,
        {"sent": list(sent), "failed": list(failed), "error": error[:200], "now": now},
    )


async def note_device_received(
    conn: AsyncConnection[Any], device_id: UUID, now: datetime
) -> PersonId | None:
    """Write that a browser said that it has a message; return whose it is, if it is known."""
    cursor = await conn.execute(
        """
        UPDATE oncall.push_devices
           SET received_at = %(now)s
         WHERE id = %(id)s
        RETURNING person_id
        """,
        {"id": device_id, "now": now},
    )
    row = await cursor.fetchone()
    return PersonId(row[0]) if row else None
