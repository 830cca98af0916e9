"""The incident's way, read from top to bottom: when this happens, that follows.

A reaction carries values from one context's event into another's action. It holds
no rule of its own: an `if` here is a decision that has lost its home.
"""

from collections.abc import Sequence
from uuid import UUID

import tocsin.command.actions as command
import tocsin.oncall.actions as oncall
import tocsin.triage.actions as groups
import tocsin.triage.reads as triage
from tocsin.command import reads as incidents
from tocsin.command.events import (
    GroupsMoved,
    IncidentCleared,
    IncidentMerged,
    IncidentNeedsPage,
    IncidentOpened,
    IncidentResolved,
    IncidentRestricted,
    IncidentUnrestricted,
)
from tocsin.command.model import Count, Declaration, Incident
from tocsin.flows.listing import (
    list_calling,
    list_closed,
    list_held,
    list_page,
    list_snoozed,
    list_taken,
    list_taken_by_token,
    list_unpageable,
)
from tocsin.kernel.ids import GroupId, IncidentId
from tocsin.kernel.reactions import Reactions, may, must
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.events import (
    AcknowledgementExpired,
    EscalationAsked,
    PageAcknowledged,
    PageAcknowledgedByToken,
    PageCoAcknowledged,
    PageHandedBack,
    PageHeld,
    PageHoldEnded,
    PageOpened,
    PageReassigned,
    PageRequested,
    PageResolved,
    PageRetriggered,
    PageSnoozed,
    PageUnpageable,
    SnoozeEnded,
    UrgencyRaised,
)
from tocsin.oncall.model import Brief, Scope
from tocsin.signals.core.config import Integrations
from tocsin.topology.model import Catalogue
from tocsin.triage.core.routing import low_policies
from tocsin.triage.events import (
    GroupAcknowledgedBySender,
    GroupCleared,
    GroupGrew,
    GroupGrewQuietly,
    GroupNeedsIncident,
    GroupNeedsPage,
    GroupReached,
    GroupRefired,
    GroupRefiredQuietly,
    GroupsCounted,
    GroupStillFires,
)
from tocsin.triage.model import Group, Routing

GroupEvent = (
    GroupNeedsPage | GroupNeedsIncident | GroupReached | GroupGrew | GroupGrewQuietly
    | GroupRefired | GroupRefiredQuietly
)  # fmt: skip


async def reopen_incident(unit: Unit, event: GroupEvent) -> None:
    """What fires again, or more than was known, is the same incident and not over."""
    await command.reopen_for(unit, event.group_id)


async def page_for_group(
    unit: Unit, event: GroupNeedsPage | GroupReached | GroupGrew | GroupRefired
) -> None:
    """An urgent group is an incident, and each of its policies calls somebody for it."""
    incident = await _declare(unit, event.group_id, Urgency.HIGH)
    group = await triage.group(unit, event.group_id)
    await _call(unit, incident, [group.id], group.paged_policies)
    others = [one for one in _low(unit, group) if one not in group.paged_policies]
    await _call(unit, incident, [group.id], others, Urgency.LOW)


async def page_again(unit: Unit, event: GroupStillFires) -> None:
    """What was taken long ago and still fires is called for again."""
    group = await triage.group(unit, event.group_id)
    for incident_id, _ in (await incidents.incident_of(unit, [group.id])).values():
        await oncall.call_again(unit, IncidentId(incident_id), group.paged_policies)


async def put_off_repeats(
    unit: Unit, event: PageAcknowledged | PageAcknowledgedByToken | PageSnoozed
) -> None:
    """Who has just taken a page is not told again before the repeat interval is over."""
    found = await incidents.groups_of(unit, [event.incident_id])
    await groups.put_off_repeats(unit, found.get(event.incident_id, ()))


async def incident_for_group(unit: Unit, event: GroupNeedsIncident) -> None:
    """A group of low urgency is an incident that wakes nobody."""
    await _declare(unit, event.group_id, Urgency.LOW)


async def page_quietly(
    unit: Unit, event: GroupNeedsIncident | GroupGrewQuietly | GroupRefiredQuietly
) -> None:
    """Where its routes name policies, people are called for it when it does not disturb them."""
    group = await triage.group(unit, event.group_id)
    if policies := _low(unit, group):
        incident = await _declare(unit, event.group_id, Urgency.LOW)
        await _call(unit, incident, [group.id], policies, Urgency.LOW)


async def page_for_incident(unit: Unit, event: IncidentNeedsPage) -> None:
    """What a person has declared urgent, reopened, split or merged has somebody who is called."""
    incident = await incidents.incident(unit, str(event.incident_id))
    found = (await incidents.groups_of(unit, [incident.id])).get(incident.id, ())
    urgent = [policy for group in await triage.groups(unit, found) for policy in group.policies]
    await _call(unit, incident, found, (incident.policy, *urgent))


async def clear_incident(unit: Unit, event: GroupCleared) -> None:
    """An incident without alerts is over."""
    await command.clear_for(unit, event.group_id)


async def call_for_whole(unit: Unit, event: IncidentMerged) -> None:
    """Whoever is being called for what is merged is called for what it is part of."""
    whole = await incidents.incident(unit, str(event.into_id))
    brief, scope = await _told(unit, whole, event.group_ids)
    await oncall.call_on(unit, event.incident_id, whole.id, brief, scope)


async def close_pages(
    unit: Unit, event: IncidentCleared | IncidentResolved | IncidentMerged
) -> None:
    """Nobody is called for what is over, or is part of another."""
    await oncall.resolve_pages(unit, event.incident_id)


async def acknowledge_for_sender(unit: Unit, event: GroupAcknowledgedBySender) -> None:
    """Who has the alert where it came from has the page: nobody else is called for it."""
    via = unit.config(Integrations).title_of(event.integration)
    group = await triage.group(unit, event.group_id)
    for incident_id, _ in (await incidents.incident_of(unit, [event.group_id])).values():
        await oncall.acknowledge_for_sender(
            unit, IncidentId(incident_id), group.policies,
            channel=event.integration, via=via,
        )  # fmt: skip


async def responder_joins(unit: Unit, event: PageAcknowledged | PageCoAcknowledged) -> None:
    """Who takes the page joins the incident."""
    await command.join(unit, event.incident_id, event.person_id)


async def hide_incident(unit: Unit, event: IncidentRestricted | IncidentUnrestricted) -> None:
    """Alerts and pages are shown to whom their incident is shown."""
    await _show_alike(unit, await incidents.incident(unit, str(event.incident_id)))


async def hide_merged(unit: Unit, event: IncidentMerged) -> None:
    """What becomes part of an incident is shown to whom that is shown."""
    await _show_alike(unit, await incidents.incident(unit, str(event.into_id)))


async def name_incident(unit: Unit, event: GroupsMoved) -> None:
    """Lists of alerts say which incident they are about."""
    await groups.note_incident(unit, event.group_ids, event.incident_id, event.number)


async def count_alerts(unit: Unit, event: GroupsCounted) -> None:
    """Lists of incidents say how many alerts fire."""
    await command.count_groups(unit, [Count(*one) for one in event.counts])


async def count_chosen(unit: Unit, event: IncidentOpened) -> None:
    """Lists say it too of alerts that a person has chosen."""
    found = await triage.groups(unit, event.group_ids)
    counts = [Count(one.id, one.firing_count, one.alert_count) for one in found]
    await command.count_groups(unit, counts)


async def _declare(unit: Unit, group_id: GroupId, urgency: Urgency) -> Incident:
    group = await triage.group(unit, group_id)
    catalogue = unit.config(Catalogue)
    service = catalogue.of(group.labels)
    name = service.name if service else group.labels.get("service")
    return await command.declare_for(
        unit,
        group_id,
        Declaration(
            title=group.title,
            description=group.summary,
            urgency=urgency,
            policy=group.policy,
            labels=group.labels,
            team=catalogue.team_of(group.labels),
            services=(name,) if name else (),
            alert_count=group.alert_count,
            firing_count=group.firing_count,
        ),
    )


def _low(unit: Unit, group: Group) -> tuple[str, ...]:
    return low_policies(group.routes or (group.route,), unit.config(Routing))


async def _call(
    unit: Unit,
    incident: Incident,
    group_ids: Sequence[UUID],
    policies: Sequence[str],
    urgency: Urgency = Urgency.HIGH,
) -> None:
    if not policies:
        return
    brief, scope = await _told(unit, incident, group_ids)
    for policy in dict.fromkeys(policies):
        await oncall.call(unit, incident.id, policy, brief, scope, urgency)


async def _told(
    unit: Unit, incident: Incident, group_ids: Sequence[UUID]
) -> tuple[Brief, Scope]:
    found = await triage.alerts_of(unit, group_ids, limit=1)
    first = found[0] if found else None
    brief = Brief(
        number=incident.number,
        title=incident.title,
        summary=incident.description,
        labels=first.labels if first else incident.labels,
        source_url=first.source_url if first else "",
        runbook_url=first.annotations.get("runbook_url", "") if first else "",
    )
    return brief, Scope(team=incident.team, visible_to=incident.visible_to)


async def _show_alike(unit: Unit, incident: Incident) -> None:
    merged = [one.id for one in await incidents.merged_into(unit, incident.id)]
    found = await incidents.groups_of(unit, [incident.id])
    await groups.restrict(unit, found.get(incident.id, ()), incident.visible_to)
    await oncall.restrict(unit, (incident.id, *merged), incident.visible_to)


REACTIONS: Reactions = {
    GroupsCounted: (must(count_alerts),),
    GroupsMoved: (must(name_incident),),
    GroupNeedsPage: (must(reopen_incident), must(page_for_group)),
    GroupReached: (must(reopen_incident), must(page_for_group)),
    GroupStillFires: (must(page_again),),
    GroupNeedsIncident: (
        must(reopen_incident),
        must(incident_for_group),
        must(page_quietly),
    ),
    GroupGrew: (must(reopen_incident), must(page_for_group)),
    GroupGrewQuietly: (must(reopen_incident), must(page_quietly)),
    GroupRefired: (must(reopen_incident), must(page_for_group)),
    GroupRefiredQuietly: (must(reopen_incident), must(page_quietly)),
    GroupCleared: (must(clear_incident),),
    GroupAcknowledgedBySender: (must(acknowledge_for_sender),),
    IncidentOpened: (must(count_chosen),),
    IncidentRestricted: (must(hide_incident),),
    IncidentUnrestricted: (must(hide_incident),),
    IncidentNeedsPage: (must(page_for_incident),),
    IncidentMerged: (must(call_for_whole), must(close_pages), must(hide_merged)),
    IncidentCleared: (must(close_pages),),
    IncidentResolved: (must(close_pages),),
    PageOpened: (must(list_page),),
    PageRequested: (must(list_page),),
    PageRetriggered: (must(list_calling),),
    AcknowledgementExpired: (must(list_calling),),
    EscalationAsked: (must(list_calling),),
    SnoozeEnded: (must(list_calling),),
    PageHoldEnded: (must(list_calling),),
    PageReassigned: (must(list_calling),),
    PageHandedBack: (must(list_calling),),
    UrgencyRaised: (must(list_calling),),
    PageSnoozed: (must(list_snoozed), may(put_off_repeats)),
    PageHeld: (must(list_held),),
    PageAcknowledged: (must(list_taken), may(responder_joins), may(put_off_repeats)),
    PageAcknowledgedByToken: (must(list_taken_by_token), may(put_off_repeats)),
    PageCoAcknowledged: (may(responder_joins),),
    PageUnpageable: (must(list_unpageable),),
    PageResolved: (must(list_closed),),
}
