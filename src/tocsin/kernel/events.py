"""The event log's records: what happened, said once, never changed."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.kernel.actor import Actor

VERSION = 1
Names = Callable[[UUID], str]
Asker = Callable[[str], str]
"""Turns who asked, as a record holds it (kind:id), into words."""
NOBODY = UUID(int=0)
"""In a sentence: whoever asked, where that is no person."""
_ASKERS = {
    "token": "somebody with a token",
    "session": "a browser session",
    "local": "the command line",
    "system": "Tocsin",
}


def unnamed(actor: str) -> str:
    """Say of what kind whoever asked was, from kind:id."""
    return _ASKERS.get(actor.partition(":")[0], "somebody")


class Event(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A fact in the past tense.

    Every id in it is one of the record's subjects, so a timeline is "all records that
    share a subject" and needs no table of its own. No personal data and no prose by hand:
    a person is an id, and `sentence` is all that a timeline ever says.
    """

    def sentence(self, name: Names) -> str:  # noqa: ARG002 - for those who override it
        """Say it in one sentence; `name` turns the id of a person, or NOBODY, into words."""
        raise AssertionError(f"{type(self).__name__} has no sentence")


class Update(Event, frozen=True):
    """What others must hear of in the same unit, and nobody later: it never enters the log.

    Only MUST reactions follow from it: there is no record that a parked one could be read from.
    """


class Record(Struct, frozen=True, kw_only=True):
    """One line of the log, as it is hashed. `cause` is the event whose reaction this is."""

    v: int
    id: UUID
    at: datetime
    actor: str  # kind:id of who asked; a name would be personal data
    action: str
    cause: UUID | None
    body: Event


def kind_of(event: Event | type[Event]) -> str:
    """Return the event's name in the log, e.g. `oncall.page_acknowledged`."""
    return str(event.__struct_config__.tag)


def subjects(event: Event) -> list[UUID]:
    """Return every id in `event`, each once."""
    found: dict[UUID, None] = {}
    for field in event.__struct_fields__:
        value = getattr(event, field)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, UUID):
                found[item] = None
    return list(found)


def line(event: Event, *, id: UUID, at: datetime, actor: Actor, cause: UUID | None) -> str:  # noqa: A002
    """Return the exact text that is stored, hashed and later proven."""
    record = Record(
        v=VERSION, id=id, at=at, actor=f"{actor.kind}:{actor.id}",
        action=kind_of(event), cause=cause, body=event,
    )  # fmt: skip
    return msgspec.json.encode(record).decode()


def leaf_hash(text: str) -> bytes:
    """RFC 6962 §2.1: SHA-256 over 0x00 and the leaf's bytes."""
    return hashlib.sha256(b"\x00" + text.encode()).digest()


class Catalog:
    """All kinds of events there are; `app.py` fills it, timelines and docs read it."""

    def __init__(self, kinds: Iterable[type[Event]]) -> None:
        self.by_kind = {kind_of(kind): kind for kind in kinds}
        union: Any = None
        for kind in self.by_kind.values():
            union = kind if union is None else union | kind
        fields = [
            (f.name, union if f.name == "body" else f.type)
            for f in msgspec.structs.fields(Record)
        ]
        decoded = msgspec.defstruct("Decoded", fields, frozen=True, kw_only=True)
        self._decoder = msgspec.json.Decoder(decoded)
        self._event = msgspec.json.Decoder(union)

    def decode(self, text: str) -> Record:
        """Read a log line back, of whatever age."""
        found: Any = self._decoder.decode(text)
        return Record(**{name: getattr(found, name) for name in Record.__struct_fields__})

    def decode_event(self, text: str) -> Event:
        """Read a bare event back (a parked reaction's)."""
        event: Event = self._event.decode(text)
        return event
