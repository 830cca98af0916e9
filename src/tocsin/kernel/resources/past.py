"""What was: every resource that there has been, and its versions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.rows import struct_row


class Version(Struct, frozen=True, kw_only=True):
    """One version in a resource's history; private fields are commitments in `spec`."""

    version: int
    revision: int
    at: datetime
    by: str  # kind:id of who applied it
    managed_by: str
    deleted: bool
    spec: dict[str, Any]


class Known(Struct, frozen=True, kw_only=True):
    """A resource that is or was, with its last change."""

    uid: UUID
    kind: str
    name: str
    version: int
    managed_by: str
    deleted: bool
    changed_at: datetime
    changed_by: str


async def known(conn: AsyncConnection[Any], kind: str | None = None) -> list[Known]:
    """Return all resources of one kind or of every, deleted ones too, by kind and name."""
    async with conn.cursor(row_factory=struct_row(Known)) as cursor:
        await cursor.execute(
            """
            SELECT r.uid, r.kind, r.name, r.version, r.managed_by, r.deleted,
                   v.effective_from AS changed_at, n.applied_by AS changed_by
              FROM kernel.resources r
              JOIN kernel.resource_versions v ON v.uid = r.uid AND v.version = r.version
              JOIN kernel.revisions n USING (revision)
             WHERE %(kind)s::text IS NULL OR r.kind = %(kind)s
             ORDER BY r.kind, r.name
            """,
            {"kind": kind},
        )
        return await cursor.fetchall()


async def one(conn: AsyncConnection[Any], kind: str, name: str) -> Known | None:
    """Return one resource, deleted or not."""
    async with conn.cursor(row_factory=struct_row(Known)) as cursor:
        await cursor.execute(
            """
            SELECT r.uid, r.kind, r.name, r.version, r.managed_by, r.deleted,
                   v.effective_from AS changed_at, n.applied_by AS changed_by
              FROM kernel.resources r
              JOIN kernel.resource_versions v ON v.uid = r.uid AND v.version = r.version
              JOIN kernel.revisions n USING (revision)
             WHERE r.kind = %(kind)s AND r.name = %(name)s
            """,
            {"kind": kind, "name": name},
        )
        return await cursor.fetchone()


async def versions(conn: AsyncConnection[Any], uid: UUID, limit: int) -> list[Version]:
    """Return the newest versions of one resource, newest first."""
    async with conn.cursor(row_factory=struct_row(Version)) as cursor:
        await cursor.execute(
            """
            SELECT v.version, v.revision, v.effective_from AS at, n.applied_by AS by,
                   v.managed_by, v.deleted, v.spec
              FROM kernel.resource_versions v
              JOIN kernel.revisions n USING (revision)
             WHERE v.uid = %(uid)s
             ORDER BY v.version DESC
             LIMIT %(limit)s
            """,
            {"uid": uid, "limit": limit},
        )
        return await cursor.fetchall()


async def version(conn: AsyncConnection[Any], uid: UUID, number: int) -> Version | None:
    """Return one version of one resource."""
    async with conn.cursor(row_factory=struct_row(Version)) as cursor:
        await cursor.execute(
            """
            SELECT v.version, v.revision, v.effective_from AS at, n.applied_by AS by,
                   v.managed_by, v.deleted, v.spec
              FROM kernel.resource_versions v
              JOIN kernel.revisions n USING (revision)
             WHERE v.uid = %(uid)s AND v.version = %(version)s
            """,
            {"uid": uid, "version": number},
        )
        return await cursor.fetchone()
