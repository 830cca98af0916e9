"""Whether a configuration can be used: each reference leads somewhere, each context compiles."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid
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

    def teams(self, kind: str, found: Iterable[Current | Scheduled]) -> set[str | None]:
        """Return the teams that versions of one resource belong to; None: to nobody."""
        known = self.kinds[kind]
        return {known.team(typed(known, one)) for one in found}

    def private_of(
        self, world: World, one: Wanted
    ) -> tuple[Mapping[str, Any], set[str | None]]:
        """Return the private fields that are stored in the place of `one`, and whose they are."""
        old = stored(world, one)
        if old is None or not self.kinds[one.kind].private:
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
        return {one.key: typed(self._kind(one), one) for one in found}

    def _kind(self, one: Current) -> Kind:
        kind = self.kinds.get(one.kind)
        if kind is None:
            raise Invalid(f"{one.kind}/{one.name}: unknown kind", field="kind")
        return kind

    def _compile(self, world: World, specs: Mapping[Key, Struct]) -> Snapshot:
        resources = Resources(
            Resource(one.uid, one.kind, one.name, specs[one.key])
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


def _named(world: World, kind: str) -> list[str]:
    return [name for of, name in world.present if of == kind]
