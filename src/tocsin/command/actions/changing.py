"""What people say of an incident: status, severity, priority, words, over or not over."""

from msgspec.structs import replace

from tocsin.command.actions.alerts import REOPENED
from tocsin.command.actions.loading import load, save
from tocsin.command.core import status, wording
from tocsin.command.events import (
    IncidentEdited,
    IncidentNeedsPage,
    IncidentReopenedByPerson,
    IncidentResolved,
    PrioritySet,
    SeveritySet,
    StatusSet,
)
from tocsin.command.model import Incident, IncidentStatus, Priority, ResolvedBy
from tocsin.command.store import groups
from tocsin.kernel.errors import Conflict
from tocsin.kernel.ids import IncidentId
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity, Urgency


async def resolve(
    unit: Unit, incident_id: IncidentId, *, if_version: int | None = None
) -> Incident:
    """Call an incident over. It stays over while its alerts still fire; twice changes nothing."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond", if_version=if_version)
    match status.resolve(incident):
        case status.Move(stage):
            over = replace(
                incident, status=stage, resolved_at=unit.now, resolved_by=ResolvedBy.PERSON
            )
            incident = await save(unit.conn, over)
            unit.record(
                IncidentResolved(
                    incident_id=incident.id,
                    number=incident.number,
                    person_id=unit.actor.person_id,
                )
            )
        case status.Same():
            pass
    return incident


async def reopen(
    unit: Unit, incident_id: IncidentId, *, if_version: int | None = None
) -> Incident:
    """Say that an incident is not over; somebody is paged if people were, or its alerts fire."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond", if_version=if_version)
    match status.reopen(incident):
        case status.NotSo(why):
            raise Conflict(why)
        case status.Move(stage):
            incident = await save(unit.conn, replace(incident, status=stage, **REOPENED))
            unit.record(
                IncidentReopenedByPerson(
                    incident_id=incident.id,
                    number=incident.number,
                    person_id=unit.actor.person_id,
                )
            )
            if incident.urgency is Urgency.HIGH and await groups.has_cause(
                unit.conn, incident.id
            ):
                unit.record(IncidentNeedsPage(incident_id=incident.id, number=incident.number))
        case status.Same():
            pass
    return incident


async def hold(unit: Unit, incident_id: IncidentId) -> Incident:
    """Keep an incident from ending until this unit has, because somebody is paged for it.

    Raises Conflict when it is over already.
    """
    unit.require("page:request")
    incident = await load(incident_id, unit, "page:request")
    if status.is_over(incident):
        raise Conflict(f"{incident.reference} is over; reopen it, and then page")
    return incident


async def set_status(
    unit: Unit,
    incident_id: IncidentId,
    wanted: IncidentStatus,
    *,
    if_version: int | None = None,
) -> Incident:
    """Say how far the response has come. Raises Conflict where another verb must come first."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond", if_version=if_version)
    match status.move(incident, wanted):
        case status.NotSo(why):
            raise Conflict(why)
        case status.Move(stage):
            before = incident.status
            incident = await save(unit.conn, replace(incident, status=stage))
            unit.record(
                StatusSet(
                    incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id,
                    status=stage, before=before,
                )
            )  # fmt: skip
        case status.Same():
            pass
    return incident


async def set_severity(
    unit: Unit,
    incident_id: IncidentId,
    severity: Severity | None,
    *,
    if_version: int | None = None,
) -> Incident:
    """Say how bad it is; None takes the word back."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond", if_version=if_version)
    before = incident.severity
    if severity is before:
        return incident
    incident = await save(unit.conn, replace(incident, severity=severity))
    unit.record(
        SeveritySet(
            incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id,
            severity=int(severity or 0), before=int(before or 0),
        )
    )  # fmt: skip
    return incident


async def set_priority(
    unit: Unit,
    incident_id: IncidentId,
    priority: Priority | None,
    *,
    if_version: int | None = None,
) -> Incident:
    """Say when it is worked on; None takes the word back."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond", if_version=if_version)
    before = incident.priority
    if priority is before:
        return incident
    incident = await save(unit.conn, replace(incident, priority=priority))
    unit.record(
        PrioritySet(
            incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id,
            priority=priority or "", before=before or "",
        )
    )  # fmt: skip
    return incident


async def edit(
    unit: Unit,
    incident_id: IncidentId,
    *,
    title: str | None = None,
    description: str | None = None,
    if_version: int | None = None,
) -> Incident:
    """Say in other words what it is about; None leaves them. Raises Invalid."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond", if_version=if_version)
    edited = replace(
        incident,
        title=incident.title if title is None else wording.title(title),
        description=incident.description
        if description is None
        else wording.description(description),
    )
    if edited == incident:
        return incident
    edited = await save(unit.conn, edited)
    unit.record(
        IncidentEdited(
            incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id
        )
    )
    return edited
