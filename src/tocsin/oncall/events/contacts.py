"""What can have happened to the ways in which people are reached. No address, no device's name."""

from uuid import UUID

from typing_extensions import override

from tocsin.kernel.events import Event, Names
from tocsin.kernel.ids import PersonId


class ContactCodeSent(Event, frozen=True, tag="oncall.contact_code_sent"):
    """Somebody has asked for a code, to prove that an address is theirs."""

    person_id: PersonId
    method: str
    outcome: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        if self.outcome == "sent":
            return f"A code was sent to {name(self.person_id)} by {self.method}"
        return f"A code could not be sent to {name(self.person_id)} by {self.method}"


class ContactCodeWrong(Event, frozen=True, tag="oncall.contact_code_wrong"):
    """Somebody has typed a code that was not the one sent."""

    person_id: PersonId
    method: str
    tries_left: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"{name(self.person_id)} typed a wrong code for {self.method},"
            f" {self.tries_left} tries left"
        )


class ContactVerified(Event, frozen=True, tag="oncall.contact_verified"):
    """An address is proved to reach its person; `by` is code or subscription."""

    person_id: PersonId
    method: str
    by: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} verified {self.method} by {self.by}"


class ContactDropped(Event, frozen=True, tag="oncall.contact_dropped"):
    """An address that was verified does not reach its person any more."""

    person_id: PersonId
    method: str
    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{self.method} does not reach {name(self.person_id)} any more: {self.reason}"


class ContactsChanged(Event, frozen=True, tag="oncall.contacts_changed"):
    """Somebody has changed by what they themselves are reached."""

    person_id: PersonId
    what: str
    method: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} {self.what} {self.method} among their contact methods"


class PushDeviceAdded(Event, frozen=True, tag="oncall.push_device_added"):
    """A browser was subscribed to push, as its own person."""

    person_id: PersonId
    device_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} subscribed a browser to push"


class PushDeviceRemoved(Event, frozen=True, tag="oncall.push_device_removed"):
    """A browser is not called any more: removed by hand, or its push service says it is gone."""

    person_id: PersonId
    device_id: UUID
    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"A browser of {name(self.person_id)} gets no push any more: {self.reason}"
