"""Groups of alerts, and one alert with all that became of it, as screens show them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Page, PageState
from tocsin.triage.model import Alert, AlertState, GroupState
from tocsin.triage.reads import GroupRow
from tocsin.web.pages.list_views import AlertView, alert_views
from tocsin.web.takers import taker


class GroupView(Struct, frozen=True, kw_only=True):
    """One group in the list, with the alerts that are shown of it."""

    id: UUID
    title: str
    state: str
    tone: str
    count_words: str
    summary: str
    labels: tuple[tuple[str, str], ...]
    opened_at: datetime
    paged_words: str
    incident_number: str | None
    restricted: bool
    storm: bool
    alerts: tuple[AlertView, ...]
    more_count: int


class Word(Struct, frozen=True):
    """A name and a text, and where it leads if it is an address that is safe to follow."""

    name: str
    text: str
    url: str | None


class AlertDetail(Struct, frozen=True, kw_only=True):
    """One alert, whole."""

    id: UUID
    name: str
    state: str
    summary: str
    urgency: str
    integration: str
    starts_at: datetime
    ends_at: datetime
    heard_at: datetime
    held_until: datetime | None
    seen_count: int
    fired_count: int
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[Word, ...]
    source: Word
    reasons: tuple[tuple[str, str], ...]
    can_resolve: bool


def group_views(
    rows: Sequence[tuple[GroupRow, Sequence[Alert]]],
    *,
    pages: Mapping[UUID, Sequence[Page]],
    directory: Directory,
) -> list[GroupView]:
    """Show groups in the order given."""
    return [
        _group(row, alerts, pages.get(row.incident_id or row.id, ()), directory)
        for row, alerts in rows
    ]


def _group(
    row: GroupRow, alerts: Sequence[Alert], pages: Sequence[Page], directory: Directory
) -> GroupView:
    firing = row.state in (GroupState.WAITING, GroupState.ACTIVE) and row.firing_count > 0
    urgent = row.urgency is Urgency.HIGH
    total = max(row.alert_count, len(alerts))
    shown = alert_views(alerts)
    return GroupView(
        id=row.id,
        title=row.title or "Waiting for its first alerts",
        state="firing" if firing else "resolved",
        tone=("crit" if urgent else "warn") if firing else "ok",
        count_words=_counted(row.firing_count, total),
        summary=shown[0].summary if shown else "",
        labels=tuple(row.labels.items()),
        opened_at=row.opened_at,
        paged_words=paged_words(pages, directory, urgent=urgent, waits_until=_wait(row)),
        incident_number=f"INC-{row.incident_number}" if row.incident_number else None,
        restricted=row.restricted,
        storm=row.storm,
        alerts=tuple(shown),
        more_count=max(0, total - len(alerts)),
    )


def _counted(firing: int, total: int) -> str:
    noun = "alert" if total == 1 else "alerts"
    return f"{total} {noun}" if firing in (0, total) else f"{firing} of {total} {noun}"


def _wait(row: GroupRow) -> datetime | None:
    return row.due_at if row.state is GroupState.WAITING else None


def paged_words(
    pages: Sequence[Page], directory: Directory, *, urgent: bool, waits_until: datetime | None
) -> str:
    """Say whom a group has called, and who has it."""
    if waits_until is not None:
        return f"calls at {waits_until:%H:%M}, unless it ends before"
    if any(page.is_open and page.unpageable for page in pages):
        return "UNPAGEABLE, nobody answers"
    if any(page.is_open for page in pages):
        return "calling now"
    taken = [page for page in pages if page.state is PageState.ACKNOWLEDGED]
    if taken:
        last = taken[-1]
        by = taker(last.acknowledged_by, last.acknowledged_via, directory)
        return f"acknowledged by {by}"
    if pages:
        return "paged, and over"
    return "paged nobody" if urgent else "low urgency, pages nobody"


def alert_detail(alert: Alert, *, can_resolve: bool) -> AlertDetail:
    """Show one alert; what its sender wrote is text, and a link only where it is one."""
    [shown] = alert_views([alert])
    return AlertDetail(
        id=alert.id,
        name=shown.name,
        state=alert.state,
        summary=shown.summary,
        urgency=alert.urgency,
        integration=alert.integration,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        heard_at=alert.updated_at,
        held_until=alert.held_until,
        seen_count=alert.seen_count,
        fired_count=alert.fired_count,
        labels=shown.labels,
        annotations=tuple(_words(sorted(alert.annotations.items()))),
        source=_word("source", alert.source_url),
        reasons=tuple(map(_reason, alert.reasons)),
        can_resolve=can_resolve and alert.state is AlertState.FIRING,
    )


def _words(pairs: Iterable[tuple[str, str]]) -> Iterable[Word]:
    return (_word(name, text) for name, text in pairs)


def _word(name: str, text: str) -> Word:
    is_link = text.startswith(("https://", "http://")) and not any(c.isspace() for c in text)
    return Word(name, text, text if is_link else None)


def _reason(text: str) -> tuple[str, str]:
    stage, _, decision = text.partition(": ")
    return (stage, decision) if decision else ("", text)
