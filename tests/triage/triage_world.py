"""A pond: triage's state held in memory, so that batches can follow each other in a test."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from msgspec.structs import replace

from tocsin.kernel.ids import GroupId
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core import sort as core
from tocsin.triage.core.lifecycle import group_due
from tocsin.triage.core.outcomes import GroupNeedsPage, GroupRefired, Outcome, Sorted
from tocsin.triage.model import (
    Alert,
    AlertState,
    Group,
    GroupState,
    Observed,
    Routing,
    State,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def key_of(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()


def observed(
    name: str,
    *,
    at: datetime = NOON,
    lasts_s: int = 240,
    resolved: bool = False,
    ends_by_timeout: bool = False,
    integration: str = "prometheus",
    summary: str | None = None,
    service: str = "checkout",
    **labels: str,
) -> Observed:
    """Return a signal whose dedup key is made of its name alone."""
    return Observed(
        dedup_key=key_of(name),
        labels={"alertname": name, "service": service, **labels},
        annotations={"summary": summary or f"{name} is on"},
        starts_at=at,
        ends_at=at if resolved else at + timedelta(seconds=lasts_s),
        ends_by_timeout=ends_by_timeout,
        source_url="https://prometheus.example/graph",
        integration=integration,
        received_at=at,
    )


class Pond:
    """Applies what the core returns, as the store would, and refuses what a store would."""

    def __init__(self, config: Routing | None = None) -> None:
        self.config = config or Routing()
        self.now = NOON
        self.alerts: dict[bytes, Alert] = {}
        self.groups: dict[GroupId, Group] = {}
        self.outcomes: list[Outcome] = []
        self.made_count = 0

    def forward(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def moved(self, seen: Observed) -> Observed:
        """Return `seen` as if it had been sent now instead of at noon."""
        shift = self.now - NOON
        return replace(
            seen,
            starts_at=seen.starts_at + shift,
            ends_at=seen.ends_at + shift,
            received_at=seen.received_at + shift,
        )

    def new_id(self) -> UUID:
        self.made_count += 1
        return UUID(int=self.made_count)

    def state(self, observed: Sequence[Observed]) -> State:
        """Load what a store would load, and not more."""
        alerts = {
            seen.dedup_key: self.alerts[seen.dedup_key]
            for seen in observed
            if seen.dedup_key in self.alerts
        }
        open_groups = {g.key: g for g in self.groups.values() if g.state != GroupState.ENDED}
        keys = core.wanted_group_keys(observed, self.config)
        opened: dict[str, int] = {}
        for group in self.groups.values():
            if not group.storm and group.opened_at > self.now - timedelta(seconds=60):
                opened[group.integration] = opened.get(group.integration, 0) + 1
        return State(
            alerts=alerts,
            groups={key: open_groups[key] for key in keys if key in open_groups},
            groups_by_id={
                a.group_id: self.groups[a.group_id] for a in alerts.values() if a.group_id
            },
            opened_last_minute=opened,
        )

    def sort(self, observed: Sequence[Observed]) -> Sorted:
        result = core.sort(self.state(observed), observed, self.config, self.now, self.new_id)
        self._save(result)
        return result

    def expire(self) -> Sorted:
        due = [
            alert
            for alert in self.alerts.values()
            if alert.state is AlertState.FIRING and alert.ends_at <= self.now
        ]
        state = State(alerts={}, groups={}, groups_by_id=self.groups, opened_last_minute={})
        result = core.expire(state, due, self.now)
        self._save(result)
        return result

    def due(self) -> Outcome | None:
        """Call the timer of the only group that has not ended."""
        group, outcomes = group_due(self.group(), self.config, self.now)
        self.groups[group.id] = group
        self.outcomes += outcomes
        return outcomes[0] if outcomes else None

    def all_due(self) -> None:
        for group in [*self.groups.values()]:
            self.groups[group.id], outcomes = group_due(group, self.config, self.now)
            self.outcomes += outcomes

    def alert(self, name: str) -> Alert:
        return self.alerts[key_of(name)]

    def group(self) -> Group:
        [group] = [g for g in self.groups.values() if g.state is not GroupState.ENDED]
        return group

    def woken(self) -> set[str]:
        """Name the services somebody was woken for."""
        return {
            outcome.group.labels["service"]
            for outcome in self.outcomes
            if isinstance(outcome, GroupNeedsPage | GroupRefired)
            and outcome.group.urgency is Urgency.HIGH
        }

    def picture(self) -> object:
        """Return everything that must not hang on how batches were cut: no ids, no telling."""
        keys = {group.id: group.key for group in self.groups.values()}
        alerts = {
            alert.dedup_key: replace(
                alert, id=UUID(int=0), group_id=alert.group_id and keys[alert.group_id]
            )
            for alert in self.alerts.values()
        }
        groups = {
            (group.key, group.opened_at): replace(
                group, id=UUID(int=0), noted_count=0, due_at=None, title="", summary=""
            )
            for group in self.groups.values()
        }
        return alerts, groups

    def check(self) -> None:
        """Assert what must hold between any two batches."""
        keys = [g.key for g in self.groups.values() if g.state is not GroupState.ENDED]
        assert len(keys) == len(set(keys))
        for group in self.groups.values():
            stand = [a for a in self.alerts.values() if a.group_id == group.id]
            firing = [a for a in stand if a.state is AlertState.FIRING]
            assert group.firing_count == len(firing)
            assert group.alert_count >= len(stand)
            assert group.noted_count <= group.alert_count
            assert bool(firing) or group.state is not GroupState.ACTIVE
            assert not firing or group.state in (GroupState.ACTIVE, GroupState.WAITING)
            assert (group.state is GroupState.CLEARED) <= (group.cleared_at is not None)
            assert group.state is not GroupState.WAITING or group.due_at is not None
            untold = group.state is GroupState.ACTIVE and group.noted_count < group.alert_count
            assert not untold or group.due_at is not None

    def _save(self, result: Sorted) -> None:
        for alert in result.alerts_new:
            assert alert.dedup_key not in self.alerts
            self.alerts[alert.dedup_key] = alert
        by_id = {alert.id: alert for alert in self.alerts.values()}
        for alert in result.alerts_changed:
            assert alert.id in by_id
            self.alerts[alert.dedup_key] = alert
        for refresh in result.alerts_refreshed:
            alert = by_id[refresh.id]
            self.alerts[alert.dedup_key] = replace(
                alert,
                ends_at=refresh.ends_at,
                ends_by_timeout=refresh.ends_by_timeout,
                updated_at=refresh.updated_at,
                seen_count=alert.seen_count + refresh.seen_add,
                annotations=refresh.annotations or alert.annotations,
            )
        for group in result.groups:
            self.groups[group.id] = group
        self.outcomes += result.outcomes
