"""What an edit of a schedule does to time: never to history, nor to the shift that is on now. Pure.

A new version of a slot comes into force when the present shift ends, unless it names its instant.
A layer is known by its name: who has it keeps it as long as they are still in it, and the order goes
on after them. So adding or removing somebody resets nothing (GoAlert #2196).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.schedule.final import shift_at
from tocsin.oncall.core.schedule.layers import place_of, turn_now
from tocsin.oncall.core.schedule.timelines import told
from tocsin.oncall.core.schedule.turns import begins_s, handoff_s, instant, seconds, turn_at
from tocsin.oncall.model import (
    PRIMARY,
    TURNS,
    Layer,
    Schedule,
    TemporaryShift,
    Timeline,
    Version,
)

_NOTHING = Schedule(id=None, name="", zone="UTC", slots=(PRIMARY,))  # type: ignore[arg-type]


class Edit(Struct, frozen=True, kw_only=True):
    """A schedule before and after (None: there was none, there is none), and from when on.

    `exact`: at `at` itself, also in the middle of a shift. `there` are the people who can still
    be on call; a shift of others need not be kept. `said` is what layers' calendars say, by name.
    """

    before: Schedule | None
    after: Schedule | None
    at: datetime
    exact: bool
    there: Collection[PersonId]
    said: Mapping[str, tuple[TemporaryShift, ...]] = MappingProxyType({})


def succeed(versions: Sequence[Version], edit: Edit) -> tuple[Version, ...]:
    """Return the versions of a schedule after an edit; none, while it is as it always was."""
    found: list[Version] = []
    for slot in _slots(versions, edit):
        found += _after(slot, [one for one in versions if one.slot == slot], edit)
    return tuple(found)


def followed_since(versions: Sequence[Version], layer: Layer) -> datetime | None:
    """Return from when on a layer has followed its calendar without a break; None: always."""
    since = None
    for version in reversed([one for one in versions if one.slot == layer.slot]):
        if not any(
            (one.name, one.source) == (layer.name, layer.source) for one in version.layers
        ):
            break
        since = version.since
    return since


def _slots(versions: Sequence[Version], edit: Edit) -> list[str]:
    names = [one.slot for one in versions]
    for schedule in (edit.before, edit.after):
        names += schedule.slots if schedule else ()
    return list(dict.fromkeys(names))


def _after(slot: str, versions: Sequence[Version], edit: Edit) -> Sequence[Version]:
    if not versions and edit.before is None:
        return ()  # it is new: as it is written from the beginning
    if (
        edit.before
        and edit.after
        and _bare(_of(edit.before, slot)) == _bare(_of(edit.after, slot))
    ):
        return versions  # what is to come stays to come
    known = versions or [Version(slot=slot, since=None, layers=_of(edit.before, slot))]
    wanted = _of(edit.after, slot)
    cut = _cut(slot, known, wanted, edit)
    kept = [one for one in known if one.since is None or one.since < cut]
    last = kept[-1] if kept else Version(slot=slot, since=None, layers=())
    if _bare(last.layers) == _bare(wanted):
        return kept if versions else ()
    # whoever has it at `seen`, or had it just before, is where the order goes on from
    seen = seconds(edit.at) - edit.exact
    seen = max(seen, seconds(last.since)) if last.since else seen
    new = tuple(
        _anchored(layer, older(layer, last.layers, wanted), seen, cut) for layer in wanted
    )
    return [*kept, Version(slot=slot, since=cut, layers=new)]


def _of(schedule: Schedule | None, slot: str) -> tuple[Layer, ...]:
    return tuple(one for one in schedule.layers if one.slot == slot) if schedule else ()


def _bare(layers: Sequence[Layer]) -> list[Layer]:
    return [replace(one, anchor_turn=0, anchor_place=0) for one in layers]


def _cut(slot: str, known: Sequence[Version], wanted: Sequence[Layer], edit: Edit) -> datetime:
    """Return from when on the new version decides."""
    if edit.exact:
        return edit.at
    schedule = edit.before or edit.after or _NOTHING
    versions = tuple(replace(one, layers=told(one.layers, edit.said)) for one in known)
    shift = shift_at(Timeline(schedule=schedule, versions=versions), slot, edit.at)
    if shift is None or not all(who in edit.there for who in shift.people):
        return edit.at
    # where all of it begins later, the old version goes on until then
    begins = [instant(begins_s(one)) for one in wanted if one.members]
    return max(shift.end_at, min(begins, default=shift.end_at))


def older(layer: Layer, present: Sequence[Layer], wanted: Sequence[Layer]) -> Layer | None:
    """Return which of the `present` layers goes on as `layer`, one of those `wanted`."""
    named = next((one for one in present if one.name == layer.name), None)
    if named is None and len(present) == len(wanted) == 1 and TURNS in (
        layer.name, present[0].name
    ):  # fmt: skip
        return present[0]  # the short form was written out, or the other way round
    return named


def _anchored(layer: Layer, old: Layer | None, at_s: int, cut: datetime) -> Layer:
    """Let a layer go on where `old` was at `at_s`."""
    if old is None or not layer.members:
        return layer
    k = turn_now(old, at_s)
    if k is None:
        return layer
    place, is_next = _heir(old, place_of(old, k), layer)
    if timing(old) == timing(layer):
        return replace(layer, anchor_turn=k + is_next, anchor_place=place)
    if begins_s(layer) > at_s:
        return layer  # it says itself when it begins, and with whom
    turn = turn_at(layer, seconds(cut))
    is_running = handoff_s(layer, turn) <= at_s
    step = 0 if is_running or is_next else 1
    return replace(layer, anchor_turn=turn, anchor_place=(place + step) % len(layer.members))


def _heir(old: Layer, place: int, new: Layer) -> tuple[int, bool]:
    """Return where the present member stands in `new`; else, and True, where the next one does."""
    holder = old.members[place]
    if holder in new.members:
        return new.members.index(holder), False
    for at, member in enumerate(new.members):
        if set(member) & set(holder):
            return at, False  # the group has changed
    count = len(old.members)
    for step in range(1, count):
        following = old.members[(place + step) % count]
        if following in new.members:
            return new.members.index(following), True
    return 0, True


def timing(layer: Layer) -> tuple[object, ...]:
    """Return all that decides when the turns of a layer begin."""
    return layer.zone, layer.starts_at_local, layer.unit, layer.length
