"""Why an incident paged whom it paged, and why nobody else, from the records alone."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.command import reads as command
from tocsin.command.model import Incident, OpenedBy
from tocsin.kernel import timeline
from tocsin.kernel.events import Catalog
from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.timeline import Entry
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.events import NotificationEvent, StepCalled, StepSkipped
from tocsin.oncall.model import NotificationState, Page, PageState
from tocsin.oncall.reads import NotificationRow
from tocsin.triage import reads as triage
from tocsin.web.askers import askers
from tocsin.web.forecasts import forecast

RECORDS_MAX = 500
MISSING = {
    "unknown_person": "somebody who is gone",
    "unknown_schedule": "a schedule that is gone",
    "broken_schedule": "a schedule that cannot be read",
    "nobody_on_call": "a schedule with nobody on call then",
    "inactive": "somebody who is not active",
    "no_method": "somebody without a contact method",
    "empty_team": "a team without members",
    "quiet_hours": "somebody with quiet hours",
}


class Because(Struct, frozen=True):
    """One thing that was decided, and why."""

    at: datetime
    words: str


class PageExplained(Struct, frozen=True, kw_only=True):
    """One page: what became of it, what was decided for it in order, and what comes next."""

    id: UUID
    policy: str
    state: str
    urgency: str
    verdict: str
    because: tuple[Because, ...]
    next_at: datetime | None
    next_words: str


class Explained(Struct, frozen=True, kw_only=True):
    """An incident; `sorted_by` is how its first alert was judged, stage by stage."""

    reference: str
    title: str
    verdict: str
    sorted_by: tuple[str, ...]
    pages: tuple[PageExplained, ...]


async def explain(unit: Unit, catalog: Catalog, incident: Incident) -> Explained:
    """Say why an incident that the asker was shown paged whom it paged, or nobody."""
    directory = await oncall.directory(unit)
    pages = (await oncall.pages_of(unit, [incident.id])).get(incident.id, [])
    told = await oncall.notifications_of(unit, [page.id for page in pages])
    waiting = await oncall.waiting_for(unit, pages)
    groups = (await command.groups_of(unit, [incident.id])).get(incident.id, [])
    alerts = await triage.alerts_of(unit, groups, limit=1)
    reasons = tuple(alerts[0].reasons) if alerts else ()
    found = []
    for page in pages:
        entries = await timeline.about(
            unit, [page.id], catalog=catalog, name=directory.name_of,
            asker=await askers(unit), limit=RECORDS_MAX,
        )  # fmt: skip
        rows = [one for one in told if one.page_id == page.id]
        found.append(_page(page, reversed(entries), rows, waiting.get(page.id, ()), directory))
    return Explained(
        reference=incident.reference,
        title=incident.title,
        verdict=_verdict(incident, pages, told, directory),
        sorted_by=reasons,
        pages=tuple(found),
    )


def _verdict(
    incident: Incident,
    pages: Sequence[Page],
    told: Sequence[NotificationRow],
    directory: Directory,
) -> str:
    if pages:
        names = _reached(told, directory)
        return f"It has paged {names}." if names else "It has pages, and nobody was told yet."
    if incident.merged_into is not None:
        return "It pages nobody: it is a part of another incident, which does."
    if incident.urgency is Urgency.LOW:
        return (
            "It pages nobody: it is of low urgency, and no route of low urgency that took its"
            " alerts names a policy."
        )
    if incident.opened_by is OpenedBy.PERSON:
        return "It pages nobody: whoever declared it named no escalation policy."
    return "It has paged nobody."


def _reached(told: Iterable[NotificationRow], directory: Directory) -> str:
    sent = [one for one in told if one.state is NotificationState.SENT]
    names = dict.fromkeys(f"{directory.name_of(one.person_id)} by {one.kind}" for one in sent)
    return ", ".join(names)


def _page(
    page: Page,
    entries: Iterable[Entry],
    told: Sequence[NotificationRow],
    waiting: Sequence[tuple[str, datetime]],
    directory: Directory,
) -> PageExplained:
    ahead = forecast(page, waiting, directory)
    rows = {one.id: one for one in told}
    return PageExplained(
        id=page.id,
        policy=directory.policy_of(page).name,
        state=page.state,
        urgency=page.urgency,
        verdict=_page_verdict(page, told, directory),
        because=tuple(
            Because(entry.at, words)
            for entry in entries
            for words in _words(entry, rows, directory)
        ),
        next_at=ahead.at,
        next_words=ahead.words,
    )


def _page_verdict(page: Page, told: Sequence[NotificationRow], directory: Directory) -> str:
    names = _reached(told, directory)
    if page.state is PageState.HELD and not names:
        return "Nobody was told yet: it is of low urgency, and its hours have not come."
    if page.unpageable and page.is_open:
        return f"UNPAGEABLE: told {names}, and nobody answers." if names else "UNPAGEABLE."
    if not names:
        return "Nobody was told."
    return f"Told: {names}."


def _words(
    entry: Entry, rows: dict[UUID, NotificationRow], directory: Directory
) -> Iterator[str]:
    event = entry.event
    match event:
        case StepCalled():
            yield entry.sentence + _by_shift(event, directory)
            if event.missing:
                yield f"Step {event.step + 1} does not reach {_missing(event.missing)}"
            yield f"Unless somebody answers, it goes on at {event.next_at:%Y-%m-%d %H:%M} UTC"
        case StepSkipped() if event.reasons:
            where = f"Step {event.step + 1}" if event.step >= 0 else "The catch-all"
            yield f"{where} was passed over: it names {_missing(event.reasons)}"
        case NotificationEvent():
            yield entry.sentence + _by_rule(rows.get(event.notification_id))
        case _:
            yield entry.sentence


def _by_shift(event: StepCalled, directory: Directory) -> str:
    """Say for each person which schedule's shift brought them."""
    found = []
    for person_id, schedule_id in zip(event.people, event.schedules, strict=False):
        schedule = directory.schedules.get(ScheduleId(schedule_id)) if schedule_id else None
        if schedule_id is not None:
            name = schedule.name if schedule else "a schedule that is gone"
            found.append(f"{directory.name_of(person_id)} was on call for {name}")
    return f"; {', '.join(found)}" if found else ""


def _by_rule(row: NotificationRow | None) -> str:
    if row is None:
        return ""
    if row.bundle is not None:
        return ", as one message with others to the same phone"
    if row.due_at is not None:
        return f", by rule {row.rule + 1} of theirs, due at {row.due_at:%H:%M:%S} UTC"
    return ""


def _missing(reasons: Sequence[str]) -> str:
    return ", ".join(MISSING.get(one, one.replace("_", " ")) for one in dict.fromkeys(reasons))
