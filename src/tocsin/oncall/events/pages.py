"""What can have happened to a page. People are ids here; their names are looked up to be read."""

from datetime import datetime

from typing_extensions import override

from tocsin.kernel.events import NOBODY, Event, Names
from tocsin.kernel.ids import IncidentId, PageId, PersonId, PolicyId, ScheduleId


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
    urgency: str = "high"

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        low = ", low urgency" if self.urgency == "low" else ""
        by = f"by policy {self.policy}" if self.policy else "without any policy"
        return f"Paging {by}{low}" if self.policy else f"Paging, {by}{low}"


class PageRequested(PageEvent, frozen=True, tag="oncall.page_requested"):
    """Somebody asks for a person, or for a policy, by hand."""

    person_id: PersonId | None
    asked_person: PersonId | None
    policy: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        whom = name(self.asked_person) if self.asked_person else f"policy {self.policy}"
        return f"{name(self.person_id)} pages {whom}" if self.person_id else f"Paging {whom}"


class EscalationAsked(PageEvent, frozen=True, tag="oncall.escalation_asked"):
    """Somebody asks for the next step now, without waiting."""

    person_id: PersonId | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Next step asked for by {name(self.person_id or NOBODY)}"


class PagesRestricted(Event, frozen=True, tag="oncall.pages_restricted"):
    """Who may see the pages of an incident was changed."""

    incident_id: IncidentId
    is_restricted: bool

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        if self.is_restricted:
            return "Pages are shown only to those who may see the incident"
        return "Pages are shown to everyone again"


class PageRetriggered(PageEvent, frozen=True, tag="oncall.page_retriggered"):
    """The incident was reopened, so people are called again."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "Paging again from the first step"


class StepCalled(PageEvent, frozen=True, tag="oncall.step_called"):
    """A step of the policy was called.

    `schedules` says for each of `people` whose shift brought them; null: no schedule's.
    """

    epoch: int
    step: int
    loop: int
    people: tuple[PersonId, ...]
    next_at: datetime
    schedules: tuple[ScheduleId | None, ...] = ()
    urgency: str = "high"
    missing: tuple[str, ...] = ()

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


UNPAGEABLE_WORDS = {
    "nobody_reachable": "nobody in the catch-all can be reached",
    "unanswered": "the catch-all was called, and nobody answers",
    "all_failed": "no method of the catch-all took the page",
}


class PageUnpageable(PageEvent, frozen=True, tag="oncall.page_unpageable"):
    """Nobody can be brought to answer the page; the alarm goes out of band."""

    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        why = UNPAGEABLE_WORDS.get(self.reason, self.reason)
        return f"UNPAGEABLE: {why}; the page stays open"


class PageAcknowledged(PageEvent, frozen=True, tag="oncall.page_acknowledged"):
    """A person has taken the page; nothing older will be sent."""

    person_id: PersonId
    channel: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id)} acknowledged by {self.channel}"


class PageAcknowledgedByToken(PageEvent, frozen=True, tag="oncall.page_acknowledged_by_token"):
    """Somebody without a person's identity has taken the page; `via`: where its alert came from."""

    channel: str
    via: str = ""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        if self.via:
            return f"Acknowledged at {self.via}"
        return f"Acknowledged by {self.channel} ({name(NOBODY)})"


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
