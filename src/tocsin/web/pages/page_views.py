"""Pages and their messages as screens show them, addresses masked. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.kernel.jobs import name_of
from tocsin.oncall.actions import PageTimer
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import masked, unquoted
from tocsin.oncall.core.effects import CatchAllCalled, Escalated
from tocsin.oncall.core.inputs import AckExpired, CatchDue, StepDue
from tocsin.oncall.core.page import RETRIGGERS_MAX, step
from tocsin.oncall.model import NotificationState, Page, PageState
from tocsin.oncall.reads import AttemptRow, NotificationRow
from tocsin.web.takers import taker

TIMER = name_of(PageTimer)


class Forecast(Struct, frozen=True, kw_only=True):
    """What a page waits for: `is_call` tells an escalation from a reminder."""

    at: datetime | None
    people: str
    words: str
    is_call: bool


class TryView(Struct, frozen=True, kw_only=True):
    """One message to one person by one method."""

    person: str
    method: str
    address_masked: str
    state: str
    attempts: int
    last_error: str
    at: datetime


class PageView(Struct, frozen=True, kw_only=True):
    """One escalation run with all its messages."""

    id: UUID
    state: str
    policy: str
    step_words: str
    next_at: datetime | None
    next_words: str
    notifications: tuple[TryView, ...]


def forecast(
    page: Page, waiting: Sequence[tuple[str, datetime]], directory: Directory
) -> Forecast:
    """Say what happens next if nobody does anything, by asking the page machine itself."""
    at = _due_at(page, waiting, directory)
    if at is None:
        return Forecast(at=None, people="", words=_still(page, directory), is_call=False)
    people = ", ".join(directory.name_of(one) for one in _called_at(page, at, directory))
    if page.state is PageState.ACKNOWLEDGED:
        words = f"{_still(page, directory)}. Unless it is resolved, pages {people or 'nobody'} again"
        return Forecast(at=at, people=people, words=words, is_call=False)
    words = f"Next: {people}" if people else "Next: nobody can be reached"
    return Forecast(at=at, people=people, words=words, is_call=True)


def _due_at(
    page: Page, waiting: Sequence[tuple[str, datetime]], directory: Directory
) -> datetime | None:
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
    return "Calling now"


def page_views(
    pages: Sequence[Page],
    notifications: Sequence[NotificationRow],
    attempts: Sequence[AttemptRow],
    *,
    waiting: dict[UUID, list[tuple[str, datetime]]],
    directory: Directory,
) -> list[PageView]:
    """Show pages, newest first, each with its messages, newest first."""
    last = {attempt.notification_id: attempt for attempt in attempts}
    return [
        _page_view(
            page,
            tuple(_tries(page, notifications, last, directory)),
            forecast(page, waiting.get(page.id, ()), directory),
            directory,
        )
        for page in reversed(pages)
    ]


def _page_view(
    page: Page, tries: tuple[TryView, ...], ahead: Forecast, directory: Directory
) -> PageView:
    policy = directory.policy_of(page)
    return PageView(
        id=page.id,
        state="unpageable" if page.unpageable and page.is_open else page.state,
        policy=policy.name or _asked(page, directory),
        step_words=step_words(page, len(policy.steps), policy.repeat),
        next_at=ahead.at,
        next_words=ahead.words,
        notifications=tries,
    )


def _asked(page: Page, directory: Directory) -> str:
    if page.asked_person is None:
        return "no policy"
    return f"{directory.name_of(page.asked_person)}, asked for"


def step_words(page: Page, step_count: int, repeat: int) -> str:
    """Say how far a page has climbed."""
    if page.catch:
        return f"catch-all, call {page.catch}"
    if page.step < 0:
        return "not called yet"
    round_ = f", round {page.loop + 1} of {repeat + 1}" if repeat else ""
    return f"step {page.step + 1} of {max(step_count, page.step + 1)}{round_}"


def _tries(
    page: Page,
    notifications: Sequence[NotificationRow],
    last: dict[UUID, AttemptRow],
    directory: Directory,
) -> Iterator[TryView]:
    for one in reversed(notifications):
        if one.page_id != page.id:
            continue
        attempt = last.get(one.id)
        person = directory.people.get(PersonId(one.person_id))
        methods = person.methods if person else ()
        method = methods[one.method] if one.method < len(methods) else None
        is_again = one.state is NotificationState.QUEUED and one.attempt_count
        yield TryView(
            person=directory.name_of(one.person_id),
            method=one.kind,
            address_masked=masked(method),
            state="retrying" if is_again else one.state,
            attempts=one.attempt_count,
            last_error=unquoted(attempt.error, method) if attempt else "",
            at=attempt.started_at if attempt else one.queued_at,
        )
