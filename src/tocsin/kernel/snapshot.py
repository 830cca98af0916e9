"""The configuration that decisions read: immutable, one per revision, pinned by each unit."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


class Snapshot(Struct, frozen=True):
    """What every context has compiled out of the resources of one revision."""

    revision: int
    parts: Mapping[type, object]

    def part(self, kind: type[T]) -> T:
        """Return the part that is a `kind`."""
        found = self.parts[kind]
        if not isinstance(found, kind):
            raise TypeError(f"the snapshot's {kind.__name__} is a {type(found).__name__}")
        return found


class Resource(Struct, frozen=True):
    """A resource as compilers see it: typed spec, private fields put back.

    Without a spec it is one that is not understood: what points at it finds nothing there.
    """

    uid: object
    kind: str
    name: str
    spec: object


Compiler = Callable[["Resources"], object]


class Resources:
    """All current resources of one revision."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_kind: dict[str, list[Resource]] = {}
        self._uids: dict[tuple[str, str], object] = {}
        for resource in resources:
            if resource.spec is not None:
                self._by_kind.setdefault(resource.kind, []).append(resource)
            self._uids[resource.kind, resource.name] = resource.uid

    def of(self, kind: str) -> list[Resource]:
        """Return those of one kind, by name."""
        return sorted(self._by_kind.get(kind, ()), key=lambda resource: resource.name)

    def uid(self, kind: str, name: str) -> object:
        """Return the uid behind a reference; references were checked when they were applied."""
        return self._uids[kind, name]


def compile_snapshot(
    revision: int, resources: Resources, compilers: Iterable[Compiler]
) -> Snapshot:
    """Let each context compile its part. Raises what a compiler refuses."""
    parts = [compiler(resources) for compiler in compilers]
    return Snapshot(revision, {type(part): part for part in parts})
