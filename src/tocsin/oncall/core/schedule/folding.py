"""Lets overrides win, in the order in which they were made, over what the layers say. Pure."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.schedule.layers import Piece
from tocsin.oncall.core.schedule.turns import seconds
from tocsin.oncall.model import Override, OverrideKind


class Candidate(Struct, frozen=True):
    """Who would have the slot if nothing stood above; nobody: it is left to what is below."""

    people: tuple[PersonId, ...]
    layer: str
    k: int
    overrides: tuple[Override, ...] = ()


Stack = list[Candidate]
"""The uppermost first."""


def bottom(found: Sequence[Piece]) -> Stack:
    """Return the pieces of one moment, the uppermost first, as candidates."""
    return [Candidate(one.people, one.layer, one.k) for one in found]


def fold(stack: Stack, override: Override, at_s: int, absent: frozenset[PersonId]) -> Stack:
    """Return what an override in force at `at_s` makes of what stands there before it."""
    match override.kind:
        case OverrideKind.COVER:
            who = (override.person_id,) if override.person_id else ()
            return [Candidate(who, "", 0, (override,)), *stack]
        case OverrideKind.REMOVE | OverrideKind.LEAVE:
            return [_without(one, override) for one in stack]
        case OverrideKind.REPLACE:
            return _replaced(stack, override, absent)
        case OverrideKind.TEMPORARY:
            return _temporary(override, at_s)
        case OverrideKind.SWAP:
            return [
                _exchanged(one, override)
                if (one.layer, one.k) == (override.layer, override.turn)
                else one
                for one in stack
            ]
        case OverrideKind.CALENDAR:
            return stack  # it is in the layers already


def winner(stack: Stack, absent: frozenset[PersonId]) -> Candidate | None:
    """Return the uppermost candidate of whom somebody is there; None: nobody has it."""
    for one in stack:
        there = tuple(who for who in one.people if who not in absent)
        if there:
            return one if there == one.people else replace(one, people=there)
    return None


def _without(one: Candidate, override: Override) -> Candidate:
    if override.person_id not in one.people:
        return one
    rest = tuple(who for who in one.people if who != override.person_id)
    return replace(one, people=rest, overrides=(*one.overrides, override))


def _exchanged(one: Candidate, override: Override) -> Candidate:
    if override.replaced_id not in one.people or override.person_id is None:
        return one
    new = (override.person_id if who == override.replaced_id else who for who in one.people)
    return replace(one, people=tuple(dict.fromkeys(new)), overrides=(*one.overrides, override))


def _replaced(stack: Stack, override: Override, absent: frozenset[PersonId]) -> Stack:
    """Replace a person only where they have it: below others who are there they do not."""
    for at, one in enumerate(stack):
        if override.replaced_id in one.people:
            return [*stack[:at], _exchanged(one, override), *stack[at + 1 :]]
        if not absent.issuperset(one.people):
            return stack
    return stack


def _temporary(override: Override, at_s: int) -> Stack:
    for one in override.shifts:
        if seconds(one.start_at) <= at_s < seconds(one.end_at):
            return [Candidate(one.people, "", 0, (override,))]
    return []
