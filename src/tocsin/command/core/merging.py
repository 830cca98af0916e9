"""Which incidents can become one, and which groups can become an incident of their own."""

from collections.abc import Collection

from msgspec import Struct

from tocsin.command.core.status import NotSo, Same, is_over
from tocsin.command.model import Incident, ResolvedBy
from tocsin.kernel.ids import GroupId
from tocsin.kernel.vocabulary import Urgency


class Merge(Struct, frozen=True):
    """The source becomes part of the target; `needs_page`: nobody may be lost on the way.

    `is_urgent`: the target is urgent from now on, if it was not before.
    """

    needs_page: bool
    is_urgent: bool


class Split(Struct, frozen=True):
    """The groups become an incident of their own; `needs_page`: somebody is called for it."""

    needs_page: bool


def merge(  # noqa: PLR0911 - one a reason
    source: Incident, target: Incident, *, firing_count: int
) -> Merge | Same | NotSo:
    """Say what comes of merging `source` into `target`.

    `firing_count` alerts of the source fire, though somebody may have called it over: as part
    of what is not over they are somebody's again.
    """
    if source.merged_into is not None:
        if source.merged_into == target.id:
            return Same()
        return NotSo(f"{source.reference} was merged before; merge the one it is part of")
    if source.id == target.id:
        return NotSo(f"{source.reference} cannot be merged into itself; name another one")
    if target.merged_into is not None:
        return NotSo(f"{target.reference} was merged itself; name the one it is part of")
    if is_over(target) and not is_over(source):
        return NotSo(f"{target.reference} is {target.status}; reopen it before merging into it")
    if source.visible_to is not None and source.visible_to != target.visible_to:
        return NotSo(
            f"{source.reference} is restricted and {target.reference} would show it to others;"
            " restrict both to the same people first"
        )
    goes_on = not is_over(source) or firing_count > 0
    is_urgent = source.urgency is Urgency.HIGH and goes_on
    return Merge(is_urgent and not is_over(target), is_urgent)


def resolved_by(source: Incident, target: Incident) -> ResolvedBy:
    """Say who has ended the whole: a person, if a person has ended a part of it."""
    if is_over(target) and source.resolved_by is ResolvedBy.PERSON:
        return ResolvedBy.PERSON
    return target.resolved_by


def split(
    incident: Incident,
    wanted: Collection[GroupId],
    has: Collection[GroupId],
    *,
    firing_count: int,
) -> Split | NotSo:
    """Say what comes of splitting `wanted` off an incident that has the groups `has`.

    `firing_count` alerts of the wanted groups fire.
    """
    if incident.merged_into is not None:
        return NotSo(f"{incident.reference} was merged; split the one it is part of")
    if not wanted:
        return NotSo("name at least one group of alerts to split off")
    if not set(wanted) <= set(has):
        return NotSo(f"{incident.reference} does not have all of these groups; look again")
    if set(wanted) == set(has):
        return NotSo(f"leave {incident.reference} at least one group of alerts")
    is_urgent = incident.urgency is Urgency.HIGH and not is_over(incident)
    return Split(is_urgent and firing_count > 0)
