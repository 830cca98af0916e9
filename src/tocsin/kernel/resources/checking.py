"""Whether a configuration can be used: each reference leads somewhere, each context compiles."""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid, Refused
from tocsin.kernel.resources.drafting import Draft, at, instants
from tocsin.kernel.resources.model import (
    INSTANTS_MAX,
    SCHEDULED_MAX,
    Current,
    Key,
    Kind,
    Scheduled,
    Wanted,
    World,
)
from tocsin.kernel.resources.naming import meant
from tocsin.kernel.resources.reading import accept, refs, typed
from tocsin.kernel.resources.secret import stored
from tocsin.kernel.snapshot import Compiler, Resource, Resources, Snapshot, compile_snapshot

DANGLING_MAX = 10  # references that one refusal names
_NAMED = re.compile(r"(\w+)/([a-z0-9-]+)\b")


class Usable(Struct, frozen=True, kw_only=True):
    """What of a configuration can be used; `failed` says of which resources why they cannot.

    Those of them that are in `specs` stay as they were before.
    """

    snapshot: Snapshot
    specs: Mapping[Key, Struct]
    failed: Mapping[Key, Refused]


class Checker:
    """The kinds there are, and what they compile to."""

    def __init__(self, kinds: Mapping[str, Kind], compilers: Sequence[Compiler]) -> None:
        self.kinds = kinds
        self.compilers = compilers

    def check(self, draft: Draft) -> None:
        """See to it that what is wanted is taken and works, now and at each instant to come.

        Raises Invalid for what is wrong in a document, Conflict for a deletion of something
        that others point at.
        """
        new: tuple[Current | Scheduled, ...] = (*draft.written, *draft.scheduled)
        for one in new:
            kind = self.kinds[one.kind]
            if newer := draft.before.newer.get(one.key):
                raise Conflict(
                    f"{'/'.join(one.key)}: a newer release of Tocsin has stored {newer[0]}, which"
                    " this one does not know and would lose; change it on a node of the newer"
                    " release, or once this one is upgraded",
                    field=newer[0],
                )
            accept(kind, typed(kind, one), "/".join(one.key))
        self.still_works(draft)

    def still_works(self, draft: Draft) -> None:
        """See to it that what was taken before works, now and at each instant to come."""
        deleted = {one.key for one in draft.deleted}
        self._works(draft.after, deleted)
        waiting = draft.after.scheduled
        coming = instants(waiting)
        if len(waiting) > SCHEDULED_MAX or len(coming) > INSTANTS_MAX:
            raise Invalid(
                f"{len(waiting)} changes at {len(coming)} instants are scheduled; at most"
                f" {SCHEDULED_MAX} at {INSTANTS_MAX}",
                field="metadata.effectiveFrom",
            )
        for instant in coming:
            try:
                self._works(at(draft.after, instant), deleted)
            except (Invalid, Conflict) as error:
                raise type(error)(
                    f"{error.detail} (from {instant.isoformat()}, when what is scheduled comes"
                    " into force; change or cancel that)",
                    field=error.field,
                ) from error

    def compile(self, world: World) -> Snapshot:
        """Let each context compile what is in force. Raises what a context refuses."""
        return self._compile(world, self._typed(world.present.values()))

    def usable(self, world: World, last: Mapping[Key, Struct] = MappingProxyType({})) -> Usable:
        """Compile what can be of what is stored, be it another release's.

        What cannot stays as it is in `last`, else is left out. Raises what a context refuses of
        no single resource.
        """
        failed: dict[Key, Refused] = {}
        specs = self._understood(world.present.values(), failed)
        specs |= {key: last[key] for key in failed if key in last}
        while True:
            try:
                snapshot = self._compile(world, specs)
            except Refused as error:
                key = _at_fault(error, specs)
                if key is None:
                    raise
                failed.setdefault(key, error)
                bad = specs.pop(key)
                if key in last and last[key] is not bad:
                    specs[key] = last[key]
            else:
                return Usable(snapshot=snapshot, specs=specs, failed=failed)

    def teams(self, kind: str, found: Iterable[Current | Scheduled]) -> set[str | None]:
        """Return the teams that versions of one resource belong to; None: to nobody.

        Whose a version is that is not understood cannot be said: it is nobody's.
        """
        known = self.kinds[kind]
        teams: set[str | None] = set()
        for one in found:
            try:
                teams.add(known.team(typed(known, one)))
            except Invalid:
                teams.add(None)
        return teams

    def private_of(
        self, world: World, one: Wanted
    ) -> tuple[Mapping[str, Any], set[str | None]]:
        """Return what is stored in the place of `one` and is not for everybody, and whose it is."""
        old = stored(world, one)
        if old is None or not old.private:
            return {}, set()
        try:
            return old.private, self.teams(one.kind, [old])
        except Invalid:  # its kind has moved on
            return old.private, {None}

    def _works(self, world: World, deleted: set[Key]) -> None:
        specs = self._typed(world.present.values())
        self._follow(world, specs, deleted)
        self._compile(world, specs)

    def _typed(self, found: Iterable[Current]) -> dict[Key, Struct]:
        known = (one for one in found if one.kind in self.kinds)  # else a newer release's
        return {one.key: typed(self.kinds[one.kind], one) for one in known}

    def _understood(
        self, found: Iterable[Current], failed: dict[Key, Refused]
    ) -> dict[Key, Struct]:
        specs = {}
        for one in (one for one in found if one.kind in self.kinds):
            try:
                specs[one.key] = typed(self.kinds[one.kind], one)
            except Invalid as error:
                failed[one.key] = error
        return specs

    def _compile(self, world: World, specs: Mapping[Key, Struct]) -> Snapshot:
        resources = Resources(
            Resource(one.uid, one.kind, one.name, specs.get(one.key))
            for one in world.present.values()
        )
        return compile_snapshot(world.revision, resources, self.compilers)

    def _follow(self, world: World, specs: Mapping[Key, Struct], deleted: set[Key]) -> None:
        dangling = []
        for key, spec in specs.items():
            where = "/".join(key)
            for target, name, field in refs(self.kinds[key[0]], spec, where):
                if (target, name) in world.present:
                    continue
                if (target, name) not in deleted:
                    raise Invalid(
                        f"{where}: {field}: there is no {target} named {name!r};"
                        f" {meant(name, _named(world, target))}apply it in the same set, or"
                        " correct the name",
                        field=field,
                    )
                dangling.append(f"{where} points at {target}/{name} in {field}")
        if dangling:
            more = len(dangling) - DANGLING_MAX
            said = "; ".join(dangling[:DANGLING_MAX]) + (f"; and {more} more" * (more > 0))
            raise Conflict(f"cannot be deleted: {said}; change that first, or in the same set")


def _at_fault(error: Refused, specs: Mapping[Key, Struct]) -> Key | None:
    """Return which resource a compiler has refused: it names that first."""
    for text in (error.detail, error.field or ""):
        for kind, name in _NAMED.findall(text):
            if (kind, name) in specs:
                return kind, name
    return None


def _named(world: World, kind: str) -> list[str]:
    return [name for of, name in world.present if of == kind]
