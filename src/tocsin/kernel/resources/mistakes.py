"""Says what is wrong with a spec: at which field, and what could stand there instead."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import Struct, inspect

NAMES_MAX = 20  # alternatives that a message lists
_AT = re.compile(r" - at `(?:key in )?\$([^`]*)`")
_FIELD = re.compile(r"Object (contains unknown|missing required) field `([^`]+)`")
_VALUE = re.compile(r"Invalid (?:enum )?value '?(.*?)'?$")
_PATTERN = re.compile(r"Expected `str` matching regex .*")
_LENGTH = re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)")
_NUMBER = re.compile(r"Expected `(?:int|float)` (>=|<=) (\S+)")
_TYPE = re.compile(r"Expected `(\w+)[^`]*`, got `(\w+)`")
_CURES = {
    "str": "write text",
    "int": "write a whole number, without quotes",
    "float": "write a number, without quotes",
    "bool": "write true or false",
    "array": "write a list, e.g. [a, b]",
    "object": "write fields below it, as name: value",
}
_INSTANTS = {  # msgspec's words for what is no instant, and ours
    "Expected `datetime` with a timezone component": "does not say of which zone it is",
    "Invalid RFC3339 encoded datetime": "is no instant",
}
_INSTANT = "write it with its offset, e.g. 2026-03-30T09:00:00+02:00, or with a Z for UTC"
_BOUND = {">=": "at least", "<=": "at most"}
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class Mistake(Struct, frozen=True):
    """A field by its path, e.g. spec.steps[0].timeout, and a sentence with the cure."""

    path: str
    words: str


def mistake(error: msgspec.ValidationError, spec: type[Struct]) -> Mistake:
    """Read what msgspec refused in a `spec`."""
    return explained(str(error), spec, "spec")


def explained(text: str, spec: Any, root: str) -> Mistake:
    """Read msgspec's words about a value of the type `spec` that is called `root`."""
    found = _AT.search(text)
    inner = found[1] if found else ""
    reason = _AT.sub("", text)
    path = f"{root}{inner}".replace("[...]", "").lstrip(".")
    structs = list(_at(spec, inner))
    if field := _FIELD.fullmatch(reason):
        name = field[2]
        at = f"{path}.{name}".lstrip(".")
        if field[1].startswith("missing"):
            return Mistake(at, "is required")
        others = [one for one in _fields(structs) if one != name]  # it may be another type's
        return Mistake(at, f"is no field here; {instead(name, others)}")
    if value := _VALUE.fullmatch(reason):
        choices = sorted({str(one) for kind in structs for one in _choices(kind)})
        if choices:
            return Mistake(path, f"{value[1]!r} is not known; {instead(value[1], choices)}")
    if wrong := _INSTANTS.get(reason):
        return Mistake(path, f"{wrong}; {_INSTANT}")
    return Mistake(path, _bound(reason) or _written(reason, structs) or _typed(reason, structs))


def _bound(reason: str) -> str | None:
    """Say in words what is too long, too short, too large or too small."""
    if number := _NUMBER.fullmatch(reason):
        return f"write a number that is {_BOUND[number[1]]} {number[2]}"
    if length := _LENGTH.fullmatch(reason):
        noun = "character" if length[1] == "str" else "entry"
        many = "characters" if length[1] == "str" else "entries"
        return f"write {_BOUND[length[2]]} {length[3]} {noun if length[3] == '1' else many}"
    return None


def _typed(reason: str, kinds: Iterable[inspect.Type]) -> str:
    """Say what to write where something of another type stands."""
    found = _TYPE.fullmatch(reason)
    if found is None or found[1] not in _CURES:
        return reason
    cure = _CURES[found[1]]
    if examples := _examples(kinds):
        cure = f"write e.g. {examples[0]}"
    elif found[1] == "str" and found[2] in ("int", "float", "bool"):
        cure = "put it in quotes"
    return f"{reason}; {cure}"


def _written(reason: str, kinds: Iterable[inspect.Type]) -> str | None:
    """Name an example of what a pattern asks for, if its type gives one."""
    if not _PATTERN.fullmatch(reason):
        return None
    found = _examples(kinds)
    return f"is not written as it should be; write e.g. {found[0]}" if found else None


def _examples(kinds: Iterable[inspect.Type]) -> list[str]:
    return [
        str(example)
        for kind in kinds
        if isinstance(kind, inspect.Metadata)
        for example in (kind.extra_json_schema or {}).get("examples", ())
    ]


def instead(wrong: str, known: Iterable[str]) -> str:
    """Say what was probably meant in place of a wrong word, and what else there is."""
    names = list(known)
    near = get_close_matches(wrong, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}known: {', '.join(names[:NAMES_MAX])}" if names else "leave it out"


def _at(spec: Any, path: str) -> Iterator[inspect.Type]:
    """Yield every type that may stand at `path`; a path that ends in a tag's field too."""
    found: list[inspect.Type] = list(_flat(inspect.type_info(spec)))
    for key, _index in _STEP.findall(path):
        step: list[inspect.Type] = []
        for kind in found:
            step += _flat_all(_below(kind, key))
        found = step
    yield from found


def _below(kind: inspect.Type, key: str) -> Iterator[inspect.Type]:
    match kind:
        case inspect.StructType(fields=fields, tag_field=tag_field, tag=tag) if key:
            if key == tag_field:
                yield inspect.LiteralType(values=(tag,))
            yield from (field.type for field in fields if field.encode_name == key)
        case inspect.DictType(value_type=value):
            yield value
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            yield item
        case _:
            pass


def _flat_all(kinds: Iterable[inspect.Type]) -> Iterator[inspect.Type]:
    for kind in kinds:
        yield from _flat(kind)


def _flat(kind: inspect.Type) -> Iterator[inspect.Type]:
    match kind:
        case inspect.UnionType(types=types):
            yield from _flat_all(types)
        case inspect.Metadata(type=inner):
            yield kind  # the examples
            yield from _flat(inner)
        case _:
            yield kind


def _fields(kinds: Iterable[inspect.Type]) -> list[str]:
    found: dict[str, None] = {}
    for kind in kinds:
        if isinstance(kind, inspect.StructType):
            if kind.tag_field:
                found[kind.tag_field] = None
            found |= dict.fromkeys(field.encode_name for field in kind.fields)
    return list(found)


def _choices(kind: inspect.Type) -> Iterable[Any]:
    match kind:
        case inspect.EnumType(cls=cls):
            return [member.value for member in cls]
        case inspect.LiteralType(values=values):
            return values
        case _:
            return ()
