"""What a person changes of their own contact methods on screen; nobody else's, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from tocsin.kernel.access import Role
from tocsin.kernel.errors import Conflict, NotFound
from tocsin.kernel.resources import Document, Managed, Metadata, Store, past, rows
from tocsin.kernel.resources.model import API_VERSION, Current
from tocsin.kernel.unit import Unit
from tocsin.oncall import events
from tocsin.oncall.actions.trying import whole_self
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import fingerprint
from tocsin.oncall.model import Person

KIND = "Person"
FIELD = "contact"
Contacts = list[dict[str, Any]]


async def contacts_are_ours(unit: Unit) -> bool:
    """Say whether the asker may change their contact methods here, or a file keeps them."""
    unit.require("self:write")
    person = whole_self(unit.config(Directory), unit)
    known = await past.one(unit.conn, KIND, person.name)
    return known is not None and known.managed_by == Managed.SCREEN


async def add_contact(
    unit: Unit, resources: Store, contact: Mapping[str, Any], *, first: bool = False
) -> None:
    """Add a method to one's own, as it would stand in YAML: last, or first.

    Raises Invalid, and Conflict where a file keeps them.
    """
    unit.require("self:write")

    def edit(found: Contacts) -> Contacts:
        return [dict(contact), *found] if first else [*found, dict(contact)]

    person = await _change(unit, resources, edit)
    _say(unit, person, "added", str(contact.get("type", "")))


async def remove_contact(unit: Unit, resources: Store, index: int, *, seen: str = "") -> None:
    """Remove one's own method, counted from 0; `seen` is the fingerprint it had on the screen.

    Raises NotFound, and Conflict where another stands there by now or a file keeps them.
    """
    unit.require("self:write")
    kind = _at(whole_self(unit.config(Directory), unit), index, seen)
    person = await _change(unit, resources, lambda found: found[:index] + found[index + 1 :])
    _say(unit, person, "removed", kind)


async def raise_contact(unit: Unit, resources: Store, index: int, *, seen: str = "") -> None:
    """Try one's own method, counted from 0, one place earlier. Raises NotFound, Conflict."""
    unit.require("self:write")
    kind = _at(whole_self(unit.config(Directory), unit), index, seen)

    def edit(found: Contacts) -> Contacts:
        place = max(index - 1, 0)
        rest = found[:index] + found[index + 1 :]
        return [*rest[:place], found[index], *rest[place:]]

    person = await _change(unit, resources, edit)
    _say(unit, person, "put earlier", kind)


def _at(person: Person, index: int, seen: str) -> str:
    if not 0 <= index < len(person.methods):
        raise NotFound(f"you have {len(person.methods)} contact methods, counted from 0")
    method = person.methods[index]
    if seen and seen != fingerprint(method):
        raise Conflict("another method stands there by now; look again, and repeat")
    return method.kind


async def _current(unit: Unit, person: Person) -> Current:
    found = (await rows.world(unit.conn)).present.get((KIND, person.name))
    if found is None:
        raise NotFound(f"{KIND}/{person.name} is gone")
    return found


async def _change(unit: Unit, resources: Store, edit: Callable[[Contacts], Contacts]) -> Person:
    person = whole_self(unit.config(Directory), unit)
    current = await _current(unit, person)
    spec = {**current.spec, **current.private}
    contacts: Contacts = spec.get(FIELD) or []
    if not contacts and person.methods and edit(contacts) == []:
        raise Conflict("these are everybody's, from ContactDefaults; add your own instead")
    document = Document(
        api_version=API_VERSION, kind=KIND, metadata=Metadata(person.name),
        spec=spec | {FIELD: edit(contacts)},
    )  # fmt: skip
    asker = unit.actor
    # one's own methods are one's own; the store asks for more, since it knows only whole resources
    unit.actor = replace(asker, role=Role.ADMIN)
    try:
        await resources.put(unit, document, seen=current.version)
    finally:
        unit.actor = asker
    return person


def _say(unit: Unit, person: Person, what: str, kind: str) -> None:
    unit.record(events.ContactsChanged(person_id=person.id, what=what, method=kind))
