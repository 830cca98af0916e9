"""An incident that a person declares by hand."""

from tocsin.command.core import wording
from tocsin.command.core.audience import people_in, roles_in, with_asker
from tocsin.command.events import (
    GroupJoined,
    GroupsMoved,
    IncidentNeedsPage,
    IncidentOpened,
    IncidentRestricted,
    ResponderJoined,
)
from tocsin.command.model import (
    GROUPS_MAX,
    Count,
    Incident,
    IncidentStatus,
    OpenedBy,
    Opening,
)
from tocsin.command.store import groups, incidents, parts
from tocsin.kernel import turns
from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.ids import IncidentId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency


async def open(unit: Unit, opening: Opening) -> Incident:  # noqa: A001 - the field's word
    """Declare an incident by hand; the person who does becomes a responder.

    An urgent one with a policy pages. Groups of alerts join it that belong to no incident yet.
    Raises Invalid, Forbidden, or Conflict.
    """
    unit.require("incident:open")
    unit.require_on("incident:open", opening.team)
    visible_to = _audience(unit, opening)
    if opening.groups:
        await turns.alone(unit.conn)
    incident = Incident(
        id=IncidentId(uuid7()),
        title=wording.title(opening.title),
        description=wording.description(opening.description),
        services=wording.services(opening.services),
        number=await incidents.next_number(unit.conn),
        status=IncidentStatus.INVESTIGATING,
        severity=opening.severity,
        priority=opening.priority,
        urgency=opening.urgency,
        policy=opening.policy or "",
        labels={},
        opened_at=unit.now,
        opened_by=OpenedBy.PERSON,
        team=opening.team,
        visible_to=visible_to,
    )
    await incidents.add_incident(unit.conn, incident)
    person_id = unit.actor.person_id
    unit.record(
        IncidentOpened(
            incident_id=incident.id, number=incident.number, person_id=person_id,
            group_ids=tuple(dict.fromkeys(opening.groups)),
        )
    )  # fmt: skip
    await _take(unit, incident, opening)
    if person_id is not None:
        await parts.add_responder(unit.conn, incident.id, person_id, unit.now)
        unit.record(ResponderJoined(incident_id=incident.id, person_id=person_id))
    if visible_to is not None:
        unit.record(
            IncidentRestricted(
                incident_id=incident.id, number=incident.number, person_id=person_id,
                people=people_in(visible_to), roles=roles_in(visible_to),
            )
        )  # fmt: skip
    if opening.urgency is Urgency.HIGH and opening.policy is not None:
        unit.record(IncidentNeedsPage(incident_id=incident.id, number=incident.number))
    return incident


def _audience(unit: Unit, opening: Opening) -> tuple[str, ...] | None:
    if opening.visible_to is None:
        return None
    unit.require_on("incident:restrict", opening.team)
    return with_asker(opening.visible_to, unit.actor.audience, unit.actor.person_id)


async def _take(unit: Unit, incident: Incident, opening: Opening) -> None:
    group_ids = sorted(set(opening.groups))
    if len(group_ids) > GROUPS_MAX:
        raise Invalid(f"name at most {GROUPS_MAX} groups of alerts", field="groups")
    if await groups.owners_of(unit.conn, group_ids):
        raise Conflict(
            "some of these alerts belong to an incident already; merge it with this one, or"
            " split them off first"
        )
    for group_id in group_ids:
        await groups.add_group(unit.conn, incident.id, Count(group_id, 0, 0))
        unit.record(GroupJoined(incident_id=incident.id, group_id=group_id))
    if group_ids:
        unit.tell(
            GroupsMoved(
                incident_id=incident.id, number=incident.number, group_ids=tuple(group_ids)
            )
        )
