"""Decide what follows when alerts end without a word of their sender: in silence, or by hand."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from tocsin.kernel.ids import GroupId
from tocsin.triage.core import dedupe, lifecycle
from tocsin.triage.core.dedupe import Verdict
from tocsin.triage.core.outcomes import GroupCleared, Sorted
from tocsin.triage.model import Alert, AlertState, Group, GroupState, State


def expire(state: State, due: Sequence[Alert], now: datetime) -> Sorted:
    """Resolve the alerts in `due` that fire although their `ends_at` has passed."""
    late = [one for one in due if one.ends_at <= now]
    return _ended(state, late, now, dedupe.expired, Verdict.EXPIRED)


def resolve(state: State, alerts: Sequence[Alert], now: datetime) -> Sorted:
    """Resolve those of `alerts` that fire on a person's word; they stay so until they fire anew."""
    return _ended(
        state, alerts, now, lambda alert: dedupe.resolved_by_hand(alert, now), Verdict.BY_HAND
    )


def _ended(
    state: State,
    alerts: Sequence[Alert],
    now: datetime,
    end: Callable[[Alert], Alert],
    verdict: Verdict,
) -> Sorted:
    before = all_groups(state)
    groups: dict[GroupId, Group] = {}
    resolved = []
    for alert in {alert.id: alert for alert in alerts}.values():
        if alert.state is AlertState.FIRING:
            group_id = group_id_of(alert)
            group = groups.get(group_id) or before[group_id]
            groups[group_id] = lifecycle.left(group, now)
            resolved.append(excused(end(alert), group))
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
        counts={verdict: len(resolved)},
    )


def excused(alert: Alert, group: Group) -> Alert:
    """Leave on a resolved alert why nobody was paged for it, if its group had to wait."""
    if group.state is not GroupState.WAITING:
        return alert
    return replace(alert, reasons=(*alert.reasons, "group: resolved within group_wait"))


def all_groups(state: State) -> dict[GroupId, Group]:
    """Return every group that a batch may touch, by id."""
    return {
        **{group.id: group for group in state.groups.values()},
        **state.groups_by_id,
    }


def group_id_of(alert: Alert) -> GroupId:
    """Return the group that a firing alert stands in."""
    if alert.group_id is None:
        raise AssertionError(f"alert {alert.id} fires outside any group")
    return alert.group_id
