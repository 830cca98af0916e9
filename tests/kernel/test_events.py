"""Records: what is hashed, what a record is about, and that old lines are read for ever."""

import json
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from kernel_world import BELL, MAYA, NOON, Echoed, Rang

from tocsin.app.wiring import catalog
from tocsin.kernel.events import Catalog, Event, kind_of, line, subjects
from tocsin.kernel.ids import uuid7

ONE, TWO, THREE = (UUID(int=n) for n in (1, 2, 3))


class Tolled(Event, frozen=True, tag="test.tolled"):
    """A bell that names others."""

    bell_id: UUID
    others: tuple[UUID, ...]
    nobody: UUID | None
    count: int


def test_a_record_is_about_every_id_in_it_once() -> None:
    event = Tolled(bell_id=ONE, others=(TWO, ONE, THREE), nobody=None, count=2)
    assert subjects(event) == [ONE, TWO, THREE]


def test_a_line_names_who_asked_by_id_and_never_by_name() -> None:
    id_, cause = uuid7(), uuid7()
    text = line(Rang(bell_id=BELL), id=id_, at=NOON, actor=MAYA, cause=cause)
    assert "Maya" not in text
    assert json.loads(text) == {
        "v": 1,
        "id": str(id_),
        "at": "2026-03-27T12:00:00Z",
        "actor": f"person:{MAYA.id}",
        "action": "test.rang",
        "cause": str(cause),
        "body": {"kind": "test.rang", "bell_id": str(BELL)},
    }


def test_what_is_decoded_is_what_was_recorded() -> None:
    found = Catalog([Rang, Echoed])
    text = line(Rang(bell_id=BELL), id=ONE, at=NOON, actor=MAYA, cause=None)
    record = found.decode(text)
    assert (record.id, record.at, record.body) == (ONE, NOON, Rang(bell_id=BELL))
    assert msgspec.json.encode(record).decode() == text  # byte for byte
    assert found.decode_event(f'{{"kind":"test.echoed","bell_id":"{BELL}"}}') == Echoed(
        bell_id=BELL
    )


def test_a_field_that_a_later_version_adds_does_not_stop_an_older_reader() -> None:
    text = line(Rang(bell_id=BELL), id=ONE, at=NOON, actor=MAYA, cause=None)
    newer = text.replace('"bell_id"', '"pitch":440,"bell_id"').replace('"v":1', '"v":1,"x":[]')
    assert Catalog([Rang, Echoed]).decode(newer).body == Rang(bell_id=BELL)


def test_a_kind_nobody_knows_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(msgspec.ValidationError):
        Catalog([Echoed, Tolled]).decode_event(f'{{"kind":"test.rang","bell_id":"{BELL}"}}')


def test_every_kind_is_named_after_its_context_and_stands_in_the_catalog_once() -> None:
    known = catalog().by_kind
    contexts = {"kernel", "signals", "triage", "oncall", "command", "topology", "governance"}
    for kind, event in known.items():
        assert kind.partition(".")[0] in contexts
        assert kind_of(event) == kind
        assert event.__module__.split(".")[1] == kind.partition(".")[0]


def test_no_event_has_a_field_for_an_address_or_a_name_of_a_person() -> None:
    banned = {"email", "address", "display_name", "phone", "name", "secret", "contact"}
    for kind, event in catalog().by_kind.items():
        assert not banned & set(event.__struct_fields__), kind


def test_instants_in_a_line_are_utc() -> None:
    at = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert '"at":"2026-03-27T12:00:00Z"' in line(
        Rang(bell_id=BELL), id=ONE, at=at, actor=MAYA, cause=None
    )
