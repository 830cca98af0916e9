"""Reads what is stored, which a newer release may have written: a field it does not know is left out.

What people write is read strictly; see `reading.py`. A field that a kind gains later must be empty
by default: what is stored has all fields, and one that is empty is taken for one that nobody wrote.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct, inspect

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources.model import Current, Kind, Scheduled


def understood(known: type[Struct], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored spec, as JSON, without the fields that this release does not know."""
    found: dict[str, Any] = _known(_type(known), dict(spec))
    return found


def ignored(kind: Kind, one: Current | Scheduled) -> tuple[str, ...]:
    """Return the paths of the fields that say something unknown here, e.g. spec.layers.kind."""
    spec = {**one.spec, **one.private}
    try:
        msgspec.convert(spec, kind.spec)
    except (msgspec.ValidationError, Invalid):
        pass
    else:
        return ()
    return tuple(dict.fromkeys(_unknown(_type(kind.spec), spec, "spec")))


@cache
def _type(spec: type[Struct]) -> inspect.Type:
    return inspect.type_info(spec)


def _known(known: inspect.Type, value: Any) -> Any:
    if isinstance(value, dict):
        inside = _inside(known, value)
        if inside is None:
            return value
        return {
            name: _known(inside[name], one) for name, one in value.items() if name in inside
        }
    if isinstance(value, list) and (item := _item(known)) is not None:
        return [_known(item, one) for one in value]
    return value


def _unknown(known: inspect.Type, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        inside = _inside(known, value)
        for name, one in value.items() if inside is not None else ():
            if inside is None or name not in inside:
                if not _is_empty(one):
                    yield f"{path}.{name}"
            else:
                yield from _unknown(inside[name], one, f"{path}.{name}")
    elif isinstance(value, list) and (item := _item(known)) is not None:
        for one in value:
            yield from _unknown(item, one, path)


def _inside(known: inspect.Type, value: Mapping[str, Any]) -> Mapping[str, inspect.Type] | None:
    """Return of which type each field of a table is; None where nothing can be said of it."""
    for one in _flat(known):
        if isinstance(one, inspect.DictType):
            return dict.fromkeys(value, one.value_type)
        if isinstance(one, inspect.StructType) and _fits(one, value):
            tag = {one.tag_field: inspect.AnyType()} if one.tag_field else {}
            return {**tag, **{field.encode_name: field.type for field in one.fields}}
    return None


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def _fits(known: inspect.StructType, value: Mapping[str, Any]) -> bool:
    return known.tag_field is None or value.get(known.tag_field) == known.tag


def _item(known: inspect.Type) -> inspect.Type | None:
    for one in _flat(known):
        if isinstance(one, inspect.ListType | inspect.VarTupleType | inspect.SetType):
            return one.item_type
    return None


def _flat(known: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(known, inspect.Metadata):
        yield from _flat(known.type)
    elif isinstance(known, inspect.UnionType):
        for one in known.types:
            yield from _flat(one)
    else:
        yield known
