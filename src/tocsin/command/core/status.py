"""From which stage of the response to which: the status machine of an incident."""

from typing import assert_never

from msgspec import Struct

from tocsin.command.model import Incident, IncidentStatus, OpenedBy

ACTIVE = frozenset(
    {IncidentStatus.INVESTIGATING, IncidentStatus.IDENTIFIED, IncidentStatus.MITIGATED}
)


class Same(Struct, frozen=True):
    """It is so already."""


class Move(Struct, frozen=True):
    """It becomes `status`."""

    status: IncidentStatus


class NotSo(Struct, frozen=True):
    """It cannot become so from here; `why` says what would help."""

    why: str


Outcome = Same | Move | NotSo


def is_over(incident: Incident) -> bool:
    """Say whether nobody works on it any more."""
    return incident.status not in ACTIVE


def move(  # noqa: PLR0911 - one an outcome
    incident: Incident, wanted: IncidentStatus
) -> Outcome:
    """Say what comes of a person's word that the response is at `wanted`.

    While it is worked on, any stage follows any other; resolving and reopening are words of
    their own, because pages hang on them.
    """
    if incident.merged_into is not None:
        return NotSo(f"{incident.reference} was merged; change the incident it is part of")
    if incident.status is wanted:
        return Same()
    match wanted:
        case IncidentStatus.RESOLVED:
            return NotSo(f"resolve {incident.reference} instead: its pages close with it")
        case IncidentStatus.CLOSED:
            if incident.status is IncidentStatus.RESOLVED:
                return Move(wanted)
            return NotSo(f"resolve {incident.reference} before closing it")
        case (
            IncidentStatus.INVESTIGATING | IncidentStatus.IDENTIFIED | IncidentStatus.MITIGATED
        ):
            if is_over(incident):
                return NotSo(f"{incident.reference} is {incident.status}; reopen it first")
            return Move(wanted)
        case _:
            assert_never(wanted)


def resolve(incident: Incident) -> Same | Move:
    """Say what comes of calling it over."""
    if is_over(incident):
        return Same()
    return Move(IncidentStatus.RESOLVED)


def reopen(incident: Incident) -> Outcome:
    """Say what comes of a person's word that it is not over."""
    if incident.merged_into is not None:
        return NotSo(f"{incident.reference} was merged; reopen or split the one it is part of")
    if not is_over(incident):
        return Same()
    return Move(IncidentStatus.INVESTIGATING)


def fires_again(incident: Incident) -> Same | Move:
    """Say what comes of its alerts firing again, or of more than were known."""
    if incident.merged_into is not None or not is_over(incident):
        return Same()
    return Move(IncidentStatus.INVESTIGATING)


def clears(incident: Incident, *, firing_count: int) -> Same | Move:
    """Say what comes of one of its groups clearing while `firing_count` alerts still fire.

    What a person has declared, a person ends.
    """
    if is_over(incident) or incident.opened_by is not OpenedBy.ALERTS or firing_count > 0:
        return Same()
    return Move(IncidentStatus.RESOLVED)
