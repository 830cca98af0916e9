"""Which alerts words find: among the newest one by one, among all by the index over words."""

from typing import Any
from uuid import UUID

from tocsin.kernel.unit import Unit
from tocsin.triage.model import Alert
from tocsin.triage.reads.alerts import alerts_by_id

LIST_MAX = 1000
WORDS_MAX = 8
FEW_MAX = 10_000
COMMON_RATIO = 0.05  # of the newest that have them: words that are in many
NEAR = 2500  # what many have in common is found among these, and the index would name them all


async def search(unit: Unit, text: str, limit: int = 20) -> list[Alert]:
    """Return alerts with a word that begins so for each word of `text`: firing first, newest first."""
    unit.require("alert:read")
    words, most = _words(text), min(limit, LIST_MAX)
    if not words:
        return []
    wanted = {
        "words": words,
        "query": as_query(text),
        "audience": unit.audience,
        "limit": most,
    }
    ids = await _near(unit, wanted)
    if len(ids) < most:
        ids = await _anywhere(unit, wanted)
    return sorted(await alerts_by_id(unit, ids), key=lambda one: one.state)


async def few(unit: Unit, text: str) -> list[UUID] | None:
    """Return all that words find, seen or not; None: so many that looking at each is quicker."""
    unit.require("alert:read")
    wanted = {"query": as_query(text), "words": _words(text), "audience": None}
    cursor = await unit.conn.execute(
        """
        SELECT count(*)
          FROM (SELECT words FROM triage.alert_words ORDER BY alert_id DESC LIMIT %(near)s) w
         WHERE words @@ to_tsquery('simple', %(query)s)
        """,
        {**wanted, "near": NEAR},
    )
    row = await cursor.fetchone()
    if row is not None and row[0] > NEAR * COMMON_RATIO:
        return None
    found = await _anywhere(unit, {**wanted, "limit": FEW_MAX + 1})
    return found if len(found) <= FEW_MAX else None


async def _near(unit: Unit, wanted: dict[str, Any]) -> list[UUID]:
    """Look through the newest that fire and the newest of all; as many as wanted are the right ones.

    Where more fire than are looked through, one that does not could stand in the place of one
    that does: then only those that fire are looked through.
    """
    cursor = await unit.conn.execute(
        """
        WITH firing AS MATERIALIZED (
            SELECT id FROM triage.alerts WHERE state = 'firing'
             ORDER BY id DESC LIMIT %(near)s),
        newest AS MATERIALIZED (
            SELECT id FROM triage.alerts WHERE (SELECT count(*) FROM firing) < %(near)s
             ORDER BY id DESC LIMIT %(near)s),
        looked_at AS MATERIALIZED (  -- else the index would be asked, for what very many have
            SELECT a.id, a.state, a.group_id, w.words
              FROM (SELECT id FROM firing UNION SELECT id FROM newest) n
              JOIN triage.alert_words w ON w.alert_id = n.id
              JOIN triage.alerts a ON a.id = n.id)
        SELECT a.id
          FROM looked_at a
         WHERE a.words @@ to_tsquery('simple', %(query)s)
           AND (%(audience)s::text[] IS NULL OR a.group_id IS NULL OR a.group_id NOT IN (
                SELECT id FROM triage.groups
                 WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
         ORDER BY a.state, a.id DESC
         LIMIT %(limit)s
        """,
        {**wanted, "near": NEAR},
    )
    return [row[0] for row in await cursor.fetchall()]


async def _anywhere(unit: Unit, wanted: dict[str, Any]) -> list[UUID]:
    """Look through all. Of each word the index is asked for one part, the longest.

    What is typed as svc-eu-1 stands in the index as svc-eu and its parts: whoever has the first
    has the others, which many have, and the index would name all of these.
    """
    cursor = await unit.conn.execute(
        """
        WITH telling AS MATERIALIZED (
            SELECT string_agg('''' || replace(lexeme, '''', '''''') || ''':*', ' & ')::tsquery AS query
              FROM unnest(%(words)s::text[]) AS word
             CROSS JOIN LATERAL (
                   SELECT lexeme FROM unnest(to_tsvector('simple', word))
                    ORDER BY length(lexeme) DESC
                    LIMIT 1) longest)
        SELECT a.id
          FROM (SELECT alert_id, words FROM triage.alert_words
                 WHERE words @@ (SELECT query FROM telling)
                OFFSET 0) w  -- so that the index is asked for these alone
          JOIN triage.alerts a ON a.id = w.alert_id
         WHERE w.words @@ to_tsquery('simple', %(query)s)
           AND (%(audience)s::text[] IS NULL OR a.group_id IS NULL OR a.group_id NOT IN (
                SELECT id FROM triage.groups
                 WHERE visible_to IS NOT NULL AND NOT visible_to && %(audience)s))
         ORDER BY a.state, a.id DESC
         LIMIT %(limit)s
        """,
        wanted,
        prepare=False,  # a plan for any words is a bad one for these
    )
    return [row[0] for row in await cursor.fetchall()]


def as_query(text: str) -> str:
    """Write words as people type them for `to_tsquery`: all of them, each the beginning of one."""
    words = (word.replace("'", "''") for word in _words(text))
    return " & ".join(f"'{word}':*" for word in words)


def _words(text: str) -> list[str]:
    return text.replace("\\", "").replace("\0", "").split()[:WORDS_MAX]
