"""What happens to an incident by its alerts and its pages, and who works on it."""

from typing_extensions import override

from tocsin.kernel.events import Event, Names, Update
from tocsin.kernel.ids import GroupId, IncidentId, PersonId


class IncidentDeclared(Event, frozen=True, tag="command.incident_declared"):
    """Something is an incident from now on."""

    incident_id: IncidentId
    number: int
    title: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} declared: {self.title}"


class GroupJoined(Event, frozen=True, tag="command.group_joined"):
    """A group of alerts belongs to an incident."""

    incident_id: IncidentId
    group_id: GroupId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "A group of alerts joined the incident"


class GroupsMoved(Update, frozen=True, tag="command.groups_moved"):
    """Groups of alerts belong to this incident now, whatever they belonged to before."""

    incident_id: IncidentId
    number: int
    group_ids: tuple[GroupId, ...]


class ResponderJoined(Event, frozen=True, tag="command.responder_joined"):
    """A person works on the incident."""

    incident_id: IncidentId
    person_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} joined as responder"


class ResponderLeft(Event, frozen=True, tag="command.responder_left"):
    """A person works on the incident no more."""

    incident_id: IncidentId
    person_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} left the incident"


class IncidentCleared(Event, frozen=True, tag="command.incident_cleared"):
    """The last alerts of the incident have gone, and so it is resolved."""

    incident_id: IncidentId
    number: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} resolved: no alert fires any more"


class IncidentReopened(Event, frozen=True, tag="command.incident_reopened"):
    """Its alerts fire again, or more of them than when it was called over."""

    incident_id: IncidentId
    number: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} reopened: firing again"


class IncidentNeedsPage(Event, frozen=True, tag="command.incident_needs_page"):
    """What a person has done to an urgent incident leaves nobody called for it."""

    incident_id: IncidentId
    number: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} needs somebody now"
