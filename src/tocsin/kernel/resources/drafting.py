"""Works out what a set of documents changes, without changing anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import uuid7
from tocsin.kernel.resources.differences import changed_fields
from tocsin.kernel.resources.model import (
    Action,
    Change,
    Current,
    Key,
    Kind,
    Managed,
    Scheduled,
    Wanted,
    World,
)

_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Draft(Struct, frozen=True, kw_only=True):
    """The world before and after, and what leads from the one to the other."""

    before: World
    after: World
    written: tuple[Current, ...]
    deleted: tuple[Current, ...]
    scheduled: tuple[Scheduled, ...]
    cancelled: tuple[Scheduled, ...]
    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether everything is already as it is wanted."""
        return not (self.written or self.deleted or self.scheduled or self.cancelled)

    def touched(self) -> Iterator[tuple[str, list[Current | Scheduled]]]:
        """Yield the kind and all versions of each resource that does not stay as it is."""
        keys = {one.key for one in (*self.written, *self.deleted)}
        keys |= {one.key for one in (*self.scheduled, *self.cancelled)}
        for key in sorted(keys):
            cancelled = [one for one in self.cancelled if one.key == key]
            yield key[0], [*self.of(key), *cancelled]

    def of(self, key: Key) -> list[Current | Scheduled]:
        """Return a resource as it is, as it would be, and as it would be later."""
        worlds = (self.before.present, self.after.present)
        now: list[Current | Scheduled] = [world[key] for world in worlds if key in world]
        return now + [one for one in self.scheduled if one.key == key]


class Terms(Struct, frozen=True, kw_only=True):
    """Under which terms a set is taken: when, by whom, for which manager, whether it is all."""

    now: datetime
    by: str
    managed_by: Managed
    prune: bool = False


class _Fate(Struct, frozen=True, kw_only=True):
    """What becomes of one resource and of what is scheduled for it."""

    written: Current | None = None
    scheduled: tuple[Scheduled, ...] = ()
    cancelled: tuple[Scheduled, ...] = ()


def draft(
    world: World, wanted: Sequence[Wanted], terms: Terms, kinds: Mapping[str, Kind]
) -> Draft:
    """Compare what is wanted with what there is.

    Of several documents of one resource the newest that is due is in force; those of later
    instants are scheduled, and replace what was scheduled for it. A resource that only later
    documents name stays as it is until then.
    """
    by_key: dict[Key, list[Wanted]] = {}
    for one in wanted:
        by_key.setdefault(one.key, []).append(one)
    batches: dict[datetime, UUID] = {}
    fates = {key: _fate(world, found, terms, batches) for key, found in by_key.items()}
    deleted = _unnamed(world, by_key) if terms.prune else ()
    return _drafted(world, fates, deleted, kinds, prune=terms.prune)


def removal(world: World, key: Key, kinds: Mapping[str, Kind]) -> Draft:
    """Delete one resource, and what was scheduled for it."""
    return _drafted(world, {}, (world.present[key],), kinds)


def cancellation(world: World, key: Key, kinds: Mapping[str, Kind]) -> Draft:
    """Cancel what was scheduled for one resource."""
    waiting = tuple(one for one in world.scheduled if one.key == key)
    return _drafted(world, {key: _Fate(cancelled=waiting)}, (), kinds)


def _fate(
    world: World, found: Sequence[Wanted], terms: Terms, batches: dict[datetime, UUID]
) -> _Fate:
    key = found[0].key
    due = [one for one in found if _since(one) <= terms.now]
    later = [one for one in found if one not in due]
    waiting = {one.effective_from: one for one in world.scheduled if one.key == key}
    written = _written(world, max(due, key=_since), terms) if due else None
    new = written or world.present.get(key)
    uid = new.uid if new else _uid_of(world, key)
    scheduled, kept = [], set()
    base: Current | Scheduled | None = new
    for one in sorted(later, key=_since):
        at = one.effective_from or terms.now
        if base is not None and _same(base, one, terms.managed_by):
            continue  # it is so already by then
        old = waiting.get(at)
        if old and _same(old, one, terms.managed_by) and old.failure is None:
            base = old
            kept.add(at)
            continue
        batch = batches.setdefault(at, uuid7())
        base = _scheduled(one, at, batch, uid, terms)
        scheduled.append(base)
    stale = {at for at, one in waiting.items() if one.failure is not None and due}
    if later:
        stale |= waiting.keys() - kept
    elif terms.prune:
        stale |= {at for at, one in waiting.items() if one.managed_by == Managed.FILE}
    return _Fate(
        written=written,
        scheduled=tuple(scheduled),
        cancelled=tuple(one for at, one in waiting.items() if at in stale),
    )


def _since(one: Wanted) -> datetime:
    return one.effective_from or _ALWAYS


def _same(old: Current | Scheduled, new: Wanted, managed_by: Managed) -> bool:
    return (old.spec, old.private, old.managed_by) == (new.spec, new.private, managed_by)


def _uid_of(world: World, key: Key) -> UUID:
    if key in world.gone:
        return world.gone[key].uid
    planned = (one.uid for one in world.scheduled if one.key == key)
    return next(planned, None) or uuid7()


def _written(world: World, new: Wanted, terms: Terms) -> Current | None:
    old = world.present.get(new.key)
    if old is not None and _same(old, new, terms.managed_by):
        return None
    gone = world.gone.get(new.key)
    last = old.version if old else gone.version if gone else 0
    return Current(
        uid=old.uid if old else _uid_of(world, new.key),
        kind=new.kind,
        name=new.name,
        version=last + 1,
        managed_by=terms.managed_by,
        spec=new.spec,
        private=new.private,
    )


def _scheduled(one: Wanted, at: datetime, batch: UUID, uid: UUID, terms: Terms) -> Scheduled:
    return Scheduled(
        id=uuid7(), batch=batch, uid=uid, kind=one.kind, name=one.name, effective_from=at,
        spec=one.spec, private=one.private, managed_by=terms.managed_by,
        scheduled_at=terms.now, scheduled_by=terms.by,
    )  # fmt: skip


def _unnamed(world: World, named: Mapping[Key, object]) -> tuple[Current, ...]:
    found = (one for key, one in world.present.items() if key not in named)
    return tuple(
        sorted(
            (one for one in found if one.managed_by == Managed.FILE), key=lambda one: one.key
        )
    )


def _drafted(
    world: World,
    fates: Mapping[Key, _Fate],
    deleted: tuple[Current, ...],
    kinds: Mapping[str, Kind],
    *,
    prune: bool = False,
) -> Draft:
    gone = {one.key for one in deleted}
    cancelled = [one for fate in fates.values() for one in fate.cancelled]
    cancelled += [
        one
        for one in world.scheduled
        if one.key in gone or (prune and one.key not in fates and _is_filed(one, kinds))
    ]
    written = {key: fate.written for key, fate in fates.items() if fate.written}
    scheduled = tuple(one for fate in fates.values() for one in fate.scheduled)
    dropped = {one.id for one in cancelled}
    after = World(
        revision=world.revision,
        present={k: one for k, one in {**world.present, **written}.items() if k not in gone},
        gone=world.gone,
        scheduled=tuple(
            sorted(
                (one for one in (*world.scheduled, *scheduled) if one.id not in dropped),
                key=lambda one: one.effective_from,
            )
        ),
    )
    # one that takes the place of another at the same instant says so by itself
    replaced = {(one.key, one.effective_from) for one in scheduled}
    said = [one for one in cancelled if (one.key, one.effective_from) not in replaced]
    changes = [
        *(
            change
            for key, fate in fates.items()
            for change in _of(key, fate, world, after, kinds)
        ),
        *(_deleted(one, kinds) for one in deleted),
        *(_cancelled(one) for one in said),
    ]
    return Draft(
        before=world, after=after, written=tuple(written.values()), deleted=deleted,
        scheduled=scheduled, cancelled=tuple(cancelled), changes=tuple(changes),
    )  # fmt: skip


def _of(
    key: Key, fate: _Fate, world: World, after: World, kinds: Mapping[str, Kind]
) -> Iterator[Change]:
    kind, name = key
    if fate.written is not None:
        old = world.present.get(key)
        yield Change(
            action=Action.CHANGED if old else Action.CREATED, kind=kind, name=name,
            fields=tuple(changed_fields(old, fate.written, kinds[kind])),
        )  # fmt: skip
    elif not fate.scheduled and not fate.cancelled:
        yield Change(action=Action.UNCHANGED, kind=kind, name=name)
    for one in fate.scheduled:
        earlier = [s for s in after.scheduled if s.key == key and s.id != one.id]
        before = [s for s in earlier if s.effective_from < one.effective_from]
        base = before[-1] if before else after.present.get(key)
        yield Change(
            action=Action.SCHEDULED, kind=kind, name=name, effective_from=one.effective_from,
            fields=tuple(changed_fields(base, one, kinds[kind])),
        )  # fmt: skip


def _is_filed(one: Scheduled, kinds: Mapping[str, Kind]) -> bool:
    return one.managed_by == Managed.FILE and one.kind in kinds  # else a newer release's


def _deleted(one: Current, kinds: Mapping[str, Kind]) -> Change:
    found = tuple(changed_fields(one, None, kinds[one.kind]))
    return Change(action=Action.DELETED, kind=one.kind, name=one.name, fields=found)


def _cancelled(one: Scheduled) -> Change:
    return Change(
        action=Action.CANCELLED, kind=one.kind, name=one.name, effective_from=one.effective_from
    )


def at(world: World, instant: datetime) -> World:
    """Return the world as it will be at `instant`, if everything comes into force by then."""
    present = dict(world.present)
    due = [s for s in world.scheduled if s.failure is None and s.effective_from <= instant]
    for one in due:
        old = present.get(one.key)
        present[one.key] = Current(
            uid=old.uid if old else one.uid, kind=one.kind, name=one.name,
            version=old.version + 1 if old else 1, managed_by=one.managed_by,
            spec=one.spec, private=one.private,
        )  # fmt: skip
    return replace(world, present=present)


def instants(scheduled: Iterable[Scheduled]) -> list[datetime]:
    """Return the instants at which something comes into force, soonest first."""
    ordered = sorted(one.effective_from for one in scheduled if one.failure is None)
    return [instant for instant, _ in groupby(ordered)]


def exact(wanted: Iterable[Wanted]) -> frozenset[Key]:
    """Return what says itself from when on it is in force, be it in the past: at once, then."""
    return frozenset(one.key for one in wanted if one.effective_from is not None)
