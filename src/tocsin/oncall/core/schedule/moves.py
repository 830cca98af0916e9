"""Whose shifts are others than they were: who has a slot now that they had not, or no more. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.schedule.final import final
from tocsin.oncall.core.schedule.turns import instant, seconds
from tocsin.oncall.model import Timeline

WITHIN = timedelta(days=90)

Held = dict[tuple[PersonId, str], list[tuple[int, int]]]
"""The stretches in which people have slots, in seconds since 1970, in order."""


class Move(Struct, frozen=True, kw_only=True):
    """The first stretch in which a person has a slot (`gained`), or has it no more."""

    person_id: PersonId
    slot: str
    start_at: datetime
    end_at: datetime
    gained: bool


def held(timeline: Timeline, start: datetime, end: datetime) -> Held:
    """Return who has which slot when in [start, end). Raises ValueError for a broken schedule."""
    spans = (
        (one.slot, one.people, seconds(one.start_at), seconds(one.end_at))
        for one in final(timeline, start, end).shifts
    )
    return held_of(spans, seconds(start), seconds(end))


def held_of(
    spans: Iterable[tuple[str, Sequence[UUID], int, int]], start_s: int, end_s: int
) -> Held:
    """Return what shifts, as slot, people, start and end, say of [start_s, end_s)."""
    found: Held = {}
    for slot, people, first_s, last_s in spans:
        begin, over = max(start_s, first_s), min(end_s, last_s)
        for who in people if begin < over else ():
            found.setdefault((PersonId(who), slot), []).append((begin, over))
    return found


def moves(before: Held, after: Held) -> tuple[Move, ...]:
    """Return the first difference of everybody who has one, by person."""
    found: dict[PersonId, Move] = {}
    for who, slot in before.keys() | after.keys():
        first = _first(before.get((who, slot), ()), after.get((who, slot), ()))
        if first is None:
            continue
        start_s, end_s, gained = first
        move = Move(
            person_id=who, slot=slot, start_at=instant(start_s), end_at=instant(end_s),
            gained=gained,
        )  # fmt: skip
        if who not in found or _rank(move) < _rank(found[who]):
            found[who] = move
    return tuple(sorted(found.values(), key=lambda one: str(one.person_id)))


def _rank(one: Move) -> tuple[datetime, bool, str]:
    return one.start_at, not one.gained, one.slot


def _first(
    before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]]
) -> tuple[int, int, bool] | None:
    """Return the first stretch in which one holds and the other does not, and which one does."""
    steps: dict[int, int] = {}
    for spans, sign in ((before, -1), (after, 1)):
        for start, end in spans:
            steps[start] = steps.get(start, 0) + sign
            steps[end] = steps.get(end, 0) - sign
    level, begun = 0, None
    for at in sorted(steps):
        level += steps[at]
        if begun is None and level:
            begun = (at, level)
        elif begun is not None and level != begun[1]:
            return begun[0], at, begun[1] > 0
    return None
