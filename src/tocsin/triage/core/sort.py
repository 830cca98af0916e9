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
from tocsin.triage.core.ending import all_groups, excused, expire, group_id_of, resolve
from tocsin.triage.core.grouping import Placement, placer
from tocsin.triage.core.lifecycle import group_due, repeat_due, repeat_later
from tocsin.triage.core.outcomes import GroupAcknowledgedBySender, Outcome, Sorted
from tocsin.triage.model import (
    Alert,
    AlertState,
    Group,
    GroupState,
    Observed,
    Routing,
    State,
)

__all__ = [  # all that actions call
    "expire",
    "group_due",
    "repeat_due",
    "repeat_later",
    "resolve",
    "sort",
    "wanted_group_keys",
]


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
    acknowledged: dict[GroupId, str]  # by whose integration
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
        groups=all_groups(state),
        current={key: group.id for key, group in state.groups.items()},
        opened=dict(state.opened_last_minute),
        joined={},
        acknowledged={},
        counts=dict.fromkeys(Verdict, 0),
    )
    for seen in observed:
        alert = batch.alerts.get(seen.dedup_key)
        verdict = dedupe.judge(alert, seen)
        batch.counts[verdict] += 1
        if verdict is Verdict.UNKNOWN:
            continue
        batch.alerts[seen.dedup_key] = _folded(batch, alert, seen, verdict)
    keys = dict.fromkeys(seen.dedup_key for seen in observed)
    return _difference(state, batch, [key for key in keys if key in batch.alerts])


def _folded(batch: _Batch, alert: Alert | None, seen: Observed, verdict: Verdict) -> Alert:
    if alert is None:
        return _fired(batch, None, seen) if verdict is Verdict.NEW else _gone(batch, seen)
    if verdict is Verdict.REPEAT:
        return _repeated(batch, alert, seen)
    if verdict is Verdict.REFIRED:
        return _fired(batch, alert, seen)
    if verdict is Verdict.RESOLVED:
        return _resolved(batch, alert, seen)
    if verdict is Verdict.ACKNOWLEDGED:
        _acknowledged(batch, group_id_of(alert), seen.integration)
    return dedupe.heard(alert, seen, verdict)


def _repeated(batch: _Batch, alert: Alert, seen: Observed) -> Alert:
    """Hear of a firing alert again; where a key is its identity, its labels may have changed.

    It stays in its group, and whoever must be called for what it has become is called.
    """
    fresh = dedupe.refreshed(alert, seen)
    if seen.labels == alert.labels:
        return fresh
    placement = batch.placed(seen.labels)
    before = batch.groups[group_id_of(alert)]
    group = batch.groups[before.id] = lifecycle.changed(before, placement)
    if group.urgency is not before.urgency:
        batch.acknowledged.pop(group.id, None)
    return replace(
        fresh,
        labels=seen.labels,
        urgency=placement.urgency,
        reasons=(
            alert.reasons[0], placement.reasons[0], *alert.reasons[2:3], placement.reasons[2],
        ),
    )  # fmt: skip


def _resolved(batch: _Batch, alert: Alert, seen: Observed) -> Alert:
    """End an episode; what was acknowledged of a group that clears says nothing of its next one."""
    group = batch.groups[group_id_of(alert)]
    batch.groups[group.id] = lifecycle.left(group, batch.now)
    if batch.groups[group.id].state is GroupState.CLEARED:
        batch.acknowledged.pop(group.id, None)
    return excused(dedupe.resolved(alert, seen), group)


def _acknowledged(batch: _Batch, group_id: GroupId, integration: str) -> None:
    """Note that the sender has a group: there is no page yet that could be taken while it waits.

    Who has one of the alerts of a storm has not the others, which are about anything.
    """
    group = batch.groups[group_id]
    if group.storm:
        return
    if group.state is GroupState.WAITING:
        batch.groups[group_id] = lifecycle.taken(group, integration)
    else:
        batch.acknowledged[group_id] = integration


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


def _joined(
    batch: _Batch, known: Alert | None, integration: str, placement: Placement
) -> tuple[GroupId, tuple[str, ...]]:
    """Put a firing alert into its group, or the storm's; return which, and the reasons."""
    key, reasons = placement.key, placement.reasons
    group = _current(batch, key)
    over_limit = storm.is_over_limit(integration, batch.opened)
    gathers = _current(batch, storm.storm_key(integration))
    stormy = group is None and (over_limit or storm.lasts(gathers, batch.now))
    if stormy:
        key, group = storm.storm_key(integration), gathers
        reason = storm.storm_reason(integration, over_limit=over_limit)
        reasons = (reasons[0], reason, reasons[2])
    if group is None:
        group_id = _opened(batch, key, integration, placement, stormy=stormy)
    else:
        group_id = group.id
        newcomer = known is None or known.group_id != group_id
        batch.groups[group_id] = lifecycle.joined(
            group,
            placement,
            batch.now,
            newcomer=newcomer,
            again=not newcomer and _was_over(batch, known),
        )
    if stormy:
        batch.groups[group_id] = storm.swollen(
            batch.groups[group_id], placement.key, batch.now, over_limit=over_limit
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
        routes=placement.routes,
        policies=placement.policies,
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
    known = all_groups(state)
    groups: list[Group] = []
    outcomes: list[Outcome] = []
    for group_id, after in batch.groups.items():
        before = known.get(group_id)
        if before is not after:
            joined = batch.joined.get(group_id, ())
            group, news = group_difference(before, after, joined, batch.config, batch.now)
            groups.append(group)
            outcomes += news
    # last: what opens in this batch must be there before somebody can have it
    outcomes += [
        GroupAcknowledgedBySender(batch.groups[group_id], integration)
        for group_id, integration in batch.acknowledged.items()
    ]
    return Sorted(
        alerts_new=new,
        alerts_changed=changed,
        alerts_refreshed=refreshed,
        groups=tuple(groups),
        outcomes=tuple(outcomes),
        opened_count=len(batch.groups) - len(known),
        counts=batch.counts,
    )
