"""Evaluate a mapping over a payload: items in their kept form, or all that went wrong."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from tocsin.integrations import cel
from tocsin.integrations.cel import CelError, Program, Scope
from tocsin.integrations.generic.mapping import Compiled, Pairs
from tocsin.signals.model import Mistake

T = TypeVar("T")
ITEMS_MAX = 500  # signals in one payload
BUDGET_S = 0.25  # for one payload; a single expression takes some ms at most
LABELS_MAX = 64
NAME_MAX = 200
VALUE_MAX = 4096
KEY_MAX = 1024
MISTAKES_MAX = 10

_REPLACED = str.maketrans({"\0": "\ufffd"} | {chr(n): "\ufffd" for n in range(0xD800, 0xE000)})


class Item(Struct, frozen=True, kw_only=True):
    """One signal as it is kept. `key` is its identity; "" stands for its labels."""

    key: str
    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime | None
    source_url: str
    resolve_after_s: int | None = None


class Unmappable(Exception):
    """The mapping cannot read this payload."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(f"{one.field}: {one.error}" for one in self.mistakes))


class _Refused(Exception):
    """A value is not what its field needs."""


def items(mapping: Compiled, payload: object) -> tuple[Item, ...]:
    """Read all signals of a payload, all or none. Raises Unmappable, naming field and reason."""
    if (reason := cel.measure(payload)) is not None:
        raise Unmappable([Mistake("payload", reason)])
    reader = _Reader(mapping, payload, time.monotonic() + BUDGET_S)
    found = [reader.item(index, one) for index, one in enumerate(reader.listed())]
    if reader.mistakes:
        raise Unmappable(reader.mistakes[:MISTAKES_MAX])
    return tuple(one for one in found if one is not None)


class _Reader:
    def __init__(self, mapping: Compiled, payload: object, until: float) -> None:
        self._mapping = mapping
        self._payload = payload
        self._until = until  # monotonic
        self.mistakes: list[Mistake] = []

    def listed(self) -> list[object]:
        program, payload = self._mapping.items, self._payload
        if program is None:
            found: object = payload if isinstance(payload, list) else [payload]
        else:
            try:
                found = program.value(cel.scope(event=payload, item=payload))
            except CelError as error:
                raise Unmappable([Mistake("items", str(error))]) from None
        if not isinstance(found, list):
            raise Unmappable([Mistake("items", f"is {_kind(found)} and not a list")])
        if len(found) > ITEMS_MAX:
            raise Unmappable(
                [Mistake("items", f"{len(found)} of them; at most {ITEMS_MAX} in one request")]
            )
        return found

    def item(self, index: int, value: object) -> Item | None:
        """Read one item; None when something was wrong with it."""
        if len(self.mistakes) >= MISTAKES_MAX:
            return None
        before, mapping = len(self.mistakes), self._mapping
        try:
            scope = cel.scope(event=self._payload, item=value)
        except CelError as error:
            self.mistakes.append(Mistake(f"items[{index}]", str(error)))
            return None
        read = _Field(self, index, scope)
        labels = read.pairs(mapping.labels, "labels")
        if severity := read.one(mapping.severity, "severity", _text):
            labels["severity"] = severity.lower()
        annotations = read.pairs(mapping.annotations, "annotations")
        if summary := read.one(mapping.summary, "summary", _text):
            annotations["summary"] = summary
        firing = read.one(mapping.firing, "firing", _flag)
        found = Item(
            key=read.one(mapping.dedup_key, "dedupKey", _key) or "",
            firing=firing is not False,
            labels=labels,
            annotations=annotations,
            starts_at=read.one(mapping.starts_at, "startsAt", _instant),
            source_url=read.one(mapping.source_url, "sourceUrl", _url) or "",
        )
        if len(self.mistakes) == before and not labels:
            self.mistakes.append(Mistake(f"labels (item {index})", "no label has a value"))
        return found if len(self.mistakes) == before else None

    def value(self, program: Program, scope: Scope) -> object:
        if time.monotonic() > self._until:
            raise Unmappable([Mistake("payload", f"takes longer than {BUDGET_S} s to read")])
        return program.value(scope)


class _Field:
    """Reads the fields of one item and notes what is wrong."""

    def __init__(self, reader: _Reader, index: int, scope: Scope) -> None:
        self._reader = reader
        self._index = index
        self._scope = scope

    def one(self, program: Program | None, field: str, read: Callable[[object], T]) -> T | None:
        """Return what an expression gives, None for null, nothing or a mistake."""
        if program is None:
            return None
        try:
            found = self._reader.value(program, self._scope)
            return None if found is None else read(found)
        except (CelError, _Refused) as error:
            self._note(field, str(error))
            return None

    def pairs(self, source: Pairs, field: str) -> dict[str, str]:
        """Return labels or annotations; what is null or empty is left out."""
        if source is None:
            return {}
        if isinstance(source, Mapping):
            read = {
                name: self.one(program, f"{field}.{name}", _text)
                for name, program in source.items()
            }
            return {name: value for name, value in read.items() if value}
        found = self.one(source, field, _map)
        pairs = {}
        for name, value in (found or {}).items():
            try:
                if text := _text(value):
                    pairs[name] = text
            except _Refused as error:
                self._note(f"{field}.{name}", str(error))
        return pairs

    def _note(self, field: str, error: str) -> None:
        where = f"{field} (item {self._index})"
        self._reader.mistakes.append(Mistake(where, error))


def _map(found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise _Refused(f"is {_kind(found)} and not a map")
    if len(found) > LABELS_MAX:
        raise _Refused(f"has {len(found)} entries; at most {LABELS_MAX}")
    for name in found:
        if not isinstance(name, str) or not name or len(name) > NAME_MAX:
            raise _Refused(f"has a name that is empty, no text or longer than {NAME_MAX}")
    return {name.translate(_REPLACED): value for name, value in found.items()}


def _text(found: object) -> str:
    match found:
        case None:
            return ""
        case bool():
            return "true" if found else "false"
        case str():
            text = found
        case int() | float():
            text = str(found)
        case datetime():
            text = found.isoformat()
        case dict() | list():
            text = _json(found)
        case _:
            raise _Refused(f"is {_kind(found)} and not text")
    text = text.strip().translate(_REPLACED)
    return text if len(text) <= VALUE_MAX else text[: VALUE_MAX - 1] + "…"


def _json(found: object) -> str:
    try:
        return msgspec.json.encode(found).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise _Refused(f"is {_kind(found)} and not text") from None


def _key(found: object) -> str:
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise _Refused(f"is {_kind(found)}; a key is text or a whole number")
    text = str(found).translate(_REPLACED)
    if not text.strip():
        raise _Refused("is empty; a key is text or a whole number")
    if len(text) > KEY_MAX:
        raise _Refused(f"is longer than {KEY_MAX} characters")
    return text


def _flag(found: object) -> bool:
    if not isinstance(found, bool):
        raise _Refused(f'is {_kind(found)}; write a comparison, e.g. item.status == "firing"')
    return found


def _instant(found: object) -> datetime:
    """Read a time; a number is seconds since 1970, or milliseconds when it is that large."""
    try:
        match found:
            case datetime():
                at = found
            case bool():
                raise _Refused("is a bool; a time is RFC 3339 text or seconds since 1970")
            case int() | float():
                at = datetime.fromtimestamp(found / 1000 if found > 1e11 else found, UTC)  # noqa: PLR2004 - the year 5138 in seconds, 1973 in milliseconds
            case str():
                at = datetime.fromisoformat(found.strip())
            case _:
                raise _Refused(f"is {_kind(found)}; a time is RFC 3339 text or seconds")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise _Refused(
            "is no time; write RFC 3339 text, a timestamp or seconds since 1970"
        ) from None


def _url(found: object) -> str:
    text = _text(found)
    if not text.startswith(("http://", "https://")):
        raise _Refused("is no http or https URL")
    return text


def _kind(found: object) -> str:
    if found is None:
        return "null"
    names = {
        bool: "a bool", int: "a number", float: "a number", str: "text", list: "a list",
        dict: "a map", bytes: "bytes", bytearray: "bytes", datetime: "a timestamp",
    }  # fmt: skip
    return names.get(type(found), "something else")
