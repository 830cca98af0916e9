"""Shapes of command for screens and for flows; SELECT only."""

from tocsin.command.reads.incidents import (
    groups_of,
    incident,
    incident_of,
    incidents,
    incidents_by_id,
    merged_into,
    open_incidents,
    resolved_incidents,
    visible_to,
)
from tocsin.command.reads.listing import IncidentFilter, IncidentRow, Position, incident_list
from tocsin.command.reads.parts import (
    Responder,
    links_of,
    notes,
    notes_of,
    related_to,
    responders_of,
)

__all__ = (
    "IncidentFilter",
    "IncidentRow",
    "Position",
    "Responder",
    "groups_of",
    "incident",
    "incident_list",
    "incident_of",
    "incidents",
    "incidents_by_id",
    "links_of",
    "merged_into",
    "notes",
    "notes_of",
    "open_incidents",
    "related_to",
    "resolved_incidents",
    "responders_of",
    "visible_to",
)
