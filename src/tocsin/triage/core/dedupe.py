"""Decide what a signal says about the alert that is known under its key, and fold it in."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec.structs import replace

from tocsin.triage.model import Alert, AlertState, Observed

CLOCKS_AGREE_WITHIN = timedelta(seconds=5)
"""The lane keeps the order in which signals came; instants of several nodes differ a little."""


class Verdict(StrEnum):
    """What one signal meant; also the label of the metric that counts them."""

    NEW = "new"
    ARRIVED_RESOLVED = "arrived_resolved"
    REPEAT = "repeat"
    RESOLVED = "resolved"
    REFIRED = "refired"
    STILL_RESOLVED = "still_resolved"
    LATE = "late"
    EXPIRED = "expired"


REASONS: dict[Verdict, str] = {
    Verdict.NEW: "dedupe: new",
    Verdict.ARRIVED_RESOLVED: "dedupe: arrived resolved",
    Verdict.RESOLVED: "dedupe: resolved by the sender",
    Verdict.REFIRED: "dedupe: fires again",
    Verdict.EXPIRED: "resolved: no refresh until ends_at",
}


def judge(alert: Alert | None, seen: Observed) -> Verdict:
    """Say what `seen` means for `alert`, None if the key is unknown.

    A signal is judged at the instant it arrived: one that had to wait in the backlog past
    its own `ends_at` was firing when it was accepted, and somebody must hear of it.
    """
    resolved = seen.ends_at <= seen.received_at
    if alert is None:
        return Verdict.ARRIVED_RESOLVED if resolved else Verdict.NEW
    if seen.received_at < alert.updated_at - CLOCKS_AGREE_WITHIN:
        return Verdict.LATE
    if alert.state is AlertState.FIRING:
        return Verdict.RESOLVED if resolved else Verdict.REPEAT
    return Verdict.STILL_RESOLVED if resolved else Verdict.REFIRED


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
    """End the episode of a firing alert at the instant that the sender names."""
    starts_at = min(alert.starts_at, seen.ends_at)
    return replace(
        alert,
        state=AlertState.RESOLVED,
        annotations=seen.annotations,
        source_url=seen.source_url,
        starts_at=starts_at,
        ends_at=seen.ends_at,
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


def heard(alert: Alert, seen: Observed, verdict: Verdict) -> Alert:
    """Count a signal that changes nothing: a late one, or one more resolve."""
    late = verdict is Verdict.LATE
    return replace(
        alert,
        ends_at=_late_end(alert, seen) if late else alert.ends_at,
        updated_at=alert.updated_at if late else seen.received_at,
        seen_count=alert.seen_count + 1,
    )


def _late_end(alert: Alert, seen: Observed) -> datetime:
    """Let an older signal lengthen a firing alert if the sender had named its end."""
    if alert.state is AlertState.FIRING and not seen.ends_by_timeout:
        return max(alert.ends_at, seen.ends_at)
    return alert.ends_at
