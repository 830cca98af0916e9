"""What can be asked of triage: sort signals, expire alerts, look after a group's timer."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from tocsin.kernel.ids import GroupId, uuid7
from tocsin.kernel.jobs import Job
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage import store
from tocsin.triage.core import outcomes
from tocsin.triage.core.outcomes import Sorted
from tocsin.triage.core.sort import expire, group_due, sort, wanted_group_keys
from tocsin.triage.events import (
    GroupCleared,
    GroupGrew,
    GroupGrewQuietly,
    GroupNeedsIncident,
    GroupNeedsPage,
    GroupRefired,
    GroupRefiredQuietly,
    GroupVanished,
)
from tocsin.triage.model import MAX_NEW_GROUPS, Alert, Group, Observed, Routing, State

EXPIRE_BATCH = 500


class TooManyGroups(Exception):
    """A batch would open more groups than one unit may; its caller cuts it in two."""


class GroupDue(Job, frozen=True, tag="triage.group_due"):
    """A group's wait or interval is over."""

    group_id: GroupId


async def sort_observed(unit: Unit, observed: Sequence[Observed]) -> Sorted:
    """Dedupe, route, group and score `observed`, in order, and record what follows for groups.

    Raises TooManyGroups when the batch must be cut.
    """
    unit.require("alert:sort")
    routing = unit.config(Routing)
    keys = list({one.dedup_key for one in observed})
    alerts = await store.alerts_for_update(unit.conn, keys)
    state = await _state(unit, alerts, wanted_group_keys(observed, routing))
    found = sort(state, observed, routing, unit.now, uuid7)
    if found.opened_count > MAX_NEW_GROUPS:
        raise TooManyGroups(f"{found.opened_count} groups; at most {MAX_NEW_GROUPS} in a unit")
    await _save(unit, state, found)
    return found


async def expire_due(
    unit: Unit, *, until: datetime | None = None, heard_since: datetime | None = None
) -> int:
    """Resolve firing alerts that nobody has refreshed in time; return how many.

    Only what ended before `until` (the oldest signal not sorted yet may be a refresh), and
    only what was heard of after `heard_since` (before it nobody could be heard).
    """
    unit.require("alert:sort")
    due = await store.alerts_due_for_update(
        unit.conn,
        min(unit.now, until or unit.now),
        heard_since=heard_since,
        limit=EXPIRE_BATCH,
    )
    if due:
        state = await _state(unit, {alert.dedup_key: alert for alert in due}, ())
        await _save(unit, state, expire(state, due, unit.now))
    return len(due)


async def group_is_due(unit: Unit, job: GroupDue) -> None:
    """Tell of a group whose wait is over, or of what has joined it since the last interval."""
    unit.require("alert:sort")
    groups = await store.groups_for_update(unit.conn, (), (job.group_id,))
    for group in groups:
        sample = tuple(await store.sample(unit.conn, group.id))
        after, outcome = group_due(group, unit.config(Routing), unit.now, sample=sample)
        await store.save_groups(unit.conn, [after])
        _set_timer(unit, after)
        if outcome is not None:
            _record(unit, outcome)


async def _state(unit: Unit, alerts: dict[bytes, Alert], keys: Sequence[str]) -> State:
    ids = list({a.group_id for a in alerts.values() if a.group_id is not None})
    groups = await store.groups_for_update(unit.conn, keys, ids)
    return State(
        alerts=alerts,
        groups={group.key: group for group in groups if group.state != "ended"},
        groups_by_id={group.id: group for group in groups},
        opened_last_minute=await store.opened_last_minute(unit.conn, unit.now),
    )


async def _save(unit: Unit, state: State, found: Sorted) -> None:
    await store.save_groups(unit.conn, found.groups)
    if found.alerts_new:
        await store.add_alerts(unit.conn, found.alerts_new)
    if found.alerts_changed:
        await store.save_alerts(unit.conn, found.alerts_changed)
    if found.alerts_refreshed:
        await store.refresh_alerts(unit.conn, found.alerts_refreshed)
    for group in found.groups:
        before = state.groups_by_id.get(group.id)
        if before is None or before.due_at != group.due_at:
            _set_timer(unit, group)
    for outcome in found.outcomes:
        _record(unit, outcome)


def _set_timer(unit: Unit, group: Group) -> None:
    if group.due_at is not None and group.due_at > unit.now:
        unit.defer(
            GroupDue(group_id=group.id),
            at=group.due_at,
            subject=group.id,
            key=f"group:{group.id}:{group.due_at.timestamp()}",
        )


def _record(unit: Unit, outcome: outcomes.Outcome) -> None:
    group = outcome.group
    match outcome:
        case outcomes.GroupNeedsPage(sample=sample, raised=raised):
            unit.record(
                GroupNeedsPage(
                    group_id=group.id, title=group.title, integration=group.integration,
                    route=group.route, alert_count=group.alert_count, sample=sample, raised=raised,
                )
            )  # fmt: skip
        case outcomes.GroupNeedsIncident(sample=sample):
            unit.record(
                GroupNeedsIncident(
                    group_id=group.id, title=group.title, integration=group.integration,
                    route=group.route, alert_count=group.alert_count, sample=sample,
                )
            )  # fmt: skip
        case outcomes.GroupGrew(new_count=new_count):
            grown = GroupGrew if group.urgency is Urgency.HIGH else GroupGrewQuietly
            unit.record(
                grown(group_id=group.id, new_count=new_count, alert_count=group.alert_count)
            )
        case outcomes.GroupRefired():
            kind = GroupRefired if group.urgency is Urgency.HIGH else GroupRefiredQuietly
            unit.record(kind(group_id=group.id, title=group.title))
        case outcomes.GroupCleared():
            unit.record(
                GroupCleared(
                    group_id=group.id, title=group.title, alert_count=group.alert_count
                )
            )
        case outcomes.GroupVanished():
            unit.record(GroupVanished(group_id=group.id, title=group.title))
        case _:
            assert_never(outcome)
