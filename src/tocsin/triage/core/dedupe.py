"""Decide what a signal says about the alert that is known under its key, and fold it in."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec.structs import replace

from tocsin.triage.model import NO_END, Alert, AlertState, Observed

CLOCKS_AGREE_WITHIN = timedelta(seconds=5)
"""The lane keeps the order in which signals came; instants of several nodes differ a little."""

NO_TIME = timedelta(0)
"""What has waited may have been overtaken, by seconds, by one that another integration sent."""


class Verdict(StrEnum):
    """What one signal meant; also the label of the metric that counts them."""

    NEW = "new"
    ARRIVED_RESOLVED = "arrived_resolved"
    REPEAT = "repeat"
    RESOLVED = "resolved"
    REFIRED = "refired"
    STILL_RESOLVED = "still_resolved"
    HELD = "held"
    BY_HAND = "by_hand"
    LATE = "late"
    EXPIRED = "expired"
    ACKNOWLEDGED = "acknowledged"
    UNKNOWN = "unknown"  # it speaks of an alert that is not firing, or of none at all


REASONS: dict[Verdict, str] = {
    Verdict.NEW: "dedupe: new",
    Verdict.ARRIVED_RESOLVED: "dedupe: arrived resolved",
    Verdict.RESOLVED: "dedupe: resolved by the sender",
    Verdict.REFIRED: "dedupe: fires again",
    Verdict.BY_HAND: "resolved: by hand, until it fires anew",
    Verdict.EXPIRED: "resolved: no refresh until ends_at",
}


def judge(alert: Alert | None, seen: Observed) -> Verdict:
    """Say what `seen` means for `alert`, None if the key is unknown.

    A signal is judged at the instant it arrived: one that had to wait in the backlog past
    its own `ends_at` was firing when it was accepted, and somebody must hear of it.
    """
    if seen.acknowledges:
        fires = alert is not None and alert.state is AlertState.FIRING
        return Verdict.ACKNOWLEDGED if fires else Verdict.UNKNOWN
    return _judge_span(alert, seen)


def _judge_span(alert: Alert | None, seen: Observed) -> Verdict:
    resolved = seen.ends_at <= seen.received_at
    if alert is None and seen.only_ends:
        return Verdict.UNKNOWN
    if alert is None:
        return Verdict.ARRIVED_RESOLVED if resolved else Verdict.NEW
    if seen.received_at < alert.updated_at - (NO_TIME if seen.waited else CLOCKS_AGREE_WITHIN):
        return Verdict.LATE
    if alert.state is AlertState.FIRING:
        return Verdict.RESOLVED if resolved else Verdict.REPEAT
    return _judge_resolved(alert, seen, resolved=resolved)


def _judge_resolved(alert: Alert, seen: Observed, *, resolved: bool) -> Verdict:
    if resolved:
        return Verdict.STILL_RESOLVED
    return Verdict.HELD if _is_held(alert, seen) else Verdict.REFIRED


def _is_held(alert: Alert, seen: Observed) -> bool:
    """Say whether `seen` is one more word of the episode that somebody has resolved by hand.

    It is a new episode when the sender has fallen silent for longer than it said, or names a
    start after that resolve. A sender that names no start gets the instant of arrival; if it
    names no end either it does not repeat itself, and each word of it is news.
    """
    if alert.held_until is None or seen.received_at > alert.held_until:
        return False
    names_start = seen.starts_at != seen.received_at
    return seen.starts_at <= alert.ends_at if names_start else seen.ends_at < NO_END


def refreshed(alert: Alert, seen: Observed) -> Alert:
    """Fold a repeat into a firing alert, by the merge rules of Alertmanager's API v2.

    The newest signal rules, but the earliest start is kept while the spans overlap, and an
    end that the sender named is not shortened, least of all by one that we assumed.
    """
    starts_at = seen.starts_at
    if alert.starts_at < starts_at <= alert.ends_at:
        starts_at = alert.starts_at
    ends_at, ends_by_timeout = seen.ends_at, seen.ends_by_timeout
    if alert.ends_at > ends_at and not alert.ends_by_timeout:
        ends_at, ends_by_timeout = alert.ends_at, False
    return replace(
        alert,
        annotations=seen.annotations,
        source_url=seen.source_url,
        starts_at=starts_at,
        ends_at=ends_at,
        ends_by_timeout=ends_by_timeout,
        updated_at=seen.received_at,
        seen_count=alert.seen_count + 1,
    )


def resolved(alert: Alert, seen: Observed) -> Alert:
    """End the episode of a firing alert at the instant that the sender names.

    Nothing ends before it began: a sender that names an earlier end has another clock, or none.
    """
    return replace(
        alert,
        state=AlertState.RESOLVED,
        annotations=alert.annotations if seen.only_ends else seen.annotations,
        source_url=alert.source_url if seen.only_ends else seen.source_url,
        ends_at=max(alert.starts_at, seen.ends_at),
        ends_by_timeout=seen.ends_by_timeout,
        updated_at=seen.received_at,
        seen_count=alert.seen_count + 1,
        reasons=(REASONS[Verdict.RESOLVED], *alert.reasons[1:]),
    )


def expired(alert: Alert) -> Alert:
    """End the episode of an alert that was not refreshed; `ends_at` stays what it was."""
    return replace(
        alert,
        state=AlertState.RESOLVED,
        reasons=(REASONS[Verdict.EXPIRED], *alert.reasons[1:]),
    )


def resolved_by_hand(alert: Alert, now: datetime) -> Alert:
    """End the episode on a person's word, and hold it there as long as the sender repeats it."""
    return replace(
        alert,
        state=AlertState.RESOLVED,
        starts_at=min(alert.starts_at, now),
        ends_at=now,
        reasons=(REASONS[Verdict.BY_HAND], *alert.reasons[1:]),
        held_until=alert.ends_at,
    )


def heard(alert: Alert, seen: Observed, verdict: Verdict) -> Alert:
    """Count a signal that changes nothing: a late one, one more resolve, one that is held."""
    late = verdict is Verdict.LATE
    return replace(
        alert,
        held_until=_held_until(alert, seen, verdict),
        ends_at=_late_end(alert, seen) if late else alert.ends_at,
        updated_at=alert.updated_at if late else seen.received_at,
        seen_count=alert.seen_count + 1,
    )


def _held_until(alert: Alert, seen: Observed, verdict: Verdict) -> datetime | None:
    """Hold on while the sender repeats itself; its own resolve ends the episode for good."""
    if verdict is Verdict.HELD and alert.held_until is not None:
        return max(alert.held_until, seen.ends_at)
    return None if verdict is Verdict.STILL_RESOLVED else alert.held_until


def _late_end(alert: Alert, seen: Observed) -> datetime:
    """Let an older signal lengthen a firing alert if the sender had named its end."""
    if alert.state is AlertState.FIRING and not seen.ends_by_timeout:
        return max(alert.ends_at, seen.ends_at)
    return alert.ends_at
