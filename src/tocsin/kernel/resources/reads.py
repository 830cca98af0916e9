"""What screens, the API and the command line show of the configuration."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.resources import past, rows
from tocsin.kernel.resources.apart import secret_fields, without_secrets
from tocsin.kernel.resources.differences import MANAGED_BY, changed_fields, differences
from tocsin.kernel.resources.drafting import at
from tocsin.kernel.resources.model import (
    API_VERSION,
    Current,
    Document,
    FieldChange,
    Kind,
    Metadata,
    Scheduled,
    World,
)
from tocsin.kernel.resources.naming import absent, no_kind
from tocsin.kernel.resources.past import Known, Version
from tocsin.kernel.resources.reading import defaults, normal, plain, typed
from tocsin.kernel.resources.secret import MASK, masked
from tocsin.kernel.resources.store import Store
from tocsin.kernel.unit import Unit

HISTORY_MAX = 200


class Coming(Struct, frozen=True, kw_only=True):
    """A version that waits for its instant; `failure` says why it did not come into force."""

    effective_from: datetime
    managed_by: str
    scheduled_at: datetime
    scheduled_by: str
    failure: str | None
    changes: tuple[FieldChange, ...]


class Shown(Struct, frozen=True, kw_only=True):
    """A resource in full; `withheld` names the private fields that this asker may not see."""

    known: Known
    document: Document
    withheld: tuple[str, ...]
    scheduled: tuple[Coming, ...]


class Past(Struct, frozen=True, kw_only=True):
    """One version and what it changed; of private fields it is told only that they changed."""

    version: int
    revision: int
    at: datetime
    by: str
    managed_by: str
    deleted: bool
    changes: tuple[FieldChange, ...]
    spec: dict[str, Any]


class History(Struct, frozen=True, kw_only=True):
    """What was, newest first, and what is to come, soonest first."""

    known: Known | None
    versions: tuple[Past, ...]
    scheduled: tuple[Coming, ...]


async def listed(unit: Unit, kind: str | None = None) -> list[Known]:
    """Return what is in force, of one kind or of every, by kind and name."""
    unit.require("resource:read")
    return [one for one in await past.known(unit.conn, kind) if not one.deleted]


async def shown(unit: Unit, store: Store, kind: str, name: str) -> Shown:
    """Return one resource. Raises NotFound."""
    unit.require("resource:read")
    world = normal(store.kinds, await rows.world(unit.conn))
    known = await past.one(unit.conn, kind, name)
    found = world.present.get((kind, name))
    if known is None or found is None:
        raise absent((kind, name), store.kinds, world.present)
    document, withheld = _document(unit, store.kinds[kind], found)
    return Shown(
        known=known,
        document=document,
        withheld=withheld,
        scheduled=_coming(unit, store.kinds[kind], world, (kind, name)),
    )


async def history(unit: Unit, store: Store, kind: str, name: str) -> History:
    """Return the newest versions of a resource, deleted or not. Raises NotFound."""
    unit.require("resource:read")
    world = normal(store.kinds, await rows.world(unit.conn))
    known = await past.one(unit.conn, kind, name)
    if kind not in store.kinds:
        raise no_kind(kind, store.kinds)
    coming = _coming(unit, store.kinds[kind], world, (kind, name))
    if known is None and not coming:
        raise absent((kind, name), store.kinds, world.present, was=True)
    found = await past.versions(unit.conn, known.uid, HISTORY_MAX + 1) if known else []
    found = [replace(one, spec=without_secrets(store.kinds[kind], one.spec)) for one in found]
    pairs = zip(found, [*found, None][1:], strict=True)
    entries = tuple(_past(one, before, store.kinds[kind]) for one, before in pairs)
    return History(known=known, versions=entries[:HISTORY_MAX], scheduled=coming)


async def versions(
    unit: Unit, store: Store, kind: str, name: str, numbers: Sequence[int]
) -> list[Document]:
    """Return versions as documents; a private value is a word that is its own for each value.

    Raises NotFound.
    """
    unit.require("resource:read")
    known = await past.one(unit.conn, kind, name)
    documents = []
    for number in numbers:
        found = await past.version(unit.conn, known.uid, number) if known else None
        if found is None or kind not in store.kinds:
            raise NotFound(f"{kind}/{name} has no version {number}")
        documents.append(_of(kind, name, _told(store.kinds[kind], found.spec)))
    return documents


def _told(kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a spec of the history in its kind's order, without what is default."""
    spec = without_secrets(kind, spec)
    if (found := _plainly(kind, spec)) is not None:
        return found
    usual = defaults(kind.spec)
    names = dict.fromkeys(field.encode_name for field in msgspec.structs.fields(kind.spec))
    return {
        name: f"(private, {spec[name]['commit'][:8]})" if name in kind.private else spec[name]
        for name in (*(one for one in names if one in spec), *(spec.keys() - names.keys()))
        if name in kind.private or name not in usual or usual[name] != spec[name]
    }


def _plainly(kind: Kind, spec: dict[str, Any]) -> dict[str, Any] | None:
    """Return a spec as people would write it; None where its kind has moved on, or hides a part."""
    if kind.private & spec.keys():
        return None
    try:
        found: dict[str, Any] = plain(msgspec.convert(spec, kind.spec))
    except (msgspec.ValidationError, Invalid):
        return None
    return found


async def exported(unit: Unit, store: Store, kind: str | None = None) -> list[Document]:
    """Return documents of what is in force; private fields only for who may apply them.

    What is scheduled follows what it changes, and carries its instant. Raises NotFound.
    """
    unit.require("resource:read")
    if kind is not None and kind not in store.kinds:
        raise no_kind(kind, store.kinds)
    await rows.lock_shared(unit.conn)
    world = normal(store.kinds, await rows.world(unit.conn))
    found: list[Current | Scheduled] = [*world.present.values(), *world.scheduled]
    wanted = [one for one in found if kind in (None, one.kind) and one.kind in store.kinds]
    wanted.sort(key=lambda one: (one.key, isinstance(one, Scheduled)))
    return [_document(unit, store.kinds[one.kind], one)[0] for one in wanted]


def _document(
    unit: Unit, kind: Kind, one: Current | Scheduled
) -> tuple[Document, tuple[str, ...]]:
    try:
        known = typed(kind, one)
    except Invalid:  # its kind has moved on: it can only be replaced
        spec, may_see = one.spec, False
    else:
        spec = masked(kind, plain(known))
        may_see = unit.actor.may_on("resource:apply", kind.team(known))
    withheld = () if may_see else tuple(sorted(kind.private & one.private.keys()))
    shown = {name: value for name, value in spec.items() if name not in withheld}
    since = one.effective_from if isinstance(one, Scheduled) else None
    return _of(one.kind, one.name, shown, since), withheld


def _of(kind: str, name: str, spec: dict[str, Any], since: datetime | None = None) -> Document:
    return Document(
        api_version=API_VERSION, kind=kind, metadata=Metadata(name, since), spec=spec
    )


def _coming(unit: Unit, kind: Kind, world: World, key: tuple[str, str]) -> tuple[Coming, ...]:
    found = []
    before: Current | Scheduled | None = world.present.get(key)
    for one in (one for one in world.scheduled if one.key == key):
        try:
            may_see = unit.actor.may_on("resource:apply", kind.team(typed(kind, one)))
            changes = tuple(changed_fields(before, one, kind))
        except Invalid:  # its kind has moved on: `failure` will say so, or says it already
            may_see, changes = False, ()
        found.append(
            Coming(
                effective_from=one.effective_from,
                managed_by=one.managed_by,
                scheduled_at=one.scheduled_at,
                scheduled_by=one.scheduled_by,
                failure=one.failure,
                changes=tuple(
                    FieldChange(path=change.path, private=True)
                    if change.private and not may_see
                    else change
                    for change in changes
                ),
            )
        )
        if one.failure is None:
            before = at(world, one.effective_from).present.get(key)
    return tuple(found)


def _past(one: Version, before: Version | None, kind: Kind) -> Past:
    old = before.spec if before and not before.deleted else {}
    new = {} if one.deleted else one.spec
    if not old:  # nobody changed anything from what is default
        new = _plainly(kind, new) or new
    usual = defaults(kind.spec)
    changes = []
    for name in dict.fromkeys((*old, *new)):
        if name in kind.private:
            if old.get(name) != new.get(name):
                changes.append(FieldChange(path=f"spec.{name}", private=True))
            continue
        if name not in old and new.get(name) == usual.get(name, new):
            continue  # what is default goes without saying
        changes += differences(old.get(name), new.get(name), f"spec.{name}")
    if before and old and new and before.managed_by != one.managed_by:
        changes.append(
            FieldChange(path=MANAGED_BY, before=before.managed_by, after=one.managed_by)
        )
    elif old and old == new:  # what has changed is not shown
        changes += [
            FieldChange(path=f"spec.{name}", before=MASK, after=MASK, secret=True)
            for name in secret_fields(kind)
        ]
    return Past(
        version=one.version,
        revision=one.revision,
        at=one.at,
        by=one.by,
        managed_by=one.managed_by,
        deleted=one.deleted,
        changes=tuple(changes),
        spec={name: value for name, value in new.items() if name not in kind.private},
    )
