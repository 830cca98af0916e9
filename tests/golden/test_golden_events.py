"""Every kind of event: a line that was recorded once, which is decoded and told for ever."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec.inspect import (
    BoolType,
    CustomType,
    DateTimeType,
    IntType,
    NoneType,
    StrType,
    Type,
    UnionType,
    UUIDType,
    VarTupleType,
    type_info,
)

from tocsin.app.wiring import catalog
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.events import Event, leaf_hash, line

LINES = Path(__file__).parent / "events.jsonl"
NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
PEOPLE = {UUID(int=0xA11CE): "Alice", UUID(int=0xB0B): "Bob"}


def name(person_id: UUID) -> str:
    return PEOPLE.get(person_id, "somebody")


def sample(kind: type[Event]) -> Event:
    """Make an event whose every field is filled."""
    fields = msgspec.structs.fields(kind)
    return kind(**{f.name: _value(f.name, type_info(f.type), n) for n, f in enumerate(fields)})


def _value(field: str, found: Type, n: int) -> Any:  # noqa: PLR0911 - one a type
    match found:
        case UUIDType() | CustomType():
            return UUID(int=0xA11CE) if field.startswith("person") else UUID(int=n + 1)
        case UnionType(types=types):
            return _value(field, next(t for t in types if not isinstance(t, NoneType)), n)
        case VarTupleType(item_type=item):
            if field == "people":
                return tuple(PEOPLE)
            return (_value(field, item, n), _value(field, item, n + 100))
        case StrType():
            return f"some {field.replace('_', ' ')}"
        case IntType():
            return n + 1
        case BoolType():
            return False
        case DateTimeType():
            return NOON
        case _:
            raise AssertionError(f"{field}: no sample for {found}; teach this test about it")


def kept() -> dict[str, str]:
    texts = LINES.read_text(encoding="utf-8").splitlines() if LINES.exists() else []
    return {json.loads(text)["action"]: text for text in texts}


def test_every_kind_has_a_line_and_a_line_is_never_rewritten(update: bool) -> None:
    known = catalog().by_kind
    lines = kept()
    if update:
        for kind in sorted(known.keys() - lines.keys()):
            lines[kind] = line(
                sample(known[kind]), id=UUID(int=0xE), at=NOON, actor=SYSTEM, cause=None
            )
        LINES.write_text("".join(f"{text}\n" for text in lines.values()), encoding="utf-8")
    missing = sorted(known.keys() - lines.keys())
    assert not missing, f"run pytest tests/golden --update for {missing}"
    gone = sorted(lines.keys() - known.keys())
    assert not gone, f"{gone} were recorded once: their kinds must stay"


def test_every_line_that_was_ever_recorded_is_read_back() -> None:
    found = catalog()
    for kind, text in kept().items():
        record = found.decode(text)
        assert record.action == kind
        assert type(record.body) is found.by_kind[kind]
        for field, value in json.loads(text)["body"].items():
            if field != "kind":
                again = msgspec.json.encode(getattr(record.body, field))
                assert msgspec.json.decode(again) == value, (kind, field)


def test_every_line_reads_as_a_sentence(golden: Callable[[str, str], None]) -> None:
    found = catalog()
    sentences = {kind: found.decode(text).body.sentence(name) for kind, text in kept().items()}
    golden("sentences.txt", "".join(f"{k}: {s}\n" for k, s in sorted(sentences.items())))


def test_leaves_of_old_lines_stay_what_they_are(golden: Callable[[str, str], None]) -> None:
    leaves = {kind: leaf_hash(text).hex() for kind, text in kept().items()}
    golden("leaves.txt", "".join(f"{leaf}  {kind}\n" for kind, leaf in sorted(leaves.items())))
