"""What is asked of alerts before a person declares an incident about them."""

from tocsin.command.model import Opening
from tocsin.kernel.errors import NotFound
from tocsin.kernel.unit import Unit
from tocsin.topology.model import Catalogue
from tocsin.triage import reads as triage


async def require_groups(unit: Unit, opening: Opening) -> None:
    """Refuse groups that the asker may not see, take from their team, or hide from it.

    Raises NotFound, Forbidden.
    """
    catalogue = unit.config(Catalogue)
    found = {one.id: one for one in await triage.groups(unit, opening.groups)}
    for group_id in opening.groups:
        group = found.get(group_id)
        if group is None:
            raise NotFound(f"no group of alerts {group_id}")
        team = catalogue.team_of(group.labels)
        unit.require_on("incident:open", team)
        if opening.visible_to is not None:
            unit.require_on("incident:restrict", team)
