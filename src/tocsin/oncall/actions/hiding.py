"""Who may see the pages of an incident."""

from collections.abc import Sequence

from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import IncidentId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.core.audience import ENTRIES_MAX


async def restrict(
    unit: Unit, incident_ids: Sequence[IncidentId], visible_to: tuple[str, ...] | None
) -> None:
    """Show the pages of incidents only to those named (None: to everyone again).

    Who was called may still acknowledge; who is not named is told nothing but the reference.
    """
    unit.require("incident:restrict")
    if visible_to is not None and len(visible_to) > ENTRIES_MAX:
        raise Invalid(f"name at most {ENTRIES_MAX} people and roles", field="visible_to")
    for page in await store.pages_of_for_update(unit.conn, *incident_ids):
        unit.require_on("incident:restrict", page.team)
    for incident_id in incident_ids:
        if await store.set_visible_to(unit.conn, incident_id, visible_to):
            unit.record(
                events.PagesRestricted(
                    incident_id=incident_id, is_restricted=visible_to is not None
                )
            )
