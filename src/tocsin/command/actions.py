"""What people and flows can ask of command: declare, join, reopen, resolve."""

from msgspec.structs import replace

from tocsin.command import store
from tocsin.command.events import (
    GroupJoined,
    IncidentCleared,
    IncidentDeclared,
    IncidentReopened,
    IncidentResolved,
    ResponderJoined,
)
from tocsin.command.model import Declaration, Incident, IncidentStatus, ResolvedBy
from tocsin.kernel.ids import GroupId, IncidentId, PersonId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency


async def declare_for(unit: Unit, group_id: GroupId, declaration: Declaration) -> Incident:
    """Declare an incident for a group, or return the one it has; urgency only ever rises."""
    unit.require("incident:declare")
    incident = await store.incident_of_group_for_update(unit.conn, group_id)
    if incident is not None:
        if declaration.urgency is Urgency.HIGH and incident.urgency is not Urgency.HIGH:
            incident = replace(incident, urgency=Urgency.HIGH)
            await store.save_incident(unit.conn, incident)
        return incident
    incident = Incident(
        id=IncidentId(uuid7()),
        number=await store.next_number(unit.conn),
        title=declaration.title,
        description=declaration.description,
        status=IncidentStatus.INVESTIGATING,
        severity=None,
        urgency=declaration.urgency,
        policy=declaration.policy,
        labels=declaration.labels,
        opened_at=unit.now,
    )
    await store.add_incident(unit.conn, incident)
    unit.record(
        IncidentDeclared(incident_id=incident.id, number=incident.number, title=incident.title)
    )
    await store.add_group(unit.conn, incident.id, group_id)
    unit.record(GroupJoined(incident_id=incident.id, group_id=group_id))
    return incident


async def reopen_for(unit: Unit, group_id: GroupId) -> None:
    """Reopen the incident of a group that fires again or has grown; others stay as they are."""
    unit.require("incident:declare")
    incident = await store.incident_of_group_for_update(unit.conn, group_id)
    if incident is None or incident.status is not IncidentStatus.RESOLVED:
        return
    incident = replace(
        incident,
        status=IncidentStatus.INVESTIGATING,
        resolved_at=None,
        resolved_by=ResolvedBy.NOBODY,
    )
    await store.save_incident(unit.conn, incident)
    unit.record(IncidentReopened(incident_id=incident.id, number=incident.number))


async def clear_for(unit: Unit, group_id: GroupId) -> None:
    """Resolve the incident of a group whose alerts have all gone; resolved ones stay as they are."""
    unit.require("incident:declare")
    incident = await store.incident_of_group_for_update(unit.conn, group_id)
    if incident is None or incident.resolved_at is not None:
        return
    await store.save_incident(unit.conn, _resolved(unit, incident, ResolvedBy.ALERTS))
    unit.record(IncidentCleared(incident_id=incident.id, number=incident.number))


async def resolve(unit: Unit, incident_id: IncidentId) -> Incident:
    """Call an incident over. It stays over while its alerts still fire; twice changes nothing."""
    unit.require("incident:respond")
    incident = await store.incident_for_update(unit.conn, incident_id)
    if incident.resolved_at is not None:
        return incident
    incident = _resolved(unit, incident, ResolvedBy.PERSON)
    await store.save_incident(unit.conn, incident)
    person_id = PersonId(unit.actor.person_id) if unit.actor.person_id else None
    unit.record(
        IncidentResolved(incident_id=incident.id, number=incident.number, person_id=person_id)
    )
    return incident


async def join(unit: Unit, incident_id: IncidentId, person_id: PersonId) -> None:
    """Make a person a responder of an incident; twice changes nothing."""
    unit.require("incident:respond")
    if await store.add_responder(unit.conn, incident_id, person_id, unit.now):
        unit.record(ResponderJoined(incident_id=incident_id, person_id=person_id))


def _resolved(unit: Unit, incident: Incident, by: ResolvedBy) -> Incident:
    return replace(
        incident, status=IncidentStatus.RESOLVED, resolved_at=unit.now, resolved_by=by
    )
