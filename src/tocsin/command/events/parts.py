"""What people add to an incident and who sees it; their words are kept elsewhere and pointed at."""

from typing_extensions import override

from tocsin.command.events.verbs import ByPerson
from tocsin.command.model import LinkId, NoteId
from tocsin.kernel.events import Names
from tocsin.kernel.ids import IncidentId, PersonId


class NoteAdded(ByPerson, frozen=True, tag="command.note_added"):
    """Somebody has written a note; `digest` is SHA-256 over its salt and its text."""

    note_id: NoteId
    digest: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Note by {self.who(name)}"


class NoteErased(ByPerson, frozen=True, tag="command.note_erased"):
    """A note's text is gone for good; that it was written stays."""

    note_id: NoteId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Note erased by {self.who(name)}"


class LinkAdded(ByPerson, frozen=True, tag="command.link_added"):
    """A document elsewhere belongs to the incident."""

    link_id: LinkId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Link added by {self.who(name)}"


class LinkRemoved(ByPerson, frozen=True, tag="command.link_removed"):
    """A document elsewhere belongs to the incident no more."""

    link_id: LinkId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Link removed by {self.who(name)}"


class IncidentsRelated(ByPerson, frozen=True, tag="command.incidents_related"):
    """Two incidents have something to do with each other."""

    other_id: IncidentId
    other_number: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} and INC-{self.other_number} related by {self.who(name)}"


class IncidentsUnrelated(ByPerson, frozen=True, tag="command.incidents_unrelated"):
    """Two incidents have nothing to do with each other after all."""

    other_id: IncidentId
    other_number: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"INC-{self.number} and INC-{self.other_number} unrelated by {self.who(name)}"


class IncidentRestricted(ByPerson, frozen=True, tag="command.incident_restricted"):
    """Only `people` and `roles` see the incident from now on."""

    people: tuple[PersonId, ...]
    roles: tuple[str, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = [name(id_) for id_ in self.people] + [f"every {role}" for role in self.roles]
        return f"Restricted by {self.who(name)} to {', '.join(who)}"


class IncidentUnrestricted(ByPerson, frozen=True, tag="command.incident_unrestricted"):
    """Everybody may see the incident again."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Shown to everybody again by {self.who(name)}"
