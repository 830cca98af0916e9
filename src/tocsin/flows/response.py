"""The incident's way, read from top to bottom: when this happens, that follows.

A reaction carries values from one context's event into another's action. It holds
no rule of its own: an `if` here is a decision that has lost its home.
"""

import tocsin.command.actions as command
import tocsin.oncall.actions as oncall
import tocsin.triage.reads as triage
from tocsin.command.events import IncidentCleared, IncidentResolved
from tocsin.command.model import Declaration, Incident
from tocsin.kernel.ids import GroupId
from tocsin.kernel.unit import Reactions, Unit, may, must
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.events import PageAcknowledged, PageCoAcknowledged
from tocsin.oncall.model import Brief
from tocsin.triage.events import (
    GroupCleared,
    GroupGrew,
    GroupGrewQuietly,
    GroupNeedsIncident,
    GroupNeedsPage,
    GroupRefired,
    GroupRefiredQuietly,
)

GroupEvent = GroupNeedsPage | GroupGrew | GroupGrewQuietly | GroupRefired | GroupRefiredQuietly


async def reopen_incident(unit: Unit, event: GroupEvent) -> None:
    """What fires again, or more than was known, is the same incident and not over."""
    await command.reopen_for(unit, event.group_id)


async def page_for_group(unit: Unit, event: GroupNeedsPage | GroupGrew | GroupRefired) -> None:
    """An urgent group is an incident, and somebody is paged for it."""
    incident = await _declare(unit, event.group_id, Urgency.HIGH)
    brief = await _brief(unit, event.group_id, incident)
    await oncall.call(unit, incident.id, incident.policy, brief)


async def incident_for_group(unit: Unit, event: GroupNeedsIncident) -> None:
    """A group of low urgency is an incident that wakes nobody."""
    await _declare(unit, event.group_id, Urgency.LOW)


async def clear_incident(unit: Unit, event: GroupCleared) -> None:
    """An incident without alerts is over."""
    await command.clear_for(unit, event.group_id)


async def close_pages(unit: Unit, event: IncidentCleared | IncidentResolved) -> None:
    """Nobody is called for what is over."""
    await oncall.resolve_pages(unit, event.incident_id)


async def responder_joins(unit: Unit, event: PageAcknowledged | PageCoAcknowledged) -> None:
    """Who takes the page joins the incident."""
    await command.join(unit, event.incident_id, event.person_id)


async def _declare(unit: Unit, group_id: GroupId, urgency: Urgency) -> Incident:
    group = await triage.group(unit, group_id)
    return await command.declare_for(
        unit,
        group_id,
        Declaration(
            title=group.title,
            description=group.summary,
            urgency=urgency,
            policy=group.policy,
            labels=group.labels,
        ),
    )


async def _brief(unit: Unit, group_id: GroupId, incident: Incident) -> Brief:
    first = (await triage.alerts_of(unit, [group_id], limit=1))[0]
    return Brief(
        number=incident.number,
        title=incident.title,
        summary=incident.description,
        labels=first.labels,
        source_url=first.source_url,
        runbook_url=first.annotations.get("runbook_url", ""),
    )


REACTIONS: Reactions = {
    GroupNeedsPage: (must(reopen_incident), must(page_for_group)),
    GroupNeedsIncident: (must(incident_for_group),),
    GroupGrew: (must(reopen_incident), must(page_for_group)),
    GroupGrewQuietly: (must(reopen_incident),),
    GroupRefired: (must(reopen_incident), must(page_for_group)),
    GroupRefiredQuietly: (must(reopen_incident),),
    GroupCleared: (must(clear_incident),),
    IncidentCleared: (must(close_pages),),
    IncidentResolved: (must(close_pages),),
    PageAcknowledged: (may(responder_joins),),
    PageCoAcknowledged: (may(responder_joins),),
}
