"""What command can say has happened."""

from typing_extensions import override

from tocsin.kernel.events import Event, Names
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


class ResponderJoined(Event, frozen=True, tag="command.responder_joined"):
    """A person works on the incident."""

    incident_id: IncidentId
    person_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} joined as responder"


class IncidentCleared(Event, frozen=True, tag="command.incident_cleared"):
    """The last alerts of the incident have gone, and so it is resolved."""

    incident_id: IncidentId
    number: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} resolved: no alert fires any more"


class IncidentResolved(Event, frozen=True, tag="command.incident_resolved"):
    """A person has called the incident over."""

    incident_id: IncidentId
    number: int
    person_id: PersonId | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = name(self.person_id) if self.person_id else "somebody with a token"
        return f"INC-{self.number} resolved by {who}"


class IncidentReopened(Event, frozen=True, tag="command.incident_reopened"):
    """Its alerts fire again, or more of them than when it was called over."""

    incident_id: IncidentId
    number: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} reopened: firing again"
