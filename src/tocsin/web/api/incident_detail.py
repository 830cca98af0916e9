"""An incident with all that it is made of, read in one unit: for showing and for exporting."""

from tocsin.command import reads as command
from tocsin.command.core.audience import people_in, roles_in
from tocsin.command.model import Incident
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.triage import reads as triage
from tocsin.web.api.incident_shapes import (
    IncidentDetail,
    RestrictionShape,
    incident_name,
    linked_shape,
    responder_shape,
)
from tocsin.web.api.oncall import page_details
from tocsin.web.api.shapes import group_shape, incident_shape, person


async def incident_detail(unit: Unit, incident: Incident) -> IncidentDetail:
    """Gather what belongs to an incident that the asker was shown."""
    directory = unit.config(Directory)
    merged = await command.merged_into(unit, incident.id)
    ids = [incident.id, *(one.id for one in merged)]
    group_ids = (await command.groups_of(unit, [incident.id])).get(incident.id, [])
    groups = await triage.groups(unit, group_ids)
    pages = [page for of in (await oncall.pages_of(unit, ids)).values() for page in of]
    shape = incident_shape(incident)
    return IncidentDetail(
        **{name: getattr(shape, name) for name in shape.__struct_fields__},
        pages=await page_details(unit, sorted(pages, key=lambda page: page.opened_at)),
        groups=tuple(group_shape(one) for one in sorted(groups, key=lambda g: g.opened_at)),
        alert_count=sum(group.alert_count for group in groups),
        firing_count=sum(group.firing_count for group in groups),
        responders=tuple(
            responder_shape(one, directory)
            for one in await command.responders_of(unit, incident.id)
        ),
        links=tuple(map(linked_shape, await command.links_of(unit, ids))),
        related=tuple(map(incident_name, await command.related_to(unit, incident.id))),
        merged=tuple(map(incident_name, merged)),
        restriction=_restriction(incident, directory),
    )


def _restriction(incident: Incident, directory: Directory) -> RestrictionShape | None:
    if incident.visible_to is None:
        return None
    return RestrictionShape(
        people=tuple(person(directory, one) for one in people_in(incident.visible_to)),
        roles=roles_in(incident.visible_to),
    )
