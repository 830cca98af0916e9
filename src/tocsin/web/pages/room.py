"""Everything that one incident's room shows, read in one unit."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from tocsin.command import reads as command
from tocsin.command.model import Incident
from tocsin.kernel.errors import Invalid
from tocsin.kernel.events import Catalog
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.model import NotificationState, Page
from tocsin.oncall.reads import NotificationRow
from tocsin.topology import reads as topology
from tocsin.topology.model import ChangeRecord
from tocsin.triage import reads as triage
from tocsin.web.pages.frame import Context
from tocsin.web.pages.list_views import alert_views
from tocsin.web.pages.page_views import page_views
from tocsin.web.pages.room_views import change_views, people_views
from tocsin.web.pages.timeline_views import entry_views, tabs
from tocsin.web.pages.views import Counts, Room, room
from tocsin.web.story import Kinds
from tocsin.web.story import story as timeline

ALERTS_SHOWN = 8
ENTRIES_SHOWN = 60
NEIGHBOURS = 60
CHANGES_BEFORE = timedelta(hours=6)
CHANGES_AFTER = timedelta(minutes=30)
CHANGES_SHOWN = 8


class Story(Struct, frozen=True, kw_only=True):
    """An incident with its pages and groups of alerts."""

    incident: Incident
    pages: list[Page]
    group_ids: list[UUID]


def as_id(text: str, field: str) -> UUID:
    """Read an id that a form or an address brings. Raises Invalid."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(f"{text!r} is no {field}", field=field) from None


async def story(unit: Unit, reference: str) -> Story:
    """Read an incident with what belongs to it. Raises NotFound or Invalid."""
    incident = await command.incident(unit, reference)
    groups = await command.groups_of(unit, [incident.id])
    pages = await oncall.pages_of(unit, [incident.id])
    return Story(
        incident=incident,
        pages=pages.get(incident.id, []),
        group_ids=list(groups.get(incident.id, [])),
    )


async def head(unit: Unit, found: Story) -> Room:
    """Show the head alone."""
    incident = found.incident
    groups = await triage.groups(unit, found.group_ids)
    told = await oncall.notifications_of(unit, [page.id for page in found.pages])
    counts = Counts(
        len(found.group_ids),
        sum(group.alert_count for group in groups),
        sum(group.firing_count for group in groups),
    )
    into = None
    if incident.merged_into is not None:
        seen = await command.incidents_by_id(unit, [incident.merged_into])
        into = seen[incident.merged_into].reference if seen else "another incident"
    return room(
        incident,
        found.pages,
        waiting=await oncall.waiting_for(unit, found.pages),
        counts=counts,
        alerts=await triage.alerts_of(unit, found.group_ids, limit=ALERTS_SHOWN),
        directory=await oncall.directory(unit),
        merged_into=into,
        actor=unit.actor,
        may_take=_was_told(told, unit.actor.person_id),
    )


def _was_told(told: Iterable[NotificationRow], person_id: UUID | None) -> bool:
    return any(
        one.person_id == person_id and one.state is not NotificationState.SUPPRESSED
        for one in told
    )


async def everything(
    unit: Unit, catalog: Catalog, found: Story, *, tab: str, before_seq: int | None
) -> Context:
    """Read the whole room."""
    directory = await oncall.directory(unit)
    incident, pages = found.incident, found.pages
    shown = await head(unit, found)
    told = await oncall.notifications_of(unit, [page.id for page in pages])
    attempts = await oncall.attempts_of(unit, [one.id for one in told])
    waiting = await oncall.waiting_for(unit, pages)
    alerts = await triage.alerts_of(unit, found.group_ids, limit=ALERTS_SHOWN)
    responders = await command.responders_of(unit, incident.id)
    return {
        "incident": shown,
        "people": people_views(
            responders, told, pages, directory=directory, me=unit.actor.person_id
        ),
        "pages": page_views(pages, told, attempts, waiting=waiting, directory=directory),
        "alerts": alert_views(alerts),
        "alerts_more": max(0, shown.alert_count - len(alerts)),
        "changes": change_views(await _changes(unit, incident), incident.opened_at),
        "related": await _related(unit, incident),
        "links": await command.links_of(unit, [incident.id]),
        "name_of": directory.name_of,
        **await _timeline(unit, catalog, found, tab=tab, before_seq=before_seq),
        **await _neighbours(unit, incident),
    }


async def _timeline(
    unit: Unit, catalog: Catalog, found: Story, *, tab: str, before_seq: int | None
) -> Context:
    kinds = Kinds(tab) if tab in list(Kinds) else Kinds.ALL
    told = await timeline(
        unit, catalog, found.incident, kinds=kinds, limit=ENTRIES_SHOWN, before_seq=before_seq
    )
    query = f"?show={kinds}&before={told.next_seq}"
    return {
        "timeline": entry_views(told.entries),
        "tabs": tabs(),
        "tab": "" if kinds is Kinds.ALL else str(kinds),
        "older": f"/incidents/{found.incident.reference}{query}" if told.next_seq else None,
    }


async def _changes(unit: Unit, incident: Incident) -> Sequence[ChangeRecord] | None:
    """Return what changed in its services around its start; None: not for this actor."""
    if not unit.actor.may("change:read"):
        return None
    services = incident.services or tuple(filter(None, (incident.labels.get("service"),)))
    since, until = incident.opened_at - CHANGES_BEFORE, incident.opened_at + CHANGES_AFTER
    found: list[ChangeRecord] = []
    for service in services[:5]:
        found += await topology.changes(
            unit, service=service, since=since, before=until, limit=CHANGES_SHOWN
        )
    return sorted(found, key=lambda one: one.at, reverse=True)[:CHANGES_SHOWN]


async def _related(unit: Unit, incident: Incident) -> list[Incident]:
    merged = await command.merged_into(unit, incident.id)
    return [*merged, *await command.related_to(unit, incident.id)]


async def _neighbours(unit: Unit, incident: Incident) -> Context:
    """Lead to the open incidents before and after it, in the order of the list."""
    near = [one.reference for one in await command.open_incidents(unit, limit=NEIGHBOURS)]
    here = near.index(incident.reference) if incident.reference in near else -1
    newer = near[here - 1] if here > 0 else None
    older = near[here + 1] if here + 1 < len(near) else None
    return {
        "newer": f"/incidents/{newer}" if newer else None,
        "older_incident": f"/incidents/{older}" if older else None,
    }
