"""Pages and their messages as screens show them, addresses masked. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import masked, unquoted
from tocsin.oncall.core.receipt import AttemptState, state_of
from tocsin.oncall.model import NotificationState, Page
from tocsin.oncall.reads import AttemptRow, NotificationRow
from tocsin.web.forecasts import Forecast, forecast


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


def _reached(one: NotificationRow, attempt: AttemptRow | None) -> str:
    """Say how far a message got that was sent: receipts tell more than the provider's answer."""
    if attempt is None or one.state is not NotificationState.SENT:
        return one.state
    return state_of(attempt.trail)


def _trouble(attempt: AttemptRow) -> str:
    if state_of(attempt.trail) is AttemptState.FAILED:
        return attempt.error or attempt.receipt
    return attempt.error


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
            state="retrying" if is_again else _reached(one, attempt),
            attempts=one.attempt_count,
            last_error=unquoted(_trouble(attempt), method) if attempt else "",
            at=attempt.started_at if attempt else one.queued_at,
        )
