"""Which turn is where a swapped one was, after an edit that counts the turns otherwise. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from tocsin.oncall.core.schedule.turns import handoff_s, seconds, turn_at
from tocsin.oncall.core.schedule.versions import Edit, older, timing
from tocsin.oncall.model import Layer, Override, OverrideKind, Version

AHEAD = timedelta(days=366)
"""How far ahead shifts can be swapped."""
_END = 2**40


def turn_after(
    edit: Edit,
    known: Sequence[Version],
    found: Sequence[Version],
    layer: str,
    turn: int,
    agreed_at: datetime,
) -> tuple[str, int]:
    """Return the layer and turn that have the middle of what a turn was before an edit.

    `known` and `found` are the versions before and after it. A number is of the version in which
    that turn could be swapped at `agreed_at`; where there is none, it stays what it is.
    """
    same = layer, turn
    if edit.before is None or edit.after is None:
        return same
    old = next((one for one in edit.before.layers if one.name == layer), None)
    if old is None:
        return same
    lo, hi = seconds(agreed_at), seconds(agreed_at + AHEAD)
    for start, end, layers in _reigns(known, old.slot, edit.before.layers):
        here = next((one for one in layers if one.name == layer and one.members), None)
        if here is None:
            continue
        first, last = max(start, handoff_s(here, turn)), min(end, handoff_s(here, turn + 1))
        if first < last and last > lo and first <= hi:
            break
    else:
        return same
    middle = (first + last) // 2
    after = next(
        layers
        for start, end, layers in _reigns(found, old.slot, edit.after.layers)
        if start <= middle < end
    )
    new = next((one for one in after if older(one, layers, after) == here), None)
    if new is None or not new.members:
        return same
    if timing(here) == timing(new):
        return new.name, turn
    return new.name, max(0, turn_at(new, middle))


def renumbered(
    agreed: Sequence[Override], edit: Edit, known: Sequence[Version], found: Sequence[Version]
) -> tuple[Override, ...]:
    """Let swaps of an edited schedule go on with the turns that they were made for."""
    kept = []
    for one in agreed:
        of_it = edit.before is not None and one.schedule_id == edit.before.id
        if of_it and one.kind is OverrideKind.SWAP:
            layer, turn = turn_after(edit, known, found, one.layer, one.turn, one.created_at)
            kept.append(replace(one, layer=layer, turn=turn))
        else:
            kept.append(one)
    return tuple(kept)


def _reigns(
    versions: Sequence[Version], slot: str, layers: Sequence[Layer]
) -> Iterator[tuple[int, int, Sequence[Layer]]]:
    """Yield from when to when which layers decide a slot."""
    own = [one for one in versions if one.slot == slot]
    if not own:
        yield -_END, _END, [one for one in layers if one.slot == slot]
    starts = [-_END if one.since is None else seconds(one.since) for one in own]
    for one, start, end in zip(own, starts, [*starts[1:], _END], strict=bool(own)):
        yield start, end, one.layers
