"""What a page does next if nobody does anything. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.kernel.jobs import name_of
from tocsin.oncall.actions import PageTimer
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.effects import CatchAllCalled, Escalated
from tocsin.oncall.core.inputs import AckExpired, CatchDue, OpeningDue, SnoozeOver, StepDue
from tocsin.oncall.core.page import RETRIGGERS_MAX, step
from tocsin.oncall.model import Page, PageState
from tocsin.web.takers import taker

TIMER = name_of(PageTimer)


class Forecast(Struct, frozen=True, kw_only=True):
    """What a page waits for: `is_call` tells an escalation from a reminder."""

    at: datetime | None
    people: str
    words: str
    is_call: bool


def forecast(
    page: Page, waiting: Sequence[tuple[str, datetime]], directory: Directory
) -> Forecast:
    """Say what happens next if nobody does anything, by asking the page machine itself."""
    at = _due_at(page, waiting, directory)
    if at is None:
        return Forecast(at=None, people="", words=_still(page, directory), is_call=False)
    people = ", ".join(directory.name_of(one) for one in _called_at(page, at, directory))
    if page.is_waiting:
        words = f"{_still(page, directory)}. Then pages {people or 'nobody'}"
        return Forecast(at=at, people=people, words=words, is_call=True)
    if page.state is PageState.ACKNOWLEDGED:
        words = f"{_still(page, directory)}. Unless it is resolved, pages {people or 'nobody'} again"
        return Forecast(at=at, people=people, words=words, is_call=False)
    words = f"Next: {people}" if people else "Next: nobody can be reached"
    return Forecast(at=at, people=people, words=words, is_call=True)


def _due_at(
    page: Page, waiting: Sequence[tuple[str, datetime]], directory: Directory
) -> datetime | None:
    if page.is_waiting:
        return page.waits_until
    if page.is_open:
        return next((due_at for kind, due_at in waiting if kind == TIMER), None)
    # timers of steps outlive the acknowledgement that made them void, so they say nothing here
    timeout_s = directory.policy_of(page).ack_timeout_s
    if page.acknowledged_at is None or page.state is PageState.RESOLVED or not timeout_s:
        return None
    if page.retriggers >= RETRIGGERS_MAX:
        return None
    return page.acknowledged_at + timedelta(seconds=timeout_s)


def _called_at(page: Page, at: datetime, directory: Directory) -> tuple[PersonId, ...]:
    ladder = directory.ladder_of(page, at)
    if page.state is PageState.ACKNOWLEDGED:
        _, effects = step(page, AckExpired(page.epoch, ladder), at)
    elif page.state is PageState.SNOOZED:
        _, effects = step(page, SnoozeOver(page.epoch, ladder), at)
    elif page.state is PageState.HELD:
        _, effects = step(page, OpeningDue(page.epoch, ladder), at)
    elif page.catch:
        _, effects = step(page, CatchDue(page.epoch, ladder), at)
    else:
        _, effects = step(page, StepDue(page.epoch, ladder), at)
    called = (one for one in effects if isinstance(one, Escalated | CatchAllCalled))
    return next((one.people for one in called), ())


def _still(page: Page, directory: Directory) -> str:
    if page.state is PageState.ACKNOWLEDGED:
        by = taker(page.acknowledged_by, page.acknowledged_via, directory)
        return f"Acknowledged by {by}"
    if page.state is PageState.RESOLVED:
        return "Over"
    if page.state is PageState.SNOOZED:
        by = f" by {directory.name_of(page.moved_by)}" if page.moved_by else ""
        return f"Snoozed{by}"
    if page.state is PageState.HELD:
        return "Held, low urgency"
    return "Calling now"
