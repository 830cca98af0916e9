"""The one projection that every list of incidents reads: command's own tables and nobody else's."""

import re
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.command.model import Calling, IncidentStatus, Priority
from tocsin.command.reads.incidents import parse
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import IncidentId, PersonId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity, Urgency

LIST_MAX = 1000
TEXT_MAX = 500
FOUND_MAX = 10_000  # of what a search finds, the newest; nobody walks further
_WORD = re.compile(r"\w+")


class Position(Struct, frozen=True):
    """Where a list was left: the last row's instant and id."""

    at: datetime
    id: UUID


class IncidentFilter(Struct, frozen=True, kw_only=True):
    """Which incidents a list holds; what is empty or None does not restrict it.

    `mine` are those on which the asking person works or whose page they have taken.
    `text` is searched as on the web: words, "phrases", OR, -not; INC-12 finds that one.
    """

    statuses: tuple[IncidentStatus, ...] = ()
    severities: tuple[Severity, ...] = ()
    teams: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    mine: bool = False
    text: str = ""
    acknowledged: bool | None = None
    before: Position | None = None
    limit: int = 50


class IncidentRow(Struct, frozen=True, kw_only=True):
    """An incident in a list. `acknowledged_by` is None also when a token took its page.

    `acknowledged_via` is the sender that said so of its alert, if no person has taken a page.
    """

    id: IncidentId
    number: int
    title: str
    status: IncidentStatus
    severity: Severity | None
    priority: Priority | None
    urgency: Urgency
    team: str | None
    services: tuple[str, ...]
    opened_at: datetime
    resolved_at: datetime | None
    merged_into: IncidentId | None
    version: int
    restricted: bool
    alert_count: int
    firing_count: int
    calling: Calling
    acknowledged_by: PersonId | None
    acknowledged_via: str
    responders: tuple[PersonId, ...]

    @property
    def reference(self) -> str:
        """Return the name people call it by."""
        return f"INC-{self.number}"

    @property
    def position(self) -> Position:
        """Return where a list goes on after this row."""
        return Position(self.opened_at, self.id)


async def incident_list(unit: Unit, wanted: IncidentFilter) -> list[IncidentRow]:
    """Return incidents in rows, newest first, at most `wanted.limit`. Raises Invalid."""
    unit.require("incident:read")
    found = await _found(unit, wanted.text.replace("\0", "").strip())
    return await _rows(unit, _parameters(unit, wanted, found))


async def _rows(unit: Unit, parameters: dict[str, object]) -> list[IncidentRow]:
    async with unit.conn.cursor(row_factory=struct_row(IncidentRow)) as cursor:
        await cursor.execute(
            """
            SELECT i.id, i.number, i.title, i.status, i.severity, i.priority, i.urgency, i.team,
                   i.services, i.opened_at, i.resolved_at, i.merged_into, i.version,
                   i.visible_to IS NOT NULL AS restricted,
                   g.alert_count, g.firing_count, p.calling, p.acknowledged_by,
                   p.acknowledged_via, coalesce(r.people, '{}') AS responders
              FROM command.incidents i
             CROSS JOIN LATERAL (
                   SELECT coalesce(sum(alert_count), 0)::integer AS alert_count,
                          coalesce(sum(firing_count), 0)::integer AS firing_count
                     FROM command.incident_groups WHERE incident_id = i.id) g
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN bool_or(state = 'calling' AND unpageable) THEN 'unpageable'
                               WHEN bool_or(state = 'calling') THEN 'calling'
                               WHEN bool_or(state = 'acknowledged') THEN 'acknowledged'
                               WHEN bool_or(state = 'snoozed') THEN 'snoozed'
                               WHEN bool_or(state = 'held') THEN 'held'
                               ELSE 'none' END AS calling,
                          (array_agg(acknowledged_by ORDER BY page_id DESC)
                           FILTER (WHERE state = 'acknowledged'
                                     AND acknowledged_by IS NOT NULL))[1] AS acknowledged_by,
                          coalesce(max(acknowledged_via)
                                   FILTER (WHERE state = 'acknowledged'), '') AS acknowledged_via
                     FROM command.incident_pages WHERE incident_id = i.id) p
             CROSS JOIN LATERAL (
                   SELECT array_agg(person_id ORDER BY joined_at, person_id) AS people
                     FROM command.responders WHERE incident_id = i.id) r
             WHERE (%(audience)s::text[] IS NULL OR i.visible_to IS NULL
                    OR i.visible_to && %(audience)s)
               AND (%(before_at)s::timestamptz IS NULL
                    OR (i.opened_at, i.id) < (%(before_at)s, %(before_id)s::uuid))
               AND (%(statuses)s::text[] IS NULL OR i.status = ANY(%(statuses)s))
               AND (%(severities)s::integer[] IS NULL OR i.severity = ANY(%(severities)s))
               AND (%(teams)s::text[] IS NULL OR i.team = ANY(%(teams)s))
               AND (%(services)s::text[] IS NULL OR i.services ?| %(services)s)
               AND (NOT %(mine)s
                    OR EXISTS (SELECT FROM command.responders m
                                WHERE m.incident_id = i.id AND m.person_id = %(person_id)s)
                    OR EXISTS (SELECT FROM command.incident_pages m
                                WHERE m.incident_id = i.id AND m.acknowledged_by = %(person_id)s))
               AND (%(acknowledged)s::boolean IS NULL
                    OR %(acknowledged)s = (p.calling = 'acknowledged'))
               AND (%(found)s::uuid[] IS NULL OR i.id = ANY(%(found)s))
             ORDER BY i.opened_at DESC, i.id DESC
             LIMIT %(limit)s
            """,
            parameters,
        )
        return await cursor.fetchall()


async def _found(unit: Unit, text: str) -> list[UUID] | None:
    """Return the incidents that `text` finds, seen or not; None: every one is wanted."""
    if not text:
        return None
    if len(text) > TEXT_MAX:
        raise Invalid(f"search for at most {TEXT_MAX} characters", field="text")
    cursor = await unit.conn.execute(
        """
        SELECT id
          FROM command.incidents
         WHERE number = %(number)s
            OR words @@ websearch_to_tsquery('simple', %(text)s)
            OR words @@ to_tsquery('simple', %(beginnings)s)
         UNION
        SELECT incident_id
          FROM command.notes
         WHERE words @@ websearch_to_tsquery('simple', %(text)s)
            OR words @@ to_tsquery('simple', %(beginnings)s)
         ORDER BY id DESC  -- their ids are in the order they were opened
         LIMIT %(limit)s
        """,
        {
            "number": _number(text),
            "text": text,
            "beginnings": beginnings(text),
            "limit": FOUND_MAX,
        },
    )
    return [row[0] for row in await cursor.fetchall()]


def _parameters(
    unit: Unit, wanted: IncidentFilter, found: list[UUID] | None
) -> dict[str, object]:
    return {
        "audience": unit.audience,
        "before_at": wanted.before.at if wanted.before else None,
        "before_id": wanted.before.id if wanted.before else None,
        "statuses": [str(one) for one in wanted.statuses] or None,
        "severities": [int(one) for one in wanted.severities] or None,
        "teams": list(wanted.teams) or None,
        "services": list(wanted.services) or None,
        "mine": wanted.mine,
        "person_id": unit.actor.person_id,
        "acknowledged": wanted.acknowledged,
        "found": found,
        "limit": min(wanted.limit, LIST_MAX),
    }


def beginnings(text: str) -> str:
    """Write words as people type them for `to_tsquery`: each the beginning of one.

    Where somebody says what exactly they mean, by a quotation, OR or -, there are none.
    """
    words = text.split()
    if '"' in text or any(word.startswith("-") or word.upper() == "OR" for word in words):
        return ""
    parts = (part for word in words for part in _WORD.findall(word))
    return " & ".join(f"{part}:*" for part in parts)


def _number(text: str) -> int | None:
    try:
        return parse(text)[0]
    except Invalid:
        return None
