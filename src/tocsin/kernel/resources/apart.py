"""Secrets inside fields that everybody may read: masked in the spec and in its history, kept beside.

A field that is private as a whole would hide a rota because of one address in it. Of such a field
`spec` holds what may be read, with masks, and `private` all of it.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct, inspect
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources.model import Kind, Wanted, World
from tocsin.kernel.resources.secret import is_secret, kept, masked

Path = tuple[str | None, ...]  # names of fields; None: each one of a list or a table


def apart(kind: Kind, spec: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a spec, as JSON, in two: what a history may hold, and what it may not."""
    private = {name: value for name, value in spec.items() if name in kind.private}
    public = {name: value for name, value in spec.items() if name not in kind.private}
    for name in _with_secrets(kind, public):
        private[name] = public[name]
    return without_secrets(kind, public), private


def without_secrets(kind: Kind, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec, as JSON, with masks in the fields that are not private as a whole."""
    inside = {name: spec[name] for name in _with_secrets(kind, spec)}
    return {**spec, **masked(kind, inside)} if inside else dict(spec)


def uncompared(
    kinds: Mapping[str, Kind], world: World, one: Wanted, private: Mapping[str, Any]
) -> Wanted:
    """Return what is wanted with the private fields and the secrets that are stored.

    So nothing that is answered tells whether a guess is right.
    """
    own = kinds[one.kind].private
    as_stored = {name: value for name, value in private.items() if name in own}
    as_masks = {name: one.spec[name] for name in one.private if name not in own}
    meant = replace(one, private=as_stored | as_masks)
    try:
        return kept(kinds, world, meant)
    except Invalid:  # a place that is new: its mask is all that may be said of it
        return meant


def secret_fields(kind: Kind) -> tuple[str, ...]:
    """Return which fields can hold a secret without being private as a whole."""
    return tuple(_paths(kind.spec, kind.private))


def _with_secrets(kind: Kind, spec: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, paths in _paths(kind.spec, kind.private).items()
        if any(_stands(spec.get(name), path) for path in paths)
    ]


@cache
def _paths(spec: type[Struct], private: frozenset[str]) -> Mapping[str, tuple[Path, ...]]:
    found = {
        field.encode_name: tuple(_inside(inspect.type_info(field.type)))
        for field in msgspec.structs.fields(spec)
        if field.encode_name not in private
    }
    return {name: paths for name, paths in found.items() if paths}


def _inside(known: inspect.Type) -> Iterator[Path]:
    match known:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            if is_secret(extra):
                yield ()
            yield from _inside(inner)
        case inspect.UnionType(types=types):
            for one in types:
                yield from _inside(one)
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from ((field.encode_name, *rest) for rest in _inside(field.type))
        case (
            inspect.ListType(item_type=item)
            | inspect.VarTupleType(item_type=item)
            | inspect.DictType(value_type=item)
        ):
            yield from ((None, *rest) for rest in _inside(item))
        case _:
            pass


def _stands(value: Any, path: Path) -> bool:
    if not path:
        return isinstance(value, str)
    step, rest = path[0], path[1:]
    if step is not None:
        return isinstance(value, dict) and _stands(value.get(step), rest)
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | list) and any(_stands(one, rest) for one in inner)
