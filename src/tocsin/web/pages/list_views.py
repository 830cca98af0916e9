"""Alerts, schedules and health as screens show them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.vocabulary import Labels
from tocsin.oncall.core.config import Directory
from tocsin.oncall.reads import SlotNow
from tocsin.triage.model import Alert, Group
from tocsin.web.services import Readiness

LAG_SEEN_S = 5.0  # below this a lag is the ordinary breathing of the loops


class AlertView(Struct, frozen=True, kw_only=True):
    """One alert, with why it was treated as it was."""

    id: UUID
    name: str
    state: str
    summary: str
    starts_at: datetime
    labels: tuple[tuple[str, str], ...]
    why: tuple[str, ...]
    group: str
    incident_number: str | None


class Duty(Struct, frozen=True, kw_only=True):
    """Who is on call for one schedule."""

    schedule: str
    person: str | None
    until: datetime | None


class Fact(Struct, frozen=True, kw_only=True):
    """One line of Tocsin's own health."""

    label: str
    value: str
    tone: str


def alert_views(
    alerts: Sequence[Alert],
    *,
    groups: Sequence[Group] = (),
    incidents: Mapping[UUID, tuple[UUID, int]] | None = None,
) -> list[AlertView]:
    """Show alerts in the order given."""
    titles = {group.id: group.title for group in groups}
    known = incidents or {}
    found = []
    for alert in alerts:
        incident = known.get(alert.group_id) if alert.group_id else None
        number = f"INC-{incident[1]}" if incident else None
        found.append(
            AlertView(
                id=alert.id,
                name=alert_name(alert.labels),
                state=alert.state,
                summary=alert.annotations.get("summary")
                or alert.annotations.get("description", ""),
                starts_at=alert.starts_at,
                labels=tuple(sorted(alert.labels.items())),
                why=alert.reasons,
                group=titles.get(alert.group_id, "none") if alert.group_id else "none",
                incident_number=number,
            )
        )
    return found


def alert_name(labels: Labels) -> str:
    """Return what people call an alert."""
    return labels.get("alertname") or next(iter(labels.values()), "unnamed")


def duties(on_call: Sequence[SlotNow], directory: Directory) -> list[Duty]:
    """Say who is on call, schedule by schedule, in UTC."""
    return [
        Duty(
            schedule=one.name,
            person=directory.names_of(one.shift.people) if one.shift else None,
            until=one.shift.end_at.astimezone(UTC) if one.shift else None,
        )
        for one in on_call
    ]


def health(ready: Readiness) -> list[Fact]:
    """Say how Tocsin itself is; what is wrong comes first."""
    verdict = ("yes", "ok") if ready.ready else ("no", "crit")
    return [
        Fact(label="Takes alerts and pages", value=verdict[0], tone=verdict[1]),
        *(Fact(label="Problem", value=problem, tone="crit") for problem in ready.problems),
        *(Fact(label="Warning", value=warning, tone="warn") for warning in ready.warnings),
        _lag("Oldest unsorted signal", ready.sort_lag_s),
        _lag("Oldest late timer", ready.due_lag_s),
        _lag("Oldest unsealed record", ready.unsealed_s),
    ]


def _lag(label: str, lag_s: float) -> Fact:
    if lag_s < LAG_SEEN_S:
        return Fact(label=label, value="none", tone="ok")
    return Fact(label=label, value=f"{lag_s:.0f} s", tone="warn")
