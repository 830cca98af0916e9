"""An incident's timeline as people read it: what was merged into it, and what they wrote, included.

The one door to the log by incident: it is asked only for an incident that the asker may see,
and leaves out what would tell of one that they may not.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.command import reads as command
from tocsin.command.events import LinkAdded, NoteAdded
from tocsin.command.model import Incident
from tocsin.kernel import timeline
from tocsin.kernel.events import Catalog
from tocsin.kernel.ids import IncidentId
from tocsin.kernel.timeline import Entry, Only
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.web.askers import askers

ERASED = "(erased)"
UNSEALED_MAX = (
    200  # records that have no place yet, and so cannot be continued at, stay together
)
_INCIDENTS = ("incident_id", "into_id", "new_id", "other_id")


class Kinds(StrEnum):
    """Which part of a timeline somebody looks at."""

    ALL = "all"
    NOTES = "notes"
    PAGES = "pages"
    CHANGES = "changes"
    ALERTS = "alerts"


_NOTES = ("command.note_",)
_ALERTS = ("triage.", "signals.", "command.group_joined")
ONLY = {
    Kinds.ALL: Only(),
    Kinds.NOTES: Only(kinds=_NOTES),
    Kinds.PAGES: Only(kinds=("oncall.",)),
    Kinds.CHANGES: Only(kinds=("command.",), but=(*_NOTES, *_ALERTS)),
    Kinds.ALERTS: Only(kinds=_ALERTS),
}


class Story(Struct, frozen=True):
    """Part of a timeline, newest first; `next_seq` continues it (None: there is no more)."""

    entries: tuple[Entry, ...]
    next_seq: int | None


async def story(
    unit: Unit,
    catalog: Catalog,
    incident: Incident,
    *,
    kinds: Kinds = Kinds.ALL,
    limit: int = UNSEALED_MAX,
    before_seq: int | None = None,
) -> Story:
    """Return what has happened to an incident that the asker was shown, newest first."""
    merged = [one.id for one in await command.merged_into(unit, incident.id)]
    ids = [incident.id, *merged]
    groups = await command.groups_of(unit, ids)
    pages = await oncall.pages_of(unit, ids)
    subjects: list[UUID] = [
        *ids,
        *(group_id for of in groups.values() for group_id in of),
        *(page.id for of in pages.values() for page in of),
    ]
    found = await timeline.about(
        unit,
        subjects,
        catalog=catalog,
        name=unit.config(Directory).name_of,
        asker=await askers(unit),
        limit=limit + 1 + UNSEALED_MAX,
        before_seq=before_seq,
        only=ONLY[kinds],
    )
    end = limit
    while end < len(found) and found[end].seq is None:
        end += 1
    following = found[end].seq if end < len(found) else None
    shown = await visible(unit, found[:end], ids)
    return Story(
        tuple(await _with_words(unit, shown, ids)),
        None if following is None else following + 1,
    )


async def visible(
    unit: Unit, entries: Sequence[Entry], own: Sequence[UUID] = ()
) -> list[Entry]:
    """Return the records that name no incident which the asker may not see, besides `own`."""
    named = {entry.id: set(_incidents(entry)) - set(own) for entry in entries}
    others = set().union(*named.values())
    seen = await command.incidents_by_id(unit, list(others)) if others else {}
    return [entry for entry in entries if named[entry.id] <= seen.keys()]


def _incidents(entry: Entry) -> Iterable[UUID]:
    for name in _INCIDENTS:
        found = getattr(entry.event, name, None)
        if found is not None:
            yield found


async def _with_words(
    unit: Unit, entries: Sequence[Entry], ids: Sequence[IncidentId]
) -> list[Entry]:
    written = [one.event.note_id for one in entries if isinstance(one.event, NoteAdded)]
    notes = await command.notes(unit, written) if written else {}
    has_links = any(isinstance(one.event, LinkAdded) for one in entries)
    links = await command.links_of(unit, ids) if has_links else []
    by_id = {link.id: f"{link.title} {link.url}" for link in links}

    def words(entry: Entry) -> str:
        match entry.event:
            case NoteAdded(note_id=note_id):
                return notes[note_id].text if note_id in notes else ERASED
            case LinkAdded(link_id=link_id):
                return by_id.get(link_id, "")
            case _:
                return ""

    return [replace(entry, text=words(entry)) for entry in entries]
