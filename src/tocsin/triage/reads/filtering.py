"""What a list of alerts is narrowed by, and the parameters that say so to a statement."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.kernel.errors import Invalid
from tocsin.kernel.rows import as_json
from tocsin.kernel.unit import Unit
from tocsin.triage.core.matchers import matches
from tocsin.triage.model import AlertState, Matcher, MatchOp
from tocsin.triage.reads.finding import as_query, few

VALUES_MAX = 20_000  # of one label, that an expression is tried on


class Filter(Struct, frozen=True, kw_only=True):
    """What a list holds; everything has to hold, and of `any_of` one set of labels."""

    state: AlertState | None = None  # None: any
    matchers: tuple[Matcher, ...] = ()
    integration: str | None = None
    group_ids: tuple[UUID, ...] | None = None
    text: str = ""
    any_of: tuple[Mapping[str, tuple[str, ...]], ...] | None = None  # by label: one of these


async def parameters(unit: Unit, wanted: Filter) -> dict[str, Any]:
    """Return what the statements ask; an expression becomes the values that satisfy it.

    So expressions are RE2's here as well as on the way of a page, and run once a value.
    """
    unit.require("alert:read")
    all_of = [await _among(unit, matcher, wanted) for matcher in wanted.matchers]
    query = as_query(wanted.text)
    if wanted.text.strip() and not query:
        query = "' '"  # no word that could stand in an index
    found = None
    if query and wanted.state is not AlertState.FIRING:  # of these there are never so many
        found = await few(unit, wanted.text)
    return {
        "state": wanted.state,
        "integration": wanted.integration,
        "group_ids": None if wanted.group_ids is None else list(wanted.group_ids),
        "query": (query or None) if found is None else None,
        "found": found,
        "all_of": as_json(all_of) if all_of else None,
        "any_of": None if wanted.any_of is None else as_json(list(_ways(wanted.any_of))),
        "audience": unit.audience,
    }


async def _among(unit: Unit, matcher: Matcher, wanted: Filter) -> dict[str, Any]:
    negated = matcher.op in (MatchOp.NOT_EQUAL, MatchOp.NOT_MATCHES)
    values: Iterable[str] = (matcher.value,)
    if matcher.op in (MatchOp.MATCHES, MatchOp.NOT_MATCHES):
        positive = msgspec.structs.replace(matcher, op=MatchOp.MATCHES)
        values = [
            value
            for value in await _values(unit, matcher.name, wanted)
            if matches(positive, {matcher.name: value})
        ]
    return {"name": matcher.name, "among": dict.fromkeys(values, 1), "negated": negated}


async def _values(unit: Unit, name: str, wanted: Filter) -> list[str]:
    cursor = await unit.conn.execute(
        """
        SELECT DISTINCT coalesce(labels ->> %(name)s, '')
          FROM triage.alerts
         WHERE (%(state)s::text IS NULL OR state = %(state)s)
           AND (%(group_ids)s::uuid[] IS NULL OR group_id = ANY(%(group_ids)s))
         LIMIT %(limit)s
        """,
        {
            "name": name, "state": wanted.state,
            "group_ids": None if wanted.group_ids is None else list(wanted.group_ids),
            "limit": VALUES_MAX + 1,
        },
    )  # fmt: skip
    found = [row[0] for row in await cursor.fetchall()]
    if len(found) > VALUES_MAX:
        raise Invalid(
            f"label {name} has more than {VALUES_MAX} values; narrow the list first, or"
            " compare with = instead of an expression",
            field="filter",
        )
    return found


def _ways(any_of: Sequence[Mapping[str, tuple[str, ...]]]) -> Iterable[dict[str, Any]]:
    """Spell alternatives as rows; those that ask for one and the same label become one."""
    single: dict[str, dict[str, int]] = {}
    for labels in any_of:
        if len(labels) == 1:
            for name, values in labels.items():
                single.setdefault(name, {}).update(dict.fromkeys(values, 1))
    several = [labels for labels in any_of if len(labels) > 1]
    for way, (name, among) in enumerate(single.items()):
        yield {"way": way, "name": name, "among": among}
    for way, labels in enumerate(several, start=len(single)):
        for name, values in labels.items():
            yield {"way": way, "name": name, "among": dict.fromkeys(values, 1)}
