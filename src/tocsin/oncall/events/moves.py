"""What people and hours can do to a page beside answering: put off, hold, hand on, raise."""

from datetime import datetime

from typing_extensions import override

from tocsin.kernel.events import NOBODY, Names
from tocsin.kernel.ids import PersonId
from tocsin.oncall.events.pages import PageEvent

_HOURS = {
    "support_hours": "outside of support hours",
    "quiet_hours": "all whom it would call have quiet hours",
}


class PageHeld(PageEvent, frozen=True, tag="oncall.page_held"):
    """A page of low urgency calls nobody before its hours have come."""

    reason: str
    until: datetime
    holiday: str = ""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        why = _HOURS.get(self.reason, self.reason)
        if self.holiday:
            why = f"no support hours because of {self.holiday}"
        return f"Held until {self.until:%Y-%m-%d %H:%M} UTC, low urgency: {why}"


class PageHoldEnded(PageEvent, frozen=True, tag="oncall.page_hold_ended"):
    """The hours have come for which a page was held."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "Held no longer: its hours have come"


class PageSnoozed(PageEvent, frozen=True, tag="oncall.page_snoozed"):
    """Somebody has put the page off: nobody is called before `until`."""

    person_id: PersonId | None
    until: datetime
    channel: str = ""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        by = f" by {self.channel}" if self.channel else ""
        who = name(self.person_id or NOBODY)
        return f"{who} snoozed it until {self.until:%Y-%m-%d %H:%M} UTC{by}"


class SnoozeEnded(PageEvent, frozen=True, tag="oncall.snooze_ended"):
    """The time is over for which the page was put off: called again."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "The snooze is over: paging again from the first step"


class PageReassigned(PageEvent, frozen=True, tag="oncall.page_reassigned"):
    """Somebody has handed the page on; `to` names what is no person."""

    person_id: PersonId | None
    asked_person: PersonId | None
    to: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        whom = name(self.asked_person) if self.asked_person else self.to
        return f"{name(self.person_id or NOBODY)} reassigned it to {whom}"


class PageHandedBack(PageEvent, frozen=True, tag="oncall.page_handed_back"):
    """Who had taken the page, or had put it off, has given it back: called again."""

    person_id: PersonId | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{name(self.person_id or NOBODY)} handed it back: paging again"


class UrgencyRaised(PageEvent, frozen=True, tag="oncall.urgency_raised"):
    """What the page is about has become urgent: called at once, whatever the hour."""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return "Urgent now: paging at once, whatever the hour"


class WebhookTold(PageEvent, frozen=True, tag="oncall.webhook_told"):
    """The webhook of a step was told; a machine answers for nobody."""

    step: int
    is_told: bool
    reason: str = ""

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        where = f"step {self.step + 1}" if self.step >= 0 else "the catch-all"
        if self.is_told:
            return f"The webhook of {where} was told"
        return f"The webhook of {where} could not be told: {self.reason}"
