"""Which incidents words find: among the newest one by one, among all by the index over words."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from tocsin.command.reads.incidents import parse
from tocsin.kernel.errors import Invalid
from tocsin.kernel.unit import Unit

TEXT_MAX = 500
FOUND_MAX = 10_000  # of what a search finds, the newest; nobody walks further
NEAR = 1000  # what many have in common is found among these, and the index would name them all
_WORD = re.compile(r"\w+")


class Terms(Struct, frozen=True, kw_only=True):
    """What somebody has typed: INC-12, words as on the web, or the beginnings of words.

    `telling` holds of each word the part that is likely in few: whoever has all has these.
    """

    number: int | None
    text: str
    beginnings: str
    telling: str


class Near(Struct, frozen=True):
    """What was found among the newest, and whether there are no others to look at."""

    ids: list[UUID]
    is_all: bool


def read_terms(text: str) -> Terms | None:
    """Read what somebody has typed; None: nothing. Raises Invalid."""
    wanted = text.replace("\0", "").strip()
    if not wanted:
        return None
    if len(wanted) > TEXT_MAX:
        raise Invalid(f"search for at most {TEXT_MAX} characters", field="text")
    parts = _beginnings(wanted)
    return Terms(
        number=_number(wanted),
        text=wanted,
        beginnings=_written(part for word in parts for part in word),
        telling=_written(max(word, key=len) for word in parts),
    )


async def found_near(unit: Unit, terms: Terms, listed: Mapping[str, Any]) -> Near:
    """Look through the newest of a list, seen or not: `is_open`, `before_at` and `before_id`."""
    unit.require("incident:read")
    cursor = await unit.conn.execute(
        """
        WITH newest AS MATERIALIZED (
            SELECT i.id, i.number, i.words
              FROM command.incidents i
             WHERE (NOT %(is_open)s OR i.resolved_at IS NULL)
               AND (%(before_at)s::timestamptz IS NULL
                    OR (i.opened_at, i.id) < (%(before_at)s, %(before_id)s::uuid))
             ORDER BY i.opened_at DESC, i.id DESC
             LIMIT %(near)s)
        SELECT array_agg(i.id) FILTER (
                   WHERE i.number = %(number)s
                      OR i.words @@ websearch_to_tsquery('simple', %(text)s)
                      OR i.words @@ to_tsquery('simple', %(beginnings)s)
                      OR n.is_found),
               count(*) < %(near)s
          FROM newest i
          LEFT JOIN LATERAL (
               SELECT bool_or(words @@ websearch_to_tsquery('simple', %(text)s)
                              OR words @@ to_tsquery('simple', %(beginnings)s)) AS is_found
                 FROM command.notes
                WHERE incident_id = i.id) n ON true
        """,
        {**{name: listed[name] for name in ("is_open", "before_at", "before_id")},
         **_asked(terms), "near": NEAR},
        prepare=False,
    )  # fmt: skip
    row = await cursor.fetchone()
    return Near(row[0] or [], row[1]) if row else Near([], is_all=True)


async def found(unit: Unit, terms: Terms) -> list[UUID]:
    """Return the incidents that words find, seen or not: the newest FOUND_MAX."""
    unit.require("incident:read")
    cursor = await unit.conn.execute(
        """
        SELECT id
          FROM command.incidents
         WHERE number = %(number)s OR words @@ websearch_to_tsquery('simple', %(text)s)
         UNION
        SELECT id
          FROM (SELECT id, words FROM command.incidents
                 WHERE words @@ to_tsquery('simple', %(telling)s)
                OFFSET 0) i  -- so that the index is asked for these alone
         WHERE words @@ to_tsquery('simple', %(beginnings)s)
         UNION
        SELECT incident_id
          FROM command.notes
         WHERE words @@ websearch_to_tsquery('simple', %(text)s)
         UNION
        SELECT incident_id
          FROM (SELECT incident_id, words FROM command.notes
                 WHERE words @@ to_tsquery('simple', %(telling)s)
                OFFSET 0) n
         WHERE words @@ to_tsquery('simple', %(beginnings)s)
         ORDER BY id DESC  -- their ids are in the order they were opened
         LIMIT %(limit)s
        """,
        {**_asked(terms), "limit": FOUND_MAX},
        prepare=False,  # a plan for any words is a bad one for these
    )
    return [row[0] for row in await cursor.fetchall()]


def _asked(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in terms.__struct_fields__}


def _beginnings(text: str) -> list[list[str]]:
    """Return the words of each word that somebody typed, as the beginnings that they may be.

    Where somebody says what exactly they mean, by a quotation, OR or -, there are none.
    """
    words = text.split()
    if '"' in text or any(word.startswith("-") or word.upper() == "OR" for word in words):
        return []
    return [parts for word in words if (parts := _WORD.findall(word))]


def _written(parts: Iterable[str]) -> str:
    return " & ".join(f"{part}:*" for part in parts)


def _number(text: str) -> int | None:
    try:
        return parse(text)[0]
    except Invalid:
        return None
