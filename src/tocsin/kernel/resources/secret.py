"""Secrets in specs: they go in and do not come out; a mask that comes back means "as it is".

A field is a secret when its type says so: `Annotated[str, Meta(extra_json_schema=SECRET)]`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, inspect, structs
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources.model import Current, FieldChange, Kind, Scheduled, Wanted, World

MASK = "…"
SECRET: dict[str, Any] = {"writeOnly": True}
SECRET_URL: dict[str, Any] = {"writeOnly": True, "format": "uri"}
_MASKED = re.compile(rf"{MASK}(\d{{0,3}})$")
Do = Callable[[str, bool], Any]  # (a secret, whether it is a URL) -> what stands in for it


class Hidden(Struct, frozen=True):
    """A secret that can be compared and is not shown."""

    secret: str
    mask: str


def is_secret_inside(spec: Any) -> bool:
    """Say whether a type holds a secret somewhere."""
    match inspect.type_info(spec) if not isinstance(spec, inspect.Type) else spec:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return is_secret(extra) or is_secret_inside(inner)
        case inspect.UnionType(types=types):
            return any(map(is_secret_inside, types))
        case inspect.StructType(fields=fields):
            return any(is_secret_inside(field.type) for field in fields)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return is_secret_inside(item)
        case inspect.DictType(value_type=item):
            return is_secret_inside(item)
        case _:
            return False


def masked(kind: Kind, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec, as JSON, with a mask for each secret."""
    found: dict[str, Any] = bare(hidden(kind, spec))
    return found


def hidden(kind: Kind, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec, as JSON, whose secrets can be compared and are not shown."""
    found: dict[str, Any] = _over(_type(kind.spec), dict(spec), _hide)
    return found


def bare(value: Any) -> Any:
    """Put the mask where something is hidden."""
    if isinstance(value, Hidden):
        return value.mask
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items()}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def shown(change: FieldChange) -> FieldChange:
    """Say of a field that was compared while hidden what may be said of it."""
    both = isinstance(change.before, Hidden) and isinstance(change.after, Hidden)
    return replace(change, before=bare(change.before), after=bare(change.after), secret=both)


def stored(world: World, one: Wanted) -> Current | Scheduled | None:
    """Return what there is already in the place of what is wanted: in force, or to come by then."""
    due = one.effective_from
    waiting = [old for old in world.scheduled if old.key == one.key and _by(old, due)]
    return waiting[-1] if waiting else world.present.get(one.key)


def _by(old: Scheduled, due: datetime | None) -> bool:
    return due is not None and (
        old.effective_from == due or (old.effective_from < due and old.failure is None)
    )


def kept(kinds: Mapping[str, Kind], world: World, one: Wanted) -> Wanted:
    """Put the stored secret where a mask stands. Raises Invalid where that is not certain."""
    kind = kinds[one.kind]
    old = stored(world, one)
    known = _type(kind.spec)
    try:
        private = _kept(known, one.private, old.private if old else None, "spec")
    except Invalid as error:
        raise Invalid(f"{'/'.join(one.key)}: {error.detail}", field=error.field) from error
    return replace(one, private=private)


@cache
def _type(spec: type[Struct]) -> inspect.Type:
    return inspect.type_info(spec)


def is_secret(extra: Mapping[str, Any] | None) -> bool:
    """Say whether a type of this `extra_json_schema` is a secret itself."""
    return bool(extra and extra.get("writeOnly"))


def _mask(secret: str, is_url: bool) -> str:  # noqa: FBT001 - a callback
    """Return what tells one secret from another without being of use: a URL's scheme and host."""
    scheme, found, _ = secret.partition("://") if is_url else ("", "", "")
    if not found:
        return MASK
    if scheme.lower() not in ("http", "https"):
        return f"{scheme}://{MASK}"  # of other services the host is a secret as often as not
    try:
        host = urlsplit(secret).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"{scheme}://{host}/{MASK}" if host != MASK else f"{scheme}://{MASK}"


def _hide(secret: str, is_url: bool) -> Hidden:  # noqa: FBT001 - a callback
    return Hidden(secret, _mask(secret, is_url))


def _plain_mask(secret: str, is_url: bool) -> str:  # noqa: FBT001 - a callback
    return _mask(_MASKED.sub(MASK, secret), is_url)


def _fits(known: inspect.Type, value: Any) -> bool:
    if isinstance(known, inspect.StructType):
        is_named = known.tag_field is None or (
            isinstance(value, dict) and value.get(known.tag_field) == known.tag
        )
        return isinstance(value, dict) and is_named
    return not isinstance(value, dict) or isinstance(known, inspect.DictType)


def _over(known: inspect.Type, value: Any, do: Do) -> Any:
    """Return a value, as JSON, of a type with something else in place of each secret."""
    match known:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            if isinstance(value, str) and is_secret(extra):
                return do(value, (extra or {}).get("format") == "uri")
            return _over(inner, value, do)
        case inspect.UnionType(types=types):
            for one in types:
                value = _over(one, value, do) if _fits(one, value) else value
        case inspect.StructType() | inspect.DictType() if isinstance(value, dict):
            inside = _inside(known, value)
            return {
                name: _over(inside[name], inner, do) if name in inside else inner
                for name, inner in value.items()
            }
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            if isinstance(value, list):
                return _numbered([_over(item, one, do) for one in value], item, value)
        case _:
            pass
    return value


def _inside(known: inspect.Type, value: Mapping[str, Any]) -> Mapping[str, inspect.Type]:
    """Return of which type each field of a table is."""
    if isinstance(known, inspect.StructType):
        return {field.encode_name: field.type for field in known.fields}
    return dict.fromkeys(value, known.value_type) if isinstance(known, inspect.DictType) else {}


def _numbered(found: list[Any], item: inspect.Type, value: Sequence[Any]) -> list[Any]:
    """Tell apart what would be told alike, by its number: its mask ends in 2, 3 and so on."""
    places = [_place(item, one) for one in value]
    told = []
    for at, one in enumerate(found):
        number = places[: at + 1].count(places[at])
        told.append(_with(one, number) if number > 1 and isinstance(one, dict) else one)
    return told


def _with(value: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        name: replace(inner, mask=f"{inner.mask}{number}")
        if isinstance(inner, Hidden)
        else _with(inner, number)
        if isinstance(inner, dict)
        else inner
        for name, inner in value.items()
    }


def _place(known: inspect.Type, value: Any) -> Any:
    """Return where something leads: its required fields, masked; a secret stays with its place.

    What has its secret in a table of its own leads where that does, whatever else it is called.
    """
    if isinstance(known, inspect.Metadata):
        return _place(known.type, value)
    if isinstance(known, inspect.UnionType):
        fitting = [one for one in known.types if _fits(one, value)]
        return _place(fitting[0], value) if fitting else None
    if not isinstance(known, inspect.StructType) or not isinstance(value, dict):
        return None
    if holders := _holders(known.cls):
        return {name: _place(inner, value.get(name)) for name, inner in holders.items()}
    needed = {field.encode_name: field.type for field in known.fields if field.required}
    place = {
        name: _over(inside, value.get(name), _plain_mask) for name, inside in needed.items()
    }
    return place | ({known.tag_field: known.tag} if known.tag_field else {})


@cache
def _holders(spec: type[Struct]) -> Mapping[str, inspect.Type]:
    """Return the fields of a struct that are tables with a secret in them."""
    found = {}
    for field in structs.fields(spec):
        known = inspect.type_info(field.type)
        types = known.types if isinstance(known, inspect.UnionType) else (known,)
        if any(isinstance(one, inspect.StructType) and is_secret_inside(one) for one in types):
            found[field.encode_name] = known
    return found


def _kept(known: inspect.Type, value: Any, old: Any, path: str) -> Any:
    match known:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            if isinstance(value, str) and is_secret(extra):
                return _secret(value, old, path, is_url=(extra or {}).get("format") == "uri")
            return _kept(inner, value, old, path)
        case inspect.UnionType(types=types):
            for one in types:
                value = _kept(one, value, old, path) if _fits(one, value) else value
        case inspect.StructType() | inspect.DictType() if isinstance(value, dict):
            inside = _inside(known, value)
            same = old if isinstance(old, dict) else {}
            return {
                name: _kept(inside[name], inner, same.get(name), f"{path}.{name}")
                if name in inside
                else inner
                for name, inner in value.items()
            }
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            if isinstance(value, list):
                before = old if isinstance(old, list) else []
                return [
                    _kept(item, one, _counterpart(item, one, before), f"{path}[{at}]")
                    for at, one in enumerate(value)
                ]
        case _:
            pass
    return value


def _secret(value: str, old: Any, path: str, *, is_url: bool) -> str:
    if _MASKED.search(value) is None:
        return value
    if not isinstance(old, str) or _mask(old, is_url) != _plain_mask(value, is_url):
        raise Invalid(
            f"{path}: {value} stands for a secret that is stored, and here there is none:"
            " write it out",
            field=path,
        )
    return old


def _counterpart(item: inspect.Type, value: Any, before: Sequence[Any]) -> Any:
    """Return the stored neighbour that leads to the same place, by the number in its masks."""
    if not isinstance(value, dict):
        return None
    found = (_MASKED.search(text) for text in _texts(value))
    numbers = {int(one[1] or 1) for one in found if one}
    place = _place(item, value)
    candidates = [one for one in before if _place(item, one) == place]
    number = numbers.pop() if len(numbers) == 1 else 0
    return candidates[number - 1] if 0 < number <= len(candidates) else None


def _texts(value: Mapping[str, Any]) -> Iterator[str]:
    for one in value.values():
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from _texts(one)
