"""Who has a layer when: its turns, where it is in force. Instants are seconds since 1970."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.local_time import local_s
from tocsin.oncall.core.schedule.turns import (
    Turn,
    handoff_s,
    is_elapsed,
    seconds,
    turn_at,
    turns,
    wall_of,
    weekly,
)
from tocsin.oncall.core.schedule.windows import is_active, is_restricted, stretches
from tocsin.oncall.model import Advance, Layer

_BLOCK = 256  # turns that are counted at once


class Piece(Struct, frozen=True):
    """`people` have turn `k` of a layer in [start_s, end_s), never empty."""

    start_s: int
    end_s: int
    people: tuple[PersonId, ...]
    layer: str
    k: int


def pieces(layer: Layer, start_s: int, end_s: int) -> list[Piece]:
    """Return what a layer says of [start_s, end_s), in order, uncut. Raises ValueError."""
    if layer.shifts or layer.source:
        return [one for one in _fixed(layer) if one.end_s > start_s and one.start_s < end_s]
    found = list(turns(layer, start_s, end_s))
    if not found:
        return []
    if not is_restricted(layer):
        first, members, name = layer.anchor_place - layer.anchor_turn, layer.members, layer.name
        count = len(members)
        return [
            Piece(turn.start_s, turn.end_s, members[(first + turn.k) % count], name, turn.k)
            for turn in found
        ]
    spans = stretches(layer, found[0].start_s, found[-1].end_s)
    cut = _crossed(layer, found, spans)
    return [one for one in cut if one.end_s > start_s and one.start_s < end_s]


def _fixed(layer: Layer) -> Iterator[Piece]:
    for one in layer.shifts:
        start_s = seconds(one.start_at)
        # not by its place, which others before it would change
        k = start_s // 60 if one.turn is None else one.turn
        yield Piece(start_s, seconds(one.end_at), one.people, layer.name, k)


def _crossed(
    layer: Layer, found: Sequence[Turn], spans: Sequence[tuple[int, int]]
) -> list[Piece]:
    cut = []
    at = 0
    for turn in found:
        people = people_of(layer, turn.k)
        while at < len(spans) and spans[at][1] <= turn.start_s:
            at += 1
        index = at
        while index < len(spans) and spans[index][0] < turn.end_s:
            begin, end = spans[index]
            start, over = max(begin, turn.start_s), min(end, turn.end_s)
            if start < over:
                cut.append(Piece(start, over, people, layer.name, turn.k))
            index += 1
    return cut


def place_of(layer: Layer, k: int) -> int:
    """Return whose turn `k` is, as a place among the layer's members."""
    passed = k - layer.anchor_turn
    if layer.advance is Advance.ACTIVE and is_restricted(layer):
        passed = _active_before(layer, k) - _active_before(layer, layer.anchor_turn)
    return (layer.anchor_place + passed) % len(layer.members)


def people_of(layer: Layer, k: int) -> tuple[PersonId, ...]:
    """Return who has turn `k`; never called for a layer without members."""
    return layer.members[place_of(layer, k)]


def turn_now(layer: Layer, at_s: int) -> int | None:
    """Return the turn that contains an instant, whether the layer is in force then or not."""
    if not layer.members:
        return None
    k = turn_at(layer, at_s)
    return k if k >= 0 else None


def _active_before(layer: Layer, k: int) -> int:
    """Count the turns before `k` in which the layer is in force at some moment."""
    bare = _grid(layer)
    period = weekly(bare) if bare.calendar is None else None
    if period is not None:
        weeks, rest = divmod(k, period)
        return weeks * _active_in(bare, 0, period) + _active_in(bare, 0, rest)
    blocks, rest = divmod(k, _BLOCK)
    whole = sum(_active_in(bare, block, _BLOCK) for block in range(blocks))
    return whole + _active_in(bare, blocks, rest)


def _grid(layer: Layer) -> Layer:
    """Return a layer without what its turns do not hang on, so that they are counted once."""
    return Layer(
        name="", zone=layer.zone, starts_at_local=layer.starts_at_local, unit=layer.unit,
        length=layer.length, windows=layer.windows, holidays=layer.holidays,
        calendar=layer.calendar,
    )  # fmt: skip


@lru_cache(maxsize=8192)
def _active_in(layer: Layer, block: int, count: int) -> int:
    first = block * _BLOCK
    return sum(_is_active_turn(layer, k) for k in range(first, first + count))


def _is_active_turn(layer: Layer, k: int) -> bool:
    if is_elapsed(layer):
        begin = local_s(layer.zone, handoff_s(layer, k))
        return is_active(layer, begin, local_s(layer.zone, handoff_s(layer, k + 1)))
    return is_active(layer, wall_of(layer, k), wall_of(layer, k + 1))
