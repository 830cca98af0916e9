"""The final schedule: who has a slot when, by versions, layers, overrides and who is there. Pure.

One resolver for everything: screens, API, escalation, plans, calendars.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.schedule.folding import Candidate, bottom, fold, winner
from tocsin.oncall.core.schedule.layers import Piece, pieces
from tocsin.oncall.core.schedule.turns import handoff_s, instant, seconds, turn_at
from tocsin.oncall.model import Gap, Layer, Override, OverrideKind, Plan, Shift, Timeline

NEXT_WITHIN = (timedelta(days=2), timedelta(days=35), timedelta(days=366))
_BEGINNING = -(2**40)
_END = 2**40


class _Cell(Struct, frozen=True):
    """What is so all through [start_s, end_s)."""

    start_s: int
    end_s: int
    found: Candidate


class _Reign(Struct, frozen=True):
    """The layers that decide in [start_s, end_s)."""

    start_s: int
    end_s: int
    layers: tuple[Layer, ...]


def final(timeline: Timeline, start: datetime, end: datetime) -> Plan:
    """Return all shifts that have a moment in [start, end), uncut, and the gaps between them.

    Raises ValueError for a zone or a start that is not one.
    """
    lo, hi = seconds(start), _ceiling(end)
    shifts: list[Shift] = []
    gaps: list[Gap] = []
    if lo < hi:
        for slot in slots(timeline):
            found = _shifts(timeline, slot, lo, hi)
            shifts += found
            if slot in timeline.schedule.slots:
                gaps += _gaps(found, slot, start, end)
    if len(timeline.schedule.slots) > 1:
        rank = {slot: at for at, slot in enumerate(slots(timeline))}
        shifts.sort(key=lambda one: (one.start_at, rank[one.slot]))
        gaps.sort(key=lambda one: (one.start_at, rank[one.slot]))
    return Plan(schedule=timeline.schedule, shifts=tuple(shifts), gaps=tuple(gaps))


def slots(timeline: Timeline) -> tuple[str, ...]:
    """Return the slots there are, and after them those that there have been."""
    former = (one.slot for one in timeline.versions)
    return tuple(dict.fromkeys((*timeline.schedule.slots, *former)))


def shift_at(timeline: Timeline, slot: str, now: datetime) -> Shift | None:
    """Return the shift of a slot that contains `now`; None: nobody has it. Raises ValueError."""
    at_s = seconds(now)
    found = _shifts(timeline, slot, at_s, at_s + 1)
    return found[0] if found else None


def on_call(timeline: Timeline, slot: str, now: datetime) -> tuple[PersonId, ...]:
    """Return who has a slot at `now`. Raises ValueError."""
    shift = shift_at(timeline, slot, now)
    return shift.people if shift else ()


def next_on_call(timeline: Timeline, slot: str, now: datetime) -> Shift | None:
    """Return the next shift after `now` of others than have it now, within a year."""
    who = on_call(timeline, slot, now)
    lo = seconds(now)
    for ahead in NEXT_WITHIN:  # most have handed over within two days
        for cell in _cells(timeline, slot, lo, _ceiling(now + ahead)):
            if cell.start_s > lo and cell.found.people != who:
                return _shift(cell, slot)
    return None


def layer_pieces(
    timeline: Timeline, slot: str, start: datetime, end: datetime
) -> dict[str, list[Piece]]:
    """Return what each layer of a slot says by itself, by its name, the lowest first."""
    found: dict[str, list[Piece]] = {}
    for reign in _reigns(timeline, slot):
        lo, hi = max(seconds(start), reign.start_s), min(_ceiling(end), reign.end_s)
        for layer in reign.layers if lo < hi else ():
            found.setdefault(layer.name, []).extend(
                Piece(max(one.start_s, reign.start_s), min(one.end_s, reign.end_s),
                      one.people, one.layer, one.k)
                for one in pieces(layer, lo, hi)
            )  # fmt: skip
    return found


def layers_at(timeline: Timeline, slot: str, now: datetime) -> tuple[Layer, ...]:
    """Return the anchored layers of a slot that are in force at `now`, the lowest first."""
    at_s = seconds(now)
    return next(one.layers for one in _reigns(timeline, slot) if at_s < one.end_s)


def _cells(timeline: Timeline, slot: str, lo: int, hi: int) -> list[_Cell]:
    """Return who has a slot in [lo, hi), in order, apart, uncut."""
    reigns = [one for one in _reigns(timeline, slot) if one.start_s < hi and one.end_s > lo]
    overrides = _overrides(timeline, slot)
    first, last = _extent(reigns, overrides, lo, hi)
    swept = [
        cell
        for reign in _reigns(timeline, slot)
        for cell in _sweep(timeline, reign, overrides, first, last)
    ]
    return [one for one in _merged(swept) if one.start_s < hi and one.end_s > lo]


def _shifts(timeline: Timeline, slot: str, lo: int, hi: int) -> list[Shift]:
    """Return the shifts of a slot in [lo, hi); of most schedules, without much ado."""
    layers = [one for one in timeline.schedule.layers if one.slot == slot]
    is_plain = not (timeline.versions or timeline.overrides or timeline.absent)
    if not is_plain or len(layers) != 1:
        return [_shift(cell, slot) for cell in _cells(timeline, slot, lo, hi)]
    found: list[Shift] = []
    end = end_s = None
    for one in pieces(layers[0], lo, hi):
        start = end if one.start_s == end_s and end is not None else instant(one.start_s)
        end, end_s = instant(one.end_s), one.end_s
        found.append(
            Shift(
                people=one.people,
                start_at=start,
                end_at=end,
                slot=slot,
                layer=one.layer,
                k=one.k,
            )
        )
    return found


def _reigns(timeline: Timeline, slot: str) -> list[_Reign]:
    own = [one for one in timeline.versions if one.slot == slot]
    if not own:
        layers = tuple(one for one in timeline.schedule.layers if one.slot == slot)
        return [_Reign(_BEGINNING, _END, layers)]
    starts = [_BEGINNING if one.since is None else seconds(one.since) for one in own]
    found = [
        _Reign(start, end, one.layers)
        for one, start, end in zip(own, starts, [*starts[1:], _END], strict=True)
    ]
    return found if starts[0] == _BEGINNING else [_Reign(_BEGINNING, starts[0], ()), *found]


def _overrides(timeline: Timeline, slot: str) -> list[Override]:
    own = (timeline.schedule.id, None)
    return [
        one for one in timeline.overrides if one.schedule_id in own and one.slot in (slot, None)
    ]


def _extent(
    reigns: Sequence[_Reign], overrides: Sequence[Override], lo: int, hi: int
) -> tuple[int, int]:
    """Return a stretch that holds every shift that touches [lo, hi) as a whole."""
    first, last = lo, hi
    for reign in reigns:
        for layer in reign.layers:
            for piece in pieces(layer, lo, hi) if layer.shifts else ():
                first, last = min(first, piece.start_s), max(last, piece.end_s)
            if not layer.members:
                continue
            first = min(first, handoff_s(layer, turn_at(layer, max(lo, reign.start_s))))
            after = turn_at(layer, min(hi, reign.end_s) - 1) + 1
            last = max(last, handoff_s(layer, after))
    for one in overrides:
        start, end = _span(one)
        if start < hi and end > lo and one.kind in (OverrideKind.COVER, OverrideKind.TEMPORARY):
            first, last = min(first, start), max(last, end)
    return first, last


def _span(override: Override) -> tuple[int, int]:
    if override.kind is OverrideKind.SWAP:
        return seconds(override.created_at), _END  # what was before it was agreed on stays
    return seconds(override.start_at), _ceiling(override.end_at)


def _sweep(
    timeline: Timeline, reign: _Reign, overrides: Sequence[Override], first: int, last: int
) -> Iterator[_Cell]:
    lo, hi = max(first, reign.start_s), min(last, reign.end_s)
    if lo >= hi:
        return
    rows = [pieces(layer, lo, hi) for layer in reversed(reign.layers)]
    spans = [(*_span(one), one) for one in overrides]
    absent_s = seconds(timeline.absent_from) if timeline.absent_from else _BEGINNING
    cursors = [_Cursor(row) for row in rows]
    for begin, over in pairwise(_bounds(rows, spans, absent_s, lo, hi)):
        stack = bottom([one for one in (c.at(begin) for c in cursors) if one is not None])
        absent = timeline.absent if begin >= absent_s else frozenset()
        for start, end, override in spans:
            if start <= begin < end:
                stack = fold(stack, override, begin, absent)
        has = winner(stack, absent)
        if has is not None:
            yield _Cell(begin, over, has)


class _Cursor:
    """Walks the pieces of a layer, forward only."""

    def __init__(self, row: Sequence[Piece]) -> None:
        self._row = row
        self._at = 0

    def at(self, moment_s: int) -> Piece | None:
        """Return the piece that contains a moment, if there is one."""
        while self._at < len(self._row) and self._row[self._at].end_s <= moment_s:
            self._at += 1
        found = self._row[self._at] if self._at < len(self._row) else None
        return found if found is not None and found.start_s <= moment_s else None


def _bounds(
    rows: Sequence[Sequence[Piece]],
    spans: Sequence[tuple[int, int, Override]],
    absent_s: int,
    lo: int,
    hi: int,
) -> list[int]:
    found = {lo, hi, absent_s}
    for row in rows:
        for piece in row:
            found |= {piece.start_s, piece.end_s}
    for start, end, override in spans:
        found |= {start, end}
        for one in override.shifts:
            found |= {seconds(one.start_at), seconds(one.end_at)}
    return sorted(at for at in found if lo <= at <= hi)


def _merged(cells: Sequence[_Cell]) -> list[_Cell]:
    found: list[_Cell] = []
    for one in cells:
        before = found[-1] if found else None
        if before and before.end_s == one.start_s and before.found == one.found:
            found[-1] = _Cell(before.start_s, one.end_s, one.found)
        else:
            found.append(one)
    return found


def _shift(cell: _Cell, slot: str) -> Shift:
    found = cell.found
    return Shift(
        people=found.people, start_at=instant(cell.start_s), end_at=instant(cell.end_s),
        slot=slot, layer=found.layer, k=found.k,
        overrides=tuple(one.id for one in found.overrides),
    )  # fmt: skip


def _gaps(shifts: Sequence[Shift], slot: str, start: datetime, end: datetime) -> Iterator[Gap]:
    at = start
    for shift in shifts:
        if shift.start_at > at:
            yield Gap(start_at=at, end_at=min(shift.start_at, end), slot=slot)
        at = max(at, shift.end_at)
    if at < end:
        yield Gap(start_at=at, end_at=end, slot=slot)


def _ceiling(at: datetime) -> int:
    return seconds(at) + (at.microsecond > 0)
