"""What flows ask of command: alerts declare, reopen and clear incidents; counts and pages move."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from tocsin.command.actions.loading import save
from tocsin.command.core import status
from tocsin.command.events import (
    GroupJoined,
    GroupsMoved,
    IncidentCleared,
    IncidentDeclared,
    IncidentReopened,
)
from tocsin.command.model import (
    Count,
    Declaration,
    Incident,
    IncidentStatus,
    PageMoved,
    ResolvedBy,
)
from tocsin.command.store import groups, incidents
from tocsin.kernel.ids import GroupId, IncidentId, PageId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency

REOPENED: dict[str, Any] = {"resolved_at": None, "resolved_by": ResolvedBy.NOBODY}


async def declare_for(unit: Unit, group_id: GroupId, declaration: Declaration) -> Incident:
    """Declare an incident for a group, or return the one it has; urgency only ever rises."""
    unit.require("incident:declare")
    incident = await incidents.incident_of_group_for_update(unit.conn, group_id)
    if incident is not None:
        if declaration.urgency is Urgency.HIGH and incident.urgency is not Urgency.HIGH:
            incident = await save(unit.conn, replace(incident, urgency=Urgency.HIGH))
        return incident
    incident = Incident(
        id=IncidentId(uuid7()),
        number=await incidents.next_number(unit.conn),
        title=declaration.title,
        description=declaration.description,
        status=IncidentStatus.INVESTIGATING,
        severity=None,
        urgency=declaration.urgency,
        policy=declaration.policy,
        labels=declaration.labels,
        opened_at=unit.now,
        team=declaration.team,
        services=declaration.services,
    )
    await incidents.add_incident(unit.conn, incident)
    unit.record(
        IncidentDeclared(incident_id=incident.id, number=incident.number, title=incident.title)
    )
    count = Count(group_id, declaration.firing_count, declaration.alert_count)
    await groups.add_group(unit.conn, incident.id, count)
    unit.record(GroupJoined(incident_id=incident.id, group_id=group_id))
    unit.tell(
        GroupsMoved(incident_id=incident.id, number=incident.number, group_ids=(group_id,))
    )
    return incident


async def reopen_for(unit: Unit, group_id: GroupId) -> None:
    """Reopen the incident of a group that fires again or has grown; others stay as they are."""
    unit.require("incident:declare")
    incident = await incidents.incident_of_group_for_update(unit.conn, group_id)
    if incident is None:
        return
    match status.fires_again(incident):
        case status.Move(stage):
            await save(unit.conn, replace(incident, status=stage, **REOPENED))
            unit.record(IncidentReopened(incident_id=incident.id, number=incident.number))
        case status.Same():
            pass


async def clear_for(unit: Unit, group_id: GroupId) -> None:
    """Note that a group's alerts have all gone; it ends an incident of which no other fires.

    What is over, and what a person has declared, stays as it is.
    """
    unit.require("incident:declare")
    incident = await incidents.incident_of_group_for_update(unit.conn, group_id)
    if incident is None:
        return
    await groups.clear_group(unit.conn, group_id)
    firing = sum(one.firing for one in await groups.groups_of(unit.conn, incident.id))
    await clear(unit, incident, firing)


async def clear(unit: Unit, incident: Incident, firing_count: int) -> None:
    """End a locked incident of which no alert fires any more, unless a person must."""
    unit.require("incident:respond")
    match status.clears(incident, firing_count=firing_count):
        case status.Move(stage):
            over = replace(
                incident, status=stage, resolved_at=unit.now, resolved_by=ResolvedBy.ALERTS
            )
            await save(unit.conn, over)
            unit.record(IncidentCleared(incident_id=incident.id, number=incident.number))
        case status.Same():
            pass


async def count_groups(unit: Unit, counts: Sequence[Count]) -> None:
    """Take over how many alerts of each group fire, for lists.

    Their incidents are locked in one order: what follows for each comes in any order.
    """
    unit.require("incident:declare")
    if counts:
        await groups.lock_owners(unit.conn, [one.group_id for one in counts])
        await groups.save_counts(unit.conn, counts)


async def page_opened(
    unit: Unit, page_id: PageId, incident_id: IncidentId, policy: str
) -> None:
    """Take over that a page calls somebody for an incident, for lists."""
    unit.require("incident:declare")
    await groups.add_page(unit.conn, page_id, incident_id, policy)


async def page_moved(unit: Unit, moved: PageMoved) -> None:
    """Take over how a page stands, for lists."""
    unit.require("incident:declare")
    await groups.save_page(unit.conn, moved)


async def page_is_unpageable(unit: Unit, page_id: PageId) -> None:
    """Take over that a page reaches nobody, for lists."""
    unit.require("incident:declare")
    await groups.set_unpageable(unit.conn, page_id)
