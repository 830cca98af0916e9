"""The spine of triage: dedupe, then route, group and score what fires."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import AlertId, GroupId
from tocsin.kernel.vocabulary import Labels
from tocsin.triage.core import dedupe, lifecycle, storm
from tocsin.triage.core.dedupe import Verdict
from tocsin.triage.core.difference import alert_difference, group_difference
from tocsin.triage.core.grouping import Placement, placer
from tocsin.triage.core.lifecycle import group_due
from tocsin.triage.core.outcomes import GroupCleared, Outcome, Sorted
from tocsin.triage.model import (
    Alert,
    AlertState,
    Group,
    GroupState,
    Observed,
    Routing,
    State,
)

__all__ = ["expire", "group_due", "sort", "wanted_group_keys"]  # all that actions call


class _Batch(Struct, kw_only=True):
    """What the batch has made of the state so far; it lives and dies inside one call."""

    config: Routing
    now: datetime
    new_id: Callable[[], UUID]
    placed: Callable[[Labels], Placement]
    before: Mapping[bytes, Alert]
    alerts: dict[bytes, Alert]
    groups: dict[GroupId, Group]
    current: dict[str, GroupId]  # by group key
    opened: dict[str, int]  # by integration, in the last minute
    joined: dict[GroupId, list[Alert]]
    counts: dict[Verdict, int]


def wanted_group_keys(observed: Sequence[Observed], config: Routing) -> tuple[str, ...]:
    """Name the keys, sorted, of all groups that `observed` could join: load and lock these."""
    placed = placer(config)
    keys = {placed(seen.labels).key for seen in observed}
    keys.update(storm.storm_key(name) for name in {seen.integration for seen in observed})
    return tuple(sorted(keys))


def sort(
    state: State,
    observed: Sequence[Observed],
    config: Routing,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Sorted:
    """Fold `observed` in order into `state` and return the difference."""
    batch = _Batch(
        config=config,
        now=now,
        new_id=new_id,
        placed=placer(config),
        before=state.alerts,
        alerts=dict(state.alerts),
        groups=_all_groups(state),
        current={key: group.id for key, group in state.groups.items()},
        opened=dict(state.opened_last_minute),
        joined={},
        counts=dict.fromkeys(Verdict, 0),
    )
    for seen in observed:
        alert = batch.alerts.get(seen.dedup_key)
        verdict = dedupe.judge(alert, seen)
        batch.counts[verdict] += 1
        batch.alerts[seen.dedup_key] = _folded(batch, alert, seen, verdict)
    return _difference(state, batch, dict.fromkeys(seen.dedup_key for seen in observed))


def expire(state: State, due: Sequence[Alert], now: datetime) -> Sorted:
    """Resolve the alerts in `due` that fire although their `ends_at` has passed."""
    before = _all_groups(state)
    groups: dict[GroupId, Group] = {}
    resolved = []
    for alert in {alert.id: alert for alert in due}.values():
        if alert.state is AlertState.FIRING and alert.ends_at <= now:
            group_id = _group_id(alert)
            group = groups.get(group_id) or before[group_id]
            groups[group_id] = lifecycle.left(group, now)
            resolved.append(_excused(dedupe.expired(alert), group))
    return Sorted(
        alerts_new=(),
        alerts_changed=tuple(resolved),
        alerts_refreshed=(),
        groups=tuple(groups.values()),
        outcomes=tuple(
            GroupCleared(group)
            for group in groups.values()
            if group.state is GroupState.CLEARED
        ),
        opened_count=0,
        counts={Verdict.EXPIRED: len(resolved)},
    )


def _folded(batch: _Batch, alert: Alert | None, seen: Observed, verdict: Verdict) -> Alert:
    if alert is None:
        return _fired(batch, None, seen) if verdict is Verdict.NEW else _gone(batch, seen)
    if verdict is Verdict.REPEAT:
        return dedupe.refreshed(alert, seen)
    if verdict is Verdict.REFIRED:
        return _fired(batch, alert, seen)
    if verdict is Verdict.RESOLVED:
        group = batch.groups[_group_id(alert)]
        batch.groups[group.id] = lifecycle.left(group, batch.now)
        return _excused(dedupe.resolved(alert, seen), group)
    return dedupe.heard(alert, seen, verdict)


def _fired(batch: _Batch, known: Alert | None, seen: Observed) -> Alert:
    placement = batch.placed(seen.labels)
    group_id, reasons = _joined(batch, known, seen.integration, placement)
    verdict = Verdict.NEW if known is None else Verdict.REFIRED
    alert = Alert(
        id=AlertId(batch.new_id()) if known is None else known.id,
        dedup_key=seen.dedup_key,
        state=AlertState.FIRING,
        labels=seen.labels,
        annotations=seen.annotations,
        source_url=seen.source_url,
        integration=seen.integration,
        starts_at=seen.starts_at,
        ends_at=seen.ends_at,
        ends_by_timeout=seen.ends_by_timeout,
        updated_at=seen.received_at,
        group_id=group_id,
        seen_count=1 if known is None else known.seen_count + 1,
        fired_count=1 if known is None else known.fired_count + 1,
        urgency=placement.urgency,
        reasons=(dedupe.REASONS[verdict], *reasons),
    )
    batch.joined.setdefault(group_id, []).append(alert)
    return alert


def _gone(batch: _Batch, seen: Observed) -> Alert:
    """Keep an alert that was over when we first heard of it: it got its 2xx."""
    return Alert(
        id=AlertId(batch.new_id()),
        dedup_key=seen.dedup_key,
        state=AlertState.RESOLVED,
        labels=seen.labels,
        annotations=seen.annotations,
        source_url=seen.source_url,
        integration=seen.integration,
        starts_at=seen.starts_at,
        ends_at=seen.ends_at,
        ends_by_timeout=seen.ends_by_timeout,
        updated_at=seen.received_at,
        group_id=None,
        seen_count=1,
        fired_count=0,
        urgency=batch.placed(seen.labels).urgency,
        reasons=(dedupe.REASONS[Verdict.ARRIVED_RESOLVED],),
    )


def _excused(alert: Alert, group: Group) -> Alert:
    """Leave on a resolved alert why nobody was paged for it, if its group had to wait."""
    if group.state is not GroupState.WAITING:
        return alert
    return replace(alert, reasons=(*alert.reasons, "group: resolved within group_wait"))


def _joined(
    batch: _Batch, known: Alert | None, integration: str, placement: Placement
) -> tuple[GroupId, tuple[str, ...]]:
    """Put a firing alert into its group, or the storm's; return which, and the reasons."""
    key, reasons = placement.key, placement.reasons
    group = _current(batch, key)
    stormy = group is None and storm.is_storm(integration, batch.opened)
    if stormy:
        key = storm.storm_key(integration)
        reasons = (reasons[0], storm.storm_reason(integration), reasons[2])
        group = _current(batch, key)
    if group is None:
        group_id = _opened(batch, key, integration, placement, stormy=stormy)
    else:
        group_id = group.id
        newcomer = known is None or known.group_id != group_id
        batch.groups[group_id] = lifecycle.joined(
            group,
            placement.urgency,
            batch.now,
            newcomer=newcomer,
            again=not newcomer and _was_over(batch, known),
        )
    return group_id, reasons


def _was_over(batch: _Batch, known: Alert | None) -> bool:
    """Say whether an alert had resolved before this batch; flaps inside it are not news."""
    before = None if known is None else batch.before.get(known.dedup_key)
    return before is not None and before.state is AlertState.RESOLVED


def _current(batch: _Batch, key: str) -> Group | None:
    group_id = batch.current.get(key)
    group = None if group_id is None else batch.groups[group_id]
    return group if lifecycle.is_joinable(group, batch.now) else None


def _opened(
    batch: _Batch, key: str, integration: str, placement: Placement, *, stormy: bool
) -> GroupId:
    if (last_id := batch.current.get(key)) is not None:
        batch.groups[last_id] = lifecycle.ended(batch.groups[last_id])
    opening = lifecycle.Opening(
        key=key,
        labels={} if stormy else placement.labels,
        route=placement.route,
        urgency=placement.urgency,
        integration=integration,
        storm=stormy,
    )
    group = lifecycle.opened(opening, GroupId(batch.new_id()), batch.now)
    batch.groups[group.id] = group
    batch.current[key] = group.id
    if not stormy:
        batch.opened[integration] = batch.opened.get(integration, 0) + 1
    return group.id


def _difference(state: State, batch: _Batch, keys: Iterable[bytes]) -> Sorted:
    alerts = {key: batch.alerts[key] for key in keys}
    new, changed, refreshed = alert_difference(state.alerts, alerts)
    known = _all_groups(state)
    groups: list[Group] = []
    outcomes: list[Outcome] = []
    for group_id, after in batch.groups.items():
        before = known.get(group_id)
        if before is not after:
            joined = batch.joined.get(group_id, ())
            group, news = group_difference(before, after, joined, batch.config, batch.now)
            groups.append(group)
            outcomes += news
    return Sorted(
        alerts_new=new,
        alerts_changed=changed,
        alerts_refreshed=refreshed,
        groups=tuple(groups),
        outcomes=tuple(outcomes),
        opened_count=len(batch.groups) - len(known),
        counts=batch.counts,
    )


def _all_groups(state: State) -> dict[GroupId, Group]:
    return {
        **{group.id: group for group in state.groups.values()},
        **state.groups_by_id,
    }


def _group_id(alert: Alert) -> GroupId:
    if alert.group_id is None:
        raise AssertionError(f"alert {alert.id} fires outside any group")
    return alert.group_id
