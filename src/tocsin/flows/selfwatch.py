"""Tocsin's own alerts: what goes wrong inside takes the same way as what goes wrong outside."""

import hashlib
from datetime import timedelta

import tocsin.triage.actions as triage
from tocsin.kernel.reactions import ReactionParked, Reactions, may, must
from tocsin.kernel.resources import ScheduledResourcesFailed
from tocsin.kernel.unit import Unit
from tocsin.oncall.events import (
    PathLost,
    PathProven,
    ProviderFailed,
    ProviderRecovered,
    RetriggersSpent,
    WitnessRestored,
)
from tocsin.signals.events import SignalUnsortable
from tocsin.triage.model import Observed

INTEGRATION = "tocsin"
LASTS = timedelta(hours=1)
UNTIL_PROVEN = timedelta(days=366)
"""It is ended by the check that finds the path proven, and by nothing else."""
SOON = timedelta(days=1)


async def alert_about_parked(unit: Unit, event: ReactionParked) -> None:
    """A consequence that failed is somebody's to look at, but wakes nobody."""
    summary = f"{event.reaction} failed; it stands in kernel.parked and is tried again"
    await _raise(unit, "TocsinReactionParked", "warning", summary)


async def alert_about_witness(unit: Unit, event: WitnessRestored) -> None:
    """A page that had been forgotten is a bug of ours, and urgent."""
    summary = f"Page {event.page_id} had no timer; the watchdog has set it going again"
    await _raise(unit, "TocsinPageForgotten", "critical", summary)


async def alert_about_spent(unit: Unit, event: RetriggersSpent) -> None:
    """Nobody is asked about it any more, and it is not over: somebody looks at it."""
    summary = (
        f"Incident {event.incident_id} was acknowledged {event.count} times and not resolved; nobody"
        " is asked about it any more: resolve it, or hand it on"
    )
    await _raise(
        unit, "TocsinIncidentForgotten", "warning", summary, lasts=SOON, page=str(event.page_id)
    )


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


async def alert_about_provider(unit: Unit, event: ProviderFailed) -> None:
    """Pages go by other methods meanwhile, if people have any: somebody looks at it."""
    summary = f"Messages by {event.provider} fail and go by other methods: {event.reason}"
    await _raise(unit, "TocsinProviderDown", "warning", summary, provider=event.provider)


async def end_alert_about_provider(unit: Unit, event: ProviderRecovered) -> None:
    """A provider that takes messages again is nobody's trouble any more."""
    summary = f"Messages by {event.provider} are taken again"
    await _raise(
        unit, "TocsinProviderDown", "warning", summary, is_over=True, provider=event.provider
    )


async def alert_about_path(unit: Unit, event: PathLost) -> None:
    """A night on which nobody can be woken is mended before it comes: at once if it is the next."""
    summary = (
        f"From {event.since:%Y-%m-%d %H:%M} UTC on an alert on {_path(event)} wakes nobody; `tocsin"
        " policy check` says why"
    )
    severity = "critical" if event.since - unit.now < SOON else "warning"
    await _raise(
        unit, "TocsinPathLost", severity, summary, lasts=UNTIL_PROVEN, path=_path(event)
    )  # fmt: skip


async def end_alert_about_path(unit: Unit, event: PathProven) -> None:
    """The path wakes somebody again, or there is no such path any more."""
    await _raise(
        unit, "TocsinPathLost", "warning", "The path wakes somebody again", is_over=True,
        path=_path(event),
    )  # fmt: skip


def _path(event: PathLost | PathProven) -> str:
    return f"route {event.route}" if event.route else f"policy {event.policy}"


async def _raise(
    unit: Unit, name: str, severity: str, summary: str, *, is_over: bool = False,
    lasts: timedelta = LASTS, **more: str,
) -> None:  # fmt: skip
    labels = {"alertname": name, "service": INTEGRATION, "severity": severity, **more}
    text = "/".join((INTEGRATION, name, *more.values()))
    key = hashlib.blake2b(text.encode(), digest_size=16).digest()
    alert = Observed(
        dedup_key=key,
        labels=labels,
        annotations={"summary": summary},
        starts_at=unit.now,
        ends_at=unit.now if is_over else unit.now + lasts,
        ends_by_timeout=not is_over,
        source_url="",
        integration=INTEGRATION,
        received_at=unit.now,
    )
    await triage.sort_observed(unit, [alert])


REACTIONS: Reactions = {
    SignalUnsortable: (must(alert_about_unsortable),),
    ReactionParked: (may(alert_about_parked),),
    ProviderFailed: (may(alert_about_provider),),
    ProviderRecovered: (may(end_alert_about_provider),),
    WitnessRestored: (may(alert_about_witness),),
    RetriggersSpent: (may(alert_about_spent),),
    PathLost: (may(alert_about_path),),
    PathProven: (may(end_alert_about_path),),
    ScheduledResourcesFailed: (may(alert_about_scheduled),),
}
