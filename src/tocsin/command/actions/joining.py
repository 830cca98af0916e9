"""Two incidents become one, and one becomes two."""

from collections.abc import Sequence

from msgspec.structs import replace

from tocsin.command.actions.alerts import clear
from tocsin.command.actions.loading import load, load_all, save
from tocsin.command.core import merging, wording
from tocsin.command.core.status import NotSo, Same
from tocsin.command.events import (
    GroupJoined,
    GroupsMoved,
    IncidentMerged,
    IncidentNeedsPage,
    IncidentSplit,
    ResponderJoined,
)
from tocsin.command.model import (
    GROUPS_MAX,
    Incident,
    IncidentStatus,
    ResolvedBy,
)
from tocsin.command.store import groups, incidents, parts
from tocsin.kernel import turns
from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.ids import GroupId, IncidentId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency


async def merge(unit: Unit, incident_id: IncidentId, into_id: IncidentId) -> Incident:
    """Make an incident part of another, which is returned: its groups and responders move.

    Its pages close; if it was urgent and goes on, the other one is urgent too, and somebody is
    called for it, or has it in hand, unless that is over. Twice changes nothing. Raises NotFound
    or Conflict.
    """
    unit.require("incident:respond")
    await turns.alone(unit.conn)
    source, target = await load_all([incident_id, into_id], unit, "incident:respond")
    has = await groups.groups_of(unit.conn, source.id)
    match merging.merge(source, target, firing_count=sum(one.firing for one in has)):
        case NotSo(why):
            raise Conflict(why)
        case merging.Merge() as found:
            return await _merge(unit, source, target, found, [one.group_id for one in has])
        case Same():
            return target


async def _merge(
    unit: Unit,
    source: Incident,
    target: Incident,
    found: merging.Merge,
    moved: Sequence[GroupId],
) -> Incident:
    await groups.move_groups(unit.conn, moved, target.id)
    await parts.move_responders(unit.conn, source.id, target.id)
    await save(
        unit.conn,
        replace(
            source,
            status=IncidentStatus.CLOSED,
            resolved_at=source.resolved_at or unit.now,
            resolved_by=source.resolved_by or ResolvedBy.PERSON,
            merged_into=target.id,
            visible_to=target.visible_to,
        ),
    )
    await incidents.move_merged(unit.conn, source.id, target)
    target = await save(
        unit.conn,
        replace(
            target,
            urgency=Urgency.HIGH if found.is_urgent else target.urgency,
            services=tuple(dict.fromkeys((*target.services, *source.services))),
            resolved_by=merging.resolved_by(source, target),
        ),
    )
    unit.record(
        IncidentMerged(
            incident_id=source.id, number=source.number, person_id=unit.actor.person_id,
            into_id=target.id, into_number=target.number, group_ids=tuple(moved),
        )
    )  # fmt: skip
    _tell_moved(unit, target, moved)
    if found.needs_page:
        unit.record(IncidentNeedsPage(incident_id=target.id, number=target.number))
    return target


async def split(
    unit: Unit,
    incident_id: IncidentId,
    group_ids: Sequence[GroupId],
    title: str,
    *,
    if_version: int | None = None,
) -> Incident:
    """Make some groups of alerts an incident of their own, which is returned.

    It is as urgent and as restricted as the one they leave; if alerts of an urgent one fire,
    somebody is called for it. Raises NotFound, Invalid or Conflict.
    """
    unit.require("incident:respond")
    wanted = sorted(set(group_ids))
    if len(wanted) > GROUPS_MAX:
        raise Invalid(f"name at most {GROUPS_MAX} groups of alerts", field="groups")
    await turns.alone(unit.conn)
    incident = await load(incident_id, unit, "incident:respond", if_version=if_version)
    has = await groups.groups_of(unit.conn, incident.id)
    firing = sum(one.firing for one in has if one.group_id in wanted)
    match merging.split(incident, wanted, [one.group_id for one in has], firing_count=firing):
        case NotSo(why):
            raise Conflict(why)
        case merging.Split(needs_page):
            new = await _split(unit, incident, wanted, title, needs_page=needs_page)
            if firing > 0:  # what is left may have none any more
                left = await load(incident.id, unit, "incident:respond")
                await clear(unit, left, sum(one.firing for one in has) - firing)
            return new


async def _split(
    unit: Unit, incident: Incident, wanted: Sequence[GroupId], title: str, *, needs_page: bool
) -> Incident:
    new = replace(
        incident,
        id=IncidentId(uuid7()),
        number=await incidents.next_number(unit.conn),
        title=wording.title(title),
        severity=None,
        priority=None,
        opened_at=unit.now,
        version=1,
    )
    await incidents.add_incident(unit.conn, new)
    await groups.move_groups(unit.conn, wanted, new.id)
    person_id = unit.actor.person_id
    await save(unit.conn, incident)
    unit.record(
        IncidentSplit(
            incident_id=incident.id, number=incident.number, person_id=person_id,
            new_id=new.id, new_number=new.number, group_ids=tuple(wanted),
        )
    )  # fmt: skip
    _tell_moved(unit, new, wanted)
    if person_id is not None:
        await parts.add_responder(unit.conn, new.id, person_id, unit.now)
        unit.record(ResponderJoined(incident_id=new.id, person_id=person_id))
    if needs_page:
        unit.record(IncidentNeedsPage(incident_id=new.id, number=new.number))
    return new


def _tell_moved(unit: Unit, incident: Incident, group_ids: Sequence[GroupId]) -> None:
    for group_id in group_ids:
        unit.record(GroupJoined(incident_id=incident.id, group_id=group_id))
    if group_ids:
        unit.tell(
            GroupsMoved(
                incident_id=incident.id, number=incident.number, group_ids=tuple(group_ids)
            )
        )
