"""The nouns of command: incidents, and what people add to them."""

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import GroupId, IncidentId, PageId, PersonId
from tocsin.kernel.vocabulary import Labels, Severity, Urgency

NoteId = NewType("NoteId", UUID)
LinkId = NewType("LinkId", UUID)

TITLE_MAX = 200
DESCRIPTION_MAX = 10_000
NOTE_MAX = 10_000
URL_MAX = 2000
LINK_TITLE_MAX = 200
SERVICES_MAX = 50
GROUPS_MAX = 200  # that one act may move
AUDIENCE_MAX = 200  # people and roles that one restriction may name
LINKS_MAX = 200


class IncidentStatus(StrEnum):
    """How far the response has come; *acknowledged* is said of pages, never of incidents."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    """In which order incidents are worked on: P1 first."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"


class OpenedBy(StrEnum):
    """Whose word began the incident: what a person has declared, alerts do not end."""

    ALERTS = "alerts"
    PERSON = "person"


class ResolvedBy(StrEnum):
    """Whose word ended the incident."""

    NOBODY = ""
    ALERTS = "alerts"
    PERSON = "person"


class PageState(StrEnum):
    """How a page of an incident stands, as far as command needs to know."""

    CALLING = "calling"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    HELD = "held"
    RESOLVED = "resolved"


class Calling(StrEnum):
    """How all pages of an incident stand together, the worst one first."""

    UNPAGEABLE = "unpageable"
    CALLING = "calling"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    HELD = "held"
    NONE = "none"


class Incident(Struct, frozen=True, kw_only=True):
    """Something that people respond to. `number` is for humans: INC-12.

    `visible_to` names who may see it ("person:<uuid>", "role:<role>"; None: everyone).
    `version` counts changes; whoever sends the one they saw is refused after another's change.
    """

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
    priority: Priority | None = None
    opened_by: OpenedBy = OpenedBy.ALERTS
    team: str | None = None
    services: tuple[str, ...] = ()
    visible_to: tuple[str, ...] | None = None
    merged_into: IncidentId | None = None
    version: int = 1

    @property
    def reference(self) -> str:
        """Return the name people call it by."""
        return f"INC-{self.number}"


class Declaration(Struct, frozen=True, kw_only=True):
    """What an incident is declared with when alerts ask for it."""

    title: str
    description: str
    urgency: Urgency
    policy: str
    labels: Labels
    team: str | None = None
    services: tuple[str, ...] = ()
    alert_count: int = 0
    firing_count: int = 0


class Opening(Struct, frozen=True, kw_only=True):
    """What a person declares an incident with.

    `policy`: who is paged if it is urgent; "" is the default policy, None pages nobody.
    `groups` are groups of alerts that it is about. `visible_to` restricts it from the start.
    """

    title: str
    description: str = ""
    severity: Severity | None = None
    priority: Priority | None = None
    urgency: Urgency = Urgency.HIGH
    policy: str | None = None
    services: tuple[str, ...] = ()
    team: str | None = None
    groups: tuple[GroupId, ...] = ()
    visible_to: tuple[str, ...] | None = None


class Note(Struct, frozen=True, kw_only=True):
    """What a person wrote into the timeline; `actor` is kind:id, as in the log."""

    id: NoteId
    incident_id: IncidentId
    at: datetime
    actor: str
    person_id: PersonId | None
    text: str


class Link(Struct, frozen=True, kw_only=True):
    """A document elsewhere that belongs to an incident."""

    id: LinkId
    incident_id: IncidentId
    url: str
    title: str
    added_at: datetime
    person_id: PersonId | None


class PageMoved(Struct, frozen=True, kw_only=True):
    """How a page stands now."""

    page_id: PageId
    incident_id: IncidentId
    state: PageState
    acknowledged_by: PersonId | None = None
    acknowledged_via: str = ""


class Count(Struct, frozen=True):
    """How many alerts of a group fire, and how many have ever stood in it."""

    group_id: GroupId
    firing: int
    total: int
