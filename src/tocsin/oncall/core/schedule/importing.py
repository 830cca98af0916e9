"""Another calendar as a layer: its events become shifts of people who are known here. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.model import FoundShift, MethodKind, Person

TURNS_MAX = 2**31
"""Below this are the numbers of shifts: PostgreSQL's integers."""


class WrittenShift(Struct, frozen=True):
    """A shift as it stands in a resource: people by the names of theirs, `turn` by its event."""

    people: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    turn: int | None = None


class Imported(Struct, frozen=True):
    """What became of a calendar; `unknown` are events whose people nobody here is."""

    shifts: tuple[WrittenShift, ...]
    unknown: tuple[str, ...]
    overlapping: int


def imported(found: Sequence[FoundShift], people: Mapping[PersonId, Person]) -> Imported:
    """Match events with people, by address in any case or by name in the summary.

    Of events at the same time the first stands: a layer has one member at a time; who shares the
    very same stretch has it together.
    """
    known = _Known([one for one in people.values() if one.active])
    named: dict[tuple[datetime, datetime], dict[str, None]] = {}
    keys: dict[tuple[datetime, datetime], str] = {}
    unknown: dict[str, None] = {}
    for event in found:
        names = known.names_of(event)
        if not names:
            unknown[event.summary or ", ".join(event.emails)] = None
        for name in names:
            named.setdefault((event.start_at, event.end_at), {})[name] = None
            keys.setdefault((event.start_at, event.end_at), event.key)
    shifts: list[WrittenShift] = []
    taken: set[int] = set()
    dropped = 0
    for (start_at, end_at), who in sorted(named.items()):
        if shifts and start_at < shifts[-1].end_at:
            dropped += 1
        else:
            turn = _turn(keys[start_at, end_at], taken)
            shifts.append(WrittenShift(tuple(who), start_at, end_at, turn))
    return Imported(tuple(shifts), tuple(unknown)[:100], dropped)


def _turn(key: str, taken: set[int]) -> int | None:
    """Return an event's number, by what it is: a swap of it goes along when it moves."""
    if not key:
        return None
    found = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % TURNS_MAX
    while found in taken:
        found = (found + 1) % TURNS_MAX
    taken.add(found)
    return found


class _Known:
    """Who is there, by what events may call them: looked up, however many people there are."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._by_address = {
            method.address.strip().casefold(): one.name
            for one in people
            for method in one.methods
            if method.kind is MethodKind.EMAIL
        }
        self._by_name: dict[str, str] = {}
        self._displayed: dict[str, list[str]] = {}
        for one in people:
            displayed = one.display_name.casefold()
            for name in (one.name.casefold(), displayed):
                self._by_name.setdefault(name, one.name)
            self._displayed.setdefault(displayed, []).append(one.name)
        self._lengths = sorted({len(name) for name in self._displayed if name})
        self._inside: dict[str, list[str]] = {}  # by summary: a rota repeats a few of them

    def names_of(self, event: FoundShift) -> list[str]:
        """Return the names of those whose shift an event is; none, where that is not clear."""
        found = [self._by_address[one] for one in event.emails if one in self._by_address]
        if found:
            return list(dict.fromkeys(found))
        words = event.summary.casefold()
        if words in self._by_name:
            return [self._by_name[words]]
        if words not in self._inside:
            self._inside[words] = list(dict.fromkeys(self._named_in(words)))
        inside = self._inside[words]
        return inside if len(inside) == 1 else []

    def _named_in(self, words: str) -> Iterable[str]:
        for length in self._lengths:
            for at in range(len(words) - length + 1):
                yield from self._displayed.get(words[at : at + length], ())
