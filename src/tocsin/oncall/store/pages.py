"""Rows of pages, as actions load and write them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import IncidentId, PageId, PolicyId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import Brief, Page


class _Briefed(Page, frozen=True, kw_only=True):
    brief: Brief


async def add_page(conn: AsyncConnection[Any], page: Page, brief: Brief) -> None:
    """Insert a page that is new."""
    await conn.execute(
        """
        INSERT INTO oncall.pages
               (id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                unpageable, opened_at, acknowledged_by, acknowledged_at, acknowledged_via,
                resolved_at, visible_to, team, requested, asked_person, brief, urgency,
                waits_until, called_for, moved_by, assigned, routed, ticket)
        VALUES (%(id)s, %(incident_id)s, %(policy_id)s, %(state)s, %(epoch)s, %(step)s, %(loop)s,
                %(catch)s, %(retriggers)s, %(unpageable)s, %(opened_at)s, %(acknowledged_by)s,
                %(acknowledged_at)s, %(acknowledged_via)s, %(resolved_at)s, %(visible_to)s,
                %(team)s, %(requested)s, %(asked_person)s, %(brief)s, %(urgency)s,
                %(waits_until)s, %(called_for)s, %(moved_by)s, %(assigned)s, %(routed)s,
                %(ticket)s)
        """,
        _values(page) | {"brief": msgspec.json.encode(brief).decode()},
    )


async def save_page(conn: AsyncConnection[Any], page: Page) -> None:
    """Write back a page that was locked."""
    await conn.execute(
        """
        UPDATE oncall.pages
           SET state = %(state)s, epoch = %(epoch)s, step = %(step)s, loop = %(loop)s,
               catch = %(catch)s, retriggers = %(retriggers)s, unpageable = %(unpageable)s,
               acknowledged_by = %(acknowledged_by)s, acknowledged_at = %(acknowledged_at)s,
               acknowledged_via = %(acknowledged_via)s, resolved_at = %(resolved_at)s,
               policy_id = %(policy_id)s, asked_person = %(asked_person)s,
               urgency = %(urgency)s, waits_until = %(waits_until)s,
               called_for = %(called_for)s, moved_by = %(moved_by)s, assigned = %(assigned)s,
               routed = %(routed)s, ticket = %(ticket)s
         WHERE id = %(id)s
        """,
        _values(page),
    )


def _values(page: Page) -> dict[str, Any]:
    values = {name: getattr(page, name) for name in Page.__struct_fields__}
    visible_to = None if page.visible_to is None else list(page.visible_to)
    assigned = None if page.assigned is None else msgspec.json.encode(page.assigned).decode()
    return values | {"visible_to": visible_to, "assigned": assigned}


async def page_for_update(conn: AsyncConnection[Any], page_id: PageId) -> Page:
    """Lock one page until the transaction ends. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE id = %(page_id)s
               FOR UPDATE
            """,
            {"page_id": page_id},
        )
        page = await cursor.fetchone()
    if page is None:
        raise NotFound(f"no page {page_id}")
    return page


async def page_and_brief_for_update(
    conn: AsyncConnection[Any], page_id: PageId
) -> tuple[Page, Brief]:
    """Lock one page until the transaction ends, and return what it is about. Raises NotFound."""
    async with conn.cursor(row_factory=struct_row(_Briefed)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket, brief
              FROM oncall.pages
             WHERE id = %(page_id)s
               FOR UPDATE
            """,
            {"page_id": page_id},
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no page {page_id}")
    values = {name: getattr(found, name) for name in Page.__struct_fields__}
    return Page(**values), found.brief


async def pages_of_for_update(
    conn: AsyncConnection[Any], *incident_ids: IncidentId
) -> list[Page]:
    """Lock all pages of an incident, or of several at once, in id order."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE incident_id = ANY(%(incident_ids)s)
             ORDER BY id
               FOR UPDATE
            """,
            {"incident_ids": list(incident_ids)},
        )
        return await cursor.fetchall()


async def pages_for_update(
    conn: AsyncConnection[Any], page_ids: Sequence[PageId]
) -> dict[PageId, Page]:
    """Lock several pages, in id order as everybody does, and return them by id."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE id = ANY(%(ids)s)
             ORDER BY id
               FOR UPDATE
            """,
            {"ids": list(page_ids)},
        )
        return {page.id: page for page in await cursor.fetchall()}


async def unresolved_pages(conn: AsyncConnection[Any]) -> list[Page]:
    """Return every page that is not resolved, without locking it."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE state <> 'resolved'
            """
        )
        return await cursor.fetchall()


async def held_pages(conn: AsyncConnection[Any]) -> list[Page]:
    """Return every page that waits for its hours, without locking it."""
    async with conn.cursor(row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE state <> 'resolved' AND state = 'held'
            """
        )
        return await cursor.fetchall()


async def unwitnessed_pages(conn: AsyncConnection[Any]) -> AsyncIterator[Page]:
    """Return the pages that are not resolved and that no timer wakes, without locking them.

    Read in parts: pages that rightly have no timer may be many.
    """
    async with conn.cursor("unwitnessed", row_factory=struct_row(Page)) as cursor:
        await cursor.execute(
            """
            SELECT id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                   unpageable, opened_at, acknowledged_by, acknowledged_at,
                   acknowledged_via, resolved_at, visible_to, team, requested, asked_person,
                   urgency, waits_until, called_for, moved_by, assigned, routed, ticket
              FROM oncall.pages
             WHERE id IN (SELECT id FROM oncall.unwitnessed)
            """
        )
        async for page in cursor:
            yield page


async def brief(conn: AsyncConnection[Any], page_id: PageId) -> Brief:
    """Return what a page is about. Raises NotFound."""
    cursor = await conn.execute(
        "SELECT brief FROM oncall.pages WHERE id = %(page_id)s", {"page_id": page_id}
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"no page {page_id}")
    return msgspec.convert(row[0], Brief)


async def set_visible_to(
    conn: AsyncConnection[Any], incident_id: IncidentId, visible_to: tuple[str, ...] | None
) -> int:
    """Write who may see the pages of an incident; return how many pages that changes."""
    cursor = await conn.execute(
        """
        UPDATE oncall.pages
           SET visible_to = %(visible_to)s
         WHERE incident_id = %(incident_id)s
           AND visible_to IS DISTINCT FROM %(visible_to)s::text[]
        """,
        {
            "incident_id": incident_id,
            "visible_to": None if visible_to is None else list(visible_to),
        },
    )
    return cursor.rowcount


async def next_ticket(conn: AsyncConnection[Any], policy_id: PolicyId) -> int:
    """Count one more page of a policy whose people take turns; return how many were before.

    The row stays locked until the transaction ends, so no two pages get the same number.
    """
    cursor = await conn.execute(
        """
        INSERT INTO oncall.turns AS t (policy_id, count)
        VALUES (%(policy_id)s, 1)
            ON CONFLICT (policy_id) DO UPDATE
           SET count = t.count + 1
        RETURNING t.count - 1
        """,
        {"policy_id": policy_id},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
