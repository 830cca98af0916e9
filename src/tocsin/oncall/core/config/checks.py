"""What the resources of on-call have in common: texts, zones, durations, references."""

from typing import Annotated, cast
from uuid import UUID

from msgspec import Meta

from tocsin.kernel.durations import seconds
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId
from tocsin.kernel.snapshot import Resources
from tocsin.oncall.core import local_time

Text = Annotated[str, Meta(min_length=1, max_length=200)]


def team_ref(team: str | None) -> list[tuple[str, str, str]]:
    """Name the team a resource belongs to, if any."""
    return [("Team", team, "spec.team")] if team else []


def person_id(name: str, resources: Resources) -> PersonId:
    """Return the id of a person by the name of their resource."""
    return PersonId(cast("UUID", resources.uid("Person", name)))


def at_least(text: str, least_s: int, field: str) -> int:
    """Return a duration in seconds. Raises Invalid below `least_s`."""
    found = seconds(text, field=field)
    if found < least_s:
        raise Invalid(f"{field}: must be at least {least_s}s", field=field)
    return found


def check_zone(zone: str, where: str) -> None:
    """Refuse what is no IANA zone. Raises Invalid."""
    if not local_time.is_zone(zone):
        raise Invalid(
            f"{where}: spec.timezone: {zone!r} is no IANA time zone; write e.g. Europe/Berlin",
            field="spec.timezone",
        )
