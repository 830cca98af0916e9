"""The nouns of command: incidents."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import IncidentId
from tocsin.kernel.vocabulary import Labels, Severity, Urgency


class IncidentStatus(StrEnum):
    """How far the response has come; *acknowledged* is said of pages, never of incidents."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"


class ResolvedBy(StrEnum):
    """Whose word ended the incident."""

    NOBODY = ""
    ALERTS = "alerts"
    PERSON = "person"


class Incident(Struct, frozen=True, kw_only=True):
    """Something that people respond to. `number` is for humans: INC-12."""

    id: IncidentId
    number: int
    title: str
    description: str
    status: IncidentStatus
    severity: Severity | None
    urgency: Urgency
    policy: str
    labels: Labels
    opened_at: datetime
    resolved_at: datetime | None = None
    resolved_by: ResolvedBy = ResolvedBy.NOBODY

    @property
    def reference(self) -> str:
        """Return the name people call it by."""
        return f"INC-{self.number}"


class Declaration(Struct, frozen=True, kw_only=True):
    """What an incident is declared with."""

    title: str
    description: str
    urgency: Urgency
    policy: str
    labels: Labels
