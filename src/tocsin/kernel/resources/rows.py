"""The rows of the configuration: all of it in, what has changed out."""

import base64
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.resources.model import Current, Gone, Scheduled, World
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit

LOCK = 0x70C52  # advisory: one apply at a time


async def lock(conn: AsyncConnection[Any]) -> None:
    """Be the only one who changes the configuration until this transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": LOCK})


async def lock_shared(conn: AsyncConnection[Any]) -> None:
    """See to it that nobody changes the configuration until this transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock_shared(%(lock)s)", {"lock": LOCK})


async def newest_revision(conn: AsyncConnection[Any]) -> int:
    """Return the newest revision, 0 before the first."""
    cursor = await conn.execute("SELECT coalesce(max(revision), 0) FROM kernel.revisions")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def present(conn: AsyncConnection[Any]) -> list[Current]:
    """Return every resource that is in force."""
    async with conn.cursor(row_factory=struct_row(Current)) as cursor:
        await cursor.execute(
            """
            SELECT r.uid, r.kind, r.name, r.version, r.managed_by, r.spec,
                   coalesce(p.fields, '{}'::jsonb) AS private
              FROM kernel.resources r
              LEFT JOIN kernel.resource_private p USING (uid)
             WHERE NOT r.deleted
            """
        )
        return await cursor.fetchall()


async def scheduled(conn: AsyncConnection[Any]) -> list[Scheduled]:
    """Return everything that waits for its instant, or has failed at it, soonest first."""
    async with conn.cursor(row_factory=struct_row(Scheduled)) as cursor:
        await cursor.execute(
            """
            SELECT id, batch, uid, kind, name, effective_from, spec, private, managed_by,
                   scheduled_at, scheduled_by, failure
              FROM kernel.resource_scheduled
             ORDER BY effective_from, kind, name
            """
        )
        return await cursor.fetchall()


async def world(conn: AsyncConnection[Any]) -> World:
    """Return everything; under a lock, or it may be from two instants."""
    found = await present(conn)
    cursor = await conn.execute(
        "SELECT kind, name, uid, version FROM kernel.resources WHERE deleted"
    )
    gone = {(kind, name): Gone(uid, n) for kind, name, uid, n in await cursor.fetchall()}
    return World(
        revision=await newest_revision(conn),
        present={one.key: one for one in found},
        gone=gone,
        scheduled=tuple(await scheduled(conn)),
    )


async def add_revision(unit: Unit, by: str) -> int:
    """Begin a revision in the name of `by`, kind:id, and return its number."""
    cursor = await unit.conn.execute(
        """
        INSERT INTO kernel.revisions (revision, applied_at, applied_by)
        SELECT coalesce(max(revision), 0) + 1, %(now)s, %(by)s
          FROM kernel.revisions
        RETURNING revision
        """,
        {"now": unit.now, "by": by},
    )
    row = await cursor.fetchone()
    if row is None:
        raise AssertionError("INSERT … RETURNING gave no row")
    return int(row[0])


async def write(unit: Unit, revision: int, changed: Iterable[Current]) -> None:
    """Put new versions into force and into their histories."""
    for new in changed:
        await _upsert(unit, new)
        # of a field with a secret in it the spec has what may be kept of it
        history = await _commitments(unit.conn, new) | new.spec
        await unit.conn.execute(
            """
            INSERT INTO kernel.resource_versions
                   (uid, version, revision, spec, effective_from, managed_by)
            VALUES (%(uid)s, %(version)s, %(revision)s, %(history)s, %(now)s, %(managed_by)s)
            """,
            {
                "uid": new.uid,
                "version": new.version,
                "revision": revision,
                "history": msgspec.json.encode(history).decode(),
                "now": unit.now,
                "managed_by": new.managed_by,
            },
        )
        await unit.conn.execute(
            """
            INSERT INTO kernel.resource_private (uid, fields)
            VALUES (%(uid)s, %(private)s)
                ON CONFLICT (uid) DO UPDATE SET fields = excluded.fields
            """,
            {"uid": new.uid, "private": msgspec.json.encode(new.private).decode()},
        )


async def _upsert(unit: Unit, new: Current) -> None:
    await unit.conn.execute(
        """
        INSERT INTO kernel.resources (uid, kind, name, version, spec, managed_by)
        VALUES (%(uid)s, %(kind)s, %(name)s, %(version)s, %(spec)s, %(managed_by)s)
            ON CONFLICT (uid) DO UPDATE
           SET version = excluded.version, spec = excluded.spec,
               managed_by = excluded.managed_by, deleted = false
        """,
        {
            "uid": new.uid,
            "kind": new.kind,
            "name": new.name,
            "version": new.version,
            "managed_by": new.managed_by,
            "spec": msgspec.json.encode(new.spec).decode(),
        },
    )


async def _commitments(conn: AsyncConnection[Any], new: Current) -> dict[str, Any]:
    """Commit to private values; one that has not changed keeps the commitment it had."""
    if not new.private:
        return {}
    cursor = await conn.execute(
        """
        SELECT v.spec, p.fields
          FROM kernel.resource_versions v
          JOIN kernel.resource_private p USING (uid)
         WHERE v.uid = %(uid)s AND v.version = %(before)s AND NOT v.deleted
        """,
        {"uid": new.uid, "before": new.version - 1},
    )
    row = await cursor.fetchone()
    history: dict[str, Any] = row[0] if row else {}
    fields: dict[str, Any] = row[1] if row else {}
    return {
        name: history[name]
        if name in history and name in fields and fields[name] == value
        else _commitment(value)
        for name, value in new.private.items()
    }


def _commitment(value: object) -> dict[str, str]:
    """Return a salted commitment; the salt is thrown away, so history keeps no way back."""
    encoded = msgspec.json.encode(value, order="sorted")
    digest = hashlib.sha256(b"\x02" + os.urandom(32) + encoded).digest()
    return {"commit": base64.b64encode(digest).decode()}


async def remove(unit: Unit, revision: int, deleted: Iterable[Current]) -> None:
    """Take resources out of force; their private fields are gone for good."""
    for old in deleted:
        params = {
            "uid": old.uid,
            "version": old.version + 1,
            "revision": revision,
            "now": unit.now,
            "managed_by": old.managed_by,
        }
        await unit.conn.execute(
            """
            UPDATE kernel.resources
               SET deleted = true, version = %(version)s
             WHERE uid = %(uid)s
            """,
            params,
        )
        await unit.conn.execute(
            """
            INSERT INTO kernel.resource_versions
                   (uid, version, revision, spec, deleted, effective_from, managed_by)
            VALUES (%(uid)s, %(version)s, %(revision)s, '{}', true, %(now)s, %(managed_by)s)
            """,
            params,
        )
        await unit.conn.execute(
            "DELETE FROM kernel.resource_private WHERE uid = %(uid)s", params
        )


async def schedule(unit: Unit, waiting: Sequence[Scheduled]) -> None:
    """Write down what comes into force later."""
    for one in waiting:
        await unit.conn.execute(
            """
            INSERT INTO kernel.resource_scheduled
                   (id, batch, uid, kind, name, effective_from, spec, private, managed_by,
                    scheduled_at, scheduled_by)
            VALUES (%(id)s, %(batch)s, %(uid)s, %(kind)s, %(name)s, %(effective_from)s,
                    %(spec)s, %(private)s, %(managed_by)s, %(scheduled_at)s, %(scheduled_by)s)
            """,
            {
                **{name: getattr(one, name) for name in one.__struct_fields__},
                "spec": msgspec.json.encode(one.spec).decode(),
                "private": msgspec.json.encode(one.private).decode(),
            },
        )


async def unschedule(unit: Unit, ids: Sequence[UUID]) -> None:
    """Forget what was to come into force, and its private fields with it."""
    await unit.conn.execute(
        "DELETE FROM kernel.resource_scheduled WHERE id = ANY(%(ids)s)", {"ids": list(ids)}
    )


async def mark_failed(unit: Unit, batch: UUID, failure: str) -> None:
    """Keep what did not come into force, with the reason, until somebody looks at it."""
    await unit.conn.execute(
        """
        UPDATE kernel.resource_scheduled
           SET failure = %(failure)s
         WHERE batch = %(batch)s
        """,
        {"batch": batch, "failure": failure[:2000]},
    )
