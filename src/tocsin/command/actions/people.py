"""Who works on an incident, and who may see it."""

from collections.abc import Sequence

from msgspec.structs import replace

from tocsin.command import reads
from tocsin.command.actions.loading import load, save
from tocsin.command.core.audience import names_of, people_in, roles_in, with_asker
from tocsin.command.events import (
    IncidentRestricted,
    IncidentUnrestricted,
    ResponderJoined,
    ResponderLeft,
)
from tocsin.command.model import Incident
from tocsin.command.store import incidents, parts
from tocsin.kernel import turns
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Conflict
from tocsin.kernel.ids import IncidentId, PersonId
from tocsin.kernel.unit import Unit


async def join(unit: Unit, incident_id: IncidentId, person_id: PersonId) -> None:
    """Make a person a responder of an incident; twice changes nothing.

    It locks no incident: whoever acknowledges holds the page, whoever resolves the incident.
    """
    unit.require("incident:respond")
    incident = await reads.incident(unit, str(incident_id))
    unit.require_on("incident:respond", incident.team)
    if await parts.add_responder(unit.conn, incident_id, person_id, unit.now):
        unit.record(ResponderJoined(incident_id=incident_id, person_id=person_id))


async def leave(unit: Unit, incident_id: IncidentId, person_id: PersonId) -> None:
    """Let a responder go; who is none changes nothing."""
    unit.require("incident:respond")
    incident = await reads.incident(unit, str(incident_id))
    unit.require_on("incident:respond", incident.team)
    if await parts.remove_responder(unit.conn, incident_id, person_id):
        unit.record(ResponderLeft(incident_id=incident_id, person_id=person_id))


async def restrict(
    unit: Unit,
    incident_id: IncidentId,
    people: Sequence[PersonId],
    roles: Sequence[Role],
    *,
    if_version: int | None = None,
) -> Incident:
    """Show an incident to these alone, everywhere; whoever restricts it goes on seeing it.

    Raises NotFound, Conflict, or Invalid when a token without a person would lose sight of it.
    """
    unit.require("incident:restrict")
    await turns.alone(unit.conn)
    incident = await load(incident_id, unit, "incident:restrict", if_version=if_version)
    _refuse_merged(incident)
    visible_to = with_asker(names_of(people, roles), unit.actor.audience, unit.actor.person_id)
    if visible_to == incident.visible_to:
        return incident
    incident = await save(unit.conn, replace(incident, visible_to=visible_to))
    await incidents.move_merged(unit.conn, incident.id, incident)
    unit.record(
        IncidentRestricted(
            incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id,
            people=people_in(visible_to), roles=roles_in(visible_to),
        )
    )  # fmt: skip
    return incident


async def unrestrict(
    unit: Unit, incident_id: IncidentId, *, if_version: int | None = None
) -> Incident:
    """Show an incident to everybody again; twice changes nothing."""
    unit.require("incident:restrict")
    await turns.alone(unit.conn)
    incident = await load(incident_id, unit, "incident:restrict", if_version=if_version)
    _refuse_merged(incident)
    if incident.visible_to is None:
        return incident
    incident = await save(unit.conn, replace(incident, visible_to=None))
    await incidents.move_merged(unit.conn, incident.id, incident)
    unit.record(
        IncidentUnrestricted(
            incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id
        )
    )
    return incident


def _refuse_merged(incident: Incident) -> None:
    if incident.merged_into is not None:
        raise Conflict(
            f"{incident.reference} was merged and is as visible as the one it is part of"
        )
