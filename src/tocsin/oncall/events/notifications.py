"""What can have happened to a message, and to a test of a contact method."""

from datetime import datetime

from typing_extensions import override

from tocsin.kernel.events import Event, Names
from tocsin.kernel.ids import NotificationId, PersonId
from tocsin.oncall.events.pages import PageEvent


class NotificationEvent(PageEvent, frozen=True):
    """What all events of one message have in common."""

    notification_id: NotificationId
    person_id: PersonId
    method: str


class NotificationSent(NotificationEvent, frozen=True, tag="oncall.notification_sent"):
    """A provider took the message."""

    attempt: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        again = f" at attempt {self.attempt}" if self.attempt > 1 else ""
        return f"Paged {name(self.person_id)} by {self.method}{again}"


class NotificationFailed(NotificationEvent, frozen=True, tag="oncall.notification_failed"):
    """The method was given up; the next one follows, if there is one."""

    attempt: int
    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Could not reach {name(self.person_id)} by {self.method}: {self.reason}"


class NotificationRetried(NotificationEvent, frozen=True, tag="oncall.notification_retried"):
    """An attempt failed in a way that may pass."""

    attempt: int
    reason: str
    due_at: datetime

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"Attempt {self.attempt} to reach {name(self.person_id)} by {self.method} failed,"
            f" trying again: {self.reason}"
        )


class NotificationUnconfirmed(
    NotificationEvent, frozen=True, tag="oncall.notification_unconfirmed"
):
    """A message was sent and no receipt came for it; the next method follows."""

    attempt: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Nothing confirms that {name(self.person_id)} was reached by {self.method}"


class NotificationDelivered(
    NotificationEvent, frozen=True, tag="oncall.notification_delivered"
):
    """The provider says that the message has arrived."""

    attempt: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Arrived at {name(self.person_id)} by {self.method}"


class NotificationSuppressed(
    NotificationEvent, frozen=True, tag="oncall.notification_suppressed"
):
    """A message was not sent, because the page had moved on."""

    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Not sent to {name(self.person_id)} by {self.method}: {self.reason.replace('_', ' ')}"


class NotificationSeen(NotificationEvent, frozen=True, tag="oncall.notification_seen"):
    """The person has opened the message."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} opened the message by {self.method}"


class ContactTested(Event, frozen=True, tag="oncall.contact_tested"):
    """Somebody has sent a message to themselves, to see whether it arrives."""

    person_id: PersonId
    method: str
    outcome: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} tested {self.method}: {self.outcome}"
