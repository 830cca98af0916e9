"""Tocsin's own alerts: what goes wrong inside takes the same way as what goes wrong outside."""

import hashlib
from datetime import timedelta

import tocsin.triage.actions as triage
from tocsin.kernel.reactions import ReactionParked, Reactions, may, must
from tocsin.kernel.resources import ScheduledResourcesFailed
from tocsin.kernel.unit import Unit
from tocsin.oncall.events import WitnessRestored
from tocsin.signals.events import SignalUnsortable
from tocsin.triage.model import Observed

INTEGRATION = "tocsin"
LASTS = timedelta(hours=1)


async def alert_about_parked(unit: Unit, event: ReactionParked) -> None:
    """A consequence that failed is somebody's to look at, but wakes nobody."""
    summary = f"{event.reaction} failed; it stands in kernel.parked and is tried again"
    await _raise(unit, "TocsinReactionParked", "warning", summary)


async def alert_about_witness(unit: Unit, event: WitnessRestored) -> None:
    """A page that had been forgotten is a bug of ours, and urgent."""
    summary = f"Page {event.page_id} had no timer; the watchdog has set it going again"
    await _raise(unit, "TocsinPageForgotten", "critical", summary)


async def alert_about_unsortable(unit: Unit, event: SignalUnsortable) -> None:
    """A signal nobody can read may be the one that matters: a person looks at it."""
    summary = f"Receipt {event.receipt_id} ({event.format}) is kept in signals.unsortable"
    await _raise(unit, "TocsinSignalUnsortable", "critical", summary, sender=event.integration)


async def alert_about_scheduled(unit: Unit, event: ScheduledResourcesFailed) -> None:
    """Whoever should be called from now on is not: it cannot wait until somebody looks."""
    summary = (
        f"{len(event.changed)} scheduled changes of the configuration did not come into force;"
        " the resource's page says why, and what was in force still is"
    )
    await _raise(unit, "TocsinConfigurationNotInForce", "critical", summary)


async def _raise(unit: Unit, name: str, severity: str, summary: str, **more: str) -> None:
    labels = {"alertname": name, "service": INTEGRATION, "severity": severity, **more}
    text = "/".join((INTEGRATION, name, *more.values()))
    key = hashlib.blake2b(text.encode(), digest_size=16).digest()
    alert = Observed(
        dedup_key=key,
        labels=labels,
        annotations={"summary": summary},
        starts_at=unit.now,
        ends_at=unit.now + LASTS,
        ends_by_timeout=True,
        source_url="",
        integration=INTEGRATION,
        received_at=unit.now,
    )
    await triage.sort_observed(unit, [alert])


REACTIONS: Reactions = {
    SignalUnsortable: (must(alert_about_unsortable),),
    ReactionParked: (may(alert_about_parked),),
    WitnessRestored: (may(alert_about_witness),),
    ScheduledResourcesFailed: (may(alert_about_scheduled),),
}
