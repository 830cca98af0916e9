"""What people do to an incident: open and end it, judge it, join and split it."""

from typing_extensions import override

from tocsin.kernel.events import NOBODY, Event, Names
from tocsin.kernel.ids import GroupId, IncidentId, PersonId


class ByPerson(Event, frozen=True):
    """What all that people do to an incident has in common; nobody: a token without a person."""

    incident_id: IncidentId
    number: int
    person_id: PersonId | None

    def who(self, name: Names) -> str:
        """Name who did it."""
        return name(self.person_id or NOBODY)


class IncidentResolved(ByPerson, frozen=True, tag="command.incident_resolved"):
    """A person has called the incident over."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} resolved by {self.who(name)}"


class IncidentOpened(ByPerson, frozen=True, tag="command.incident_opened"):
    """A person has declared an incident; `group_ids` are what it is about, if alerts fire."""

    group_ids: tuple[GroupId, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} declared by {self.who(name)}"


class IncidentReopenedByPerson(
    ByPerson, frozen=True, tag="command.incident_reopened_by_person"
):
    """A person has said that it is not over after all."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} reopened by {self.who(name)}"


class IncidentEdited(ByPerson, frozen=True, tag="command.incident_edited"):
    """Title or description are other words now."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Title or description changed by {self.who(name)}"


class StatusSet(ByPerson, frozen=True, tag="command.status_set"):
    """The response has come to another stage."""

    status: str
    before: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Status {self.status} (was {self.before}), says {self.who(name)}"


class SeveritySet(ByPerson, frozen=True, tag="command.severity_set"):
    """Somebody has said how bad it is; 0: nobody has."""

    severity: int
    before: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        said = f"SEV{self.severity}" if self.severity else "none"
        was = f" (was SEV{self.before})" if self.before else ""
        return f"Severity {said}{was}, says {self.who(name)}"


class PrioritySet(ByPerson, frozen=True, tag="command.priority_set"):
    """Somebody has said when it is worked on; "": nobody has."""

    priority: str
    before: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        was = f" (was {self.before})" if self.before else ""
        return f"Priority {self.priority or 'none'}{was}, says {self.who(name)}"


class IncidentMerged(ByPerson, frozen=True, tag="command.incident_merged"):
    """The incident is part of another one from now on, with its groups of alerts."""

    into_id: IncidentId
    into_number: int
    group_ids: tuple[GroupId, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} merged into INC-{self.into_number} by {self.who(name)}"


class IncidentSplit(ByPerson, frozen=True, tag="command.incident_split"):
    """Some groups of alerts are an incident of their own from now on."""

    new_id: IncidentId
    new_number: int
    group_ids: tuple[GroupId, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.new_number} split off INC-{self.number} by {self.who(name)}"
