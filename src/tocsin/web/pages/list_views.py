"""Alerts, schedules and health as screens show them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from tocsin.kernel.vocabulary import Labels
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.rotation import Shift
from tocsin.oncall.model import Rotation, RotationUnit
from tocsin.triage.model import Alert, Group
from tocsin.web.services import Readiness

SHIFTS_SHOWN = 5
LAG_SEEN_S = 5.0  # below this a lag is the ordinary breathing of the loops


class AlertView(Struct, frozen=True, kw_only=True):
    """One alert, with why it was treated as it was."""

    name: str
    state: str
    summary: str
    starts_at: datetime
    labels: tuple[tuple[str, str], ...]
    why: tuple[str, ...]
    group: str
    incident_url: str | None
    incident_number: str | None


class Duty(Struct, frozen=True, kw_only=True):
    """Who is on call for one schedule."""

    schedule: str
    person: str | None
    until: datetime | None


class ShiftView(Struct, frozen=True, kw_only=True):
    """One turn, in the schedule's zone."""

    person: str
    start_at: datetime
    end_at: datetime


class ScheduleView(Struct, frozen=True, kw_only=True):
    """One schedule with its next turns, in its own zone."""

    name: str
    zone: str
    now_person: str | None
    until: datetime | None
    next_person: str | None
    shifts: tuple[ShiftView, ...]


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
                name=alert_name(alert.labels),
                state=alert.state,
                summary=alert.annotations.get("summary")
                or alert.annotations.get("description", ""),
                starts_at=alert.starts_at,
                labels=tuple(sorted(alert.labels.items())),
                why=alert.reasons,
                group=titles.get(alert.group_id, "none") if alert.group_id else "none",
                incident_url=f"/incidents/{number}" if number else None,
                incident_number=number,
            )
        )
    return found


def alert_name(labels: Labels) -> str:
    """Return what people call an alert."""
    return labels.get("alertname") or next(iter(labels.values()), "unnamed")


def duties(
    on_call: Sequence[tuple[Rotation, Shift | None]], directory: Directory
) -> list[Duty]:
    """Say who is on call, schedule by schedule, in UTC."""
    return [
        Duty(
            schedule=rotation.name,
            person=directory.name_of(shift.person_id) if shift else None,
            until=shift.end_at.astimezone(UTC) if shift else None,
        )
        for rotation, shift in on_call
    ]


def horizon(rotation: Rotation, now: datetime) -> datetime:
    """Return an instant by which SHIFTS_SHOWN turns have begun."""
    days = 7 if rotation.unit is RotationUnit.WEEK else 1
    return now + timedelta(days=days * rotation.length * SHIFTS_SHOWN)


def schedule_view(
    rotation: Rotation, shift: Shift | None, shifts: Sequence[Shift], directory: Directory
) -> ScheduleView:
    """Show one schedule; `shifts` begin with the present one, if there is one."""
    zone = ZoneInfo(rotation.zone)
    turns = tuple(
        ShiftView(
            person=directory.name_of(one.person_id),
            start_at=one.start_at.astimezone(zone),
            end_at=one.end_at.astimezone(zone),
        )
        for one in shifts[:SHIFTS_SHOWN]
    )
    coming = turns[1:] if shift else turns
    until = turns[0].end_at if shift else (turns[0].start_at if turns else None)
    return ScheduleView(
        name=rotation.name,
        zone=rotation.zone,
        now_person=directory.name_of(shift.person_id) if shift else None,
        until=until if turns else None,
        next_person=coming[0].person if coming else None,
        shifts=turns,
    )


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
