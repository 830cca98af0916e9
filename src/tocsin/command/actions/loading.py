"""How a person's verb gets at an incident: locked, seen, permitted, and at the version they saw."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from psycopg import AsyncConnection

from tocsin.command.core.audience import is_seen
from tocsin.command.model import Incident
from tocsin.command.store import incidents as rows
from tocsin.kernel.errors import NotFound, PreconditionFailed
from tocsin.kernel.ids import IncidentId
from tocsin.kernel.unit import Unit


async def load(
    incident_id: IncidentId, unit: Unit, verb: str, *, if_version: int | None = None
) -> Incident:
    """Lock an incident for somebody who wants to `verb` it.

    Raises NotFound (also for what they may not see), Forbidden, or PreconditionFailed.
    """
    (found,) = await load_all([incident_id], unit, verb)
    if if_version is not None and found.version != if_version:
        raise PreconditionFailed(
            f"{found.reference} has changed: it is at version {found.version}, you saw"
            f" {if_version}; look at it again, then repeat"
        )
    return found


async def load_all(ids: Sequence[IncidentId], unit: Unit, verb: str) -> list[Incident]:
    """Lock incidents in the order of their ids and return them in the order asked for."""
    found = {one.id: one for one in await rows.incidents_for_update(unit.conn, ids)}
    for incident_id in ids:
        incident = found.get(incident_id)
        if incident is None or not is_seen(incident.visible_to, unit.audience):
            raise NotFound(
                f"no incident {incident_id}; `tocsin incident list` shows what there is"
            )
        unit.require_on(verb, incident.team)
    return [found[incident_id] for incident_id in ids]


async def save(conn: AsyncConnection[Any], incident: Incident) -> Incident:
    """Write an incident back as its next version, which is returned."""
    incident = replace(incident, version=incident.version + 1)
    await rows.save_incident(conn, incident)
    return incident
