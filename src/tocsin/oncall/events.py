"""What on-call can say has happened. People are ids here; their names are looked up to be read."""

from datetime import datetime

from typing_extensions import override

from tocsin.kernel.events import Event, Names
from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId, PolicyId


class PageEvent(Event, frozen=True):
    """What all events of a page have in common."""

    page_id: PageId
    incident_id: IncidentId


def _people(ids: tuple[PersonId, ...], name: Names) -> str:
    return ", ".join(name(id_) for id_ in ids) or "nobody"


class PageOpened(PageEvent, frozen=True, tag="oncall.page_opened"):
    """Somebody must answer."""

    policy_id: PolicyId
    policy: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"Paging by policy {self.policy}" if self.policy else "Paging, without any policy"
        )


class PageRetriggered(PageEvent, frozen=True, tag="oncall.page_retriggered"):
    """The incident was reopened, so people are called again."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "Paging again from the first step"


class StepCalled(PageEvent, frozen=True, tag="oncall.step_called"):
    """A step of the policy was called."""

    epoch: int
    step: int
    loop: int
    people: tuple[PersonId, ...]
    next_at: datetime

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        round_ = f", round {self.loop + 1}" if self.loop else ""
        return f"Step {self.step + 1}{round_}: calling {_people(self.people, name)}"


class StepSkipped(PageEvent, frozen=True, tag="oncall.step_skipped"):
    """A step reaches nobody, so the next one came at once."""

    epoch: int
    step: int
    loop: int
    reasons: tuple[str, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        what = "The catch-all" if self.step < 0 else f"Step {self.step + 1}"
        why = f" ({', '.join(self.reasons)})" if self.reasons else ""
        return f"{what} reaches nobody{why}"


class LoopRestarted(PageEvent, frozen=True, tag="oncall.loop_restarted"):
    """Nobody answered; the policy starts again."""

    loop: int
    repeat: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Nobody answered: repeating the policy, {self.loop} of {self.repeat}"


class CatchAllCalled(PageEvent, frozen=True, tag="oncall.catch_all_called"):
    """The policy is exhausted; the catch-all is called."""

    epoch: int
    catch: int
    people: tuple[PersonId, ...]
    next_at: datetime

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Catch-all, call {self.catch}: {_people(self.people, name)}"


class PageUnpageable(PageEvent, frozen=True, tag="oncall.page_unpageable"):
    """The page cannot reach anybody who answers; the alarm goes out of band."""

    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"UNPAGEABLE: {self.reason.replace('_', ' ')}; the page stays open"


class PageAcknowledged(PageEvent, frozen=True, tag="oncall.page_acknowledged"):
    """A person has taken the page; nothing older will be sent."""

    person_id: PersonId
    channel: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} acknowledged by {self.channel}"


class PageAcknowledgedByToken(PageEvent, frozen=True, tag="oncall.page_acknowledged_by_token"):
    """Somebody without a person's identity has taken the page."""

    channel: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Acknowledged by {self.channel}"


class PageCoAcknowledged(PageEvent, frozen=True, tag="oncall.page_co_acknowledged"):
    """One more person answers a page that somebody had taken already."""

    person_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} helps as co-responder"


class AcknowledgementExpired(PageEvent, frozen=True, tag="oncall.acknowledgement_expired"):
    """Acknowledged long ago and not resolved: called again."""

    count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "The acknowledgement ran out without a resolve: paging again"


class RetriggersSpent(PageEvent, frozen=True, tag="oncall.retriggers_spent"):
    """It has been acknowledged and forgotten so often that it is not called again."""

    count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Acknowledged {self.count} times without a resolve: not paging again"


class PageResolved(PageEvent, frozen=True, tag="oncall.page_resolved"):
    """What the page was about is over."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "Page closed"


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


class NotificationSuppressed(
    NotificationEvent, frozen=True, tag="oncall.notification_suppressed"
):
    """A message was not sent, because the page had moved on."""

    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Not sent to {name(self.person_id)} by {self.method}: {self.reason.replace('_', ' ')}"


class PersonUnreachable(PageEvent, frozen=True, tag="oncall.person_unreachable"):
    """Every method of a person has failed."""

    person_id: PersonId

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} cannot be reached by any method"


class WitnessRestored(PageEvent, frozen=True, tag="oncall.witness_restored"):
    """An open page had nothing that would have woken it; the watchdog repaired that."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "WATCHDOG: this page had been forgotten by its timer and was set going again"


class LastResortCalled(PageEvent, frozen=True, tag="oncall.last_resort_called"):
    """The static contacts were told that a page reaches nobody."""

    told_count: int
    failed_count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        if not self.told_count + self.failed_count:
            return "Last resort: no static contact is configured"
        return (
            f"Last resort: static contacts told {self.told_count}, failed {self.failed_count}"
        )
