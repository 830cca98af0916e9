"""Decide how a group lives: it opens, waits, grows, clears, fires again and ends."""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import AlertId, GroupId
from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.triage.core.outcomes import (
    GroupCleared,
    GroupGrew,
    GroupNeedsIncident,
    GroupNeedsPage,
    GroupRefired,
    GroupVanished,
    Outcome,
)
from tocsin.triage.core.routing import route_named
from tocsin.triage.model import REOPEN_WITHIN_S, Group, GroupState, Route, Routing


class Opening(Struct, frozen=True, kw_only=True):
    """What a group is born with; a storm never waits."""

    key: str
    labels: Labels
    route: Route
    urgency: Urgency
    integration: str
    storm: bool


def opened(opening: Opening, group_id: GroupId, now: datetime) -> Group:
    """Open a group for its first alert; its title comes once the whole batch is known."""
    route = opening.route
    waits = route.group_wait_s > 0 and not opening.storm
    pause_s = route.group_wait_s if waits else route.group_interval_s
    return Group(
        id=group_id,
        key=opening.key,
        state=GroupState.WAITING if waits else GroupState.ACTIVE,
        labels=opening.labels,
        title="",
        summary="",
        integration=opening.integration,
        route=route.name,
        policy=route.policy,
        urgency=opening.urgency,
        firing_count=1,
        alert_count=1,
        noted_count=0,
        opened_at=now,
        due_at=now + timedelta(seconds=pause_s),
        cleared_at=None,
        storm=opening.storm,
    )


def is_joinable(group: Group | None, now: datetime) -> bool:
    """Say whether an alert that fires at `now` belongs to `group` or to one to be opened."""
    if group is None or group.state is GroupState.ENDED:
        return False
    if group.cleared_at is None:
        return True
    return now - group.cleared_at <= timedelta(seconds=REOPEN_WITHIN_S)


def joined(
    group: Group, urgency: Urgency, now: datetime, *, newcomer: bool, again: bool = False
) -> Group:
    """Add a firing alert; `newcomer` is one that has not stood in this group before.

    One that had resolved and fires `again` is news as well: whoever called it over, or
    acknowledged it long ago, has not heard of that.

    Urgency only rises while a group is open. One that fires again starts afresh, or a
    warning would wake people because the alert before it was critical.
    """
    rises = urgency is Urgency.HIGH or (
        group.cleared_at is not None and group.cleared_at != now
    )
    return replace(
        group,
        state=GroupState.WAITING if group.state is GroupState.WAITING else GroupState.ACTIVE,
        urgency=urgency if rises else group.urgency,
        firing_count=group.firing_count + 1,
        alert_count=group.alert_count + newcomer,
        noted_count=max(0, group.noted_count - again),
        cleared_at=None,
    )


def left(group: Group, now: datetime) -> Group:
    """Take a resolved alert out; the last one clears the group, unless it still waits."""
    firing_count = group.firing_count - 1
    if firing_count < 0:
        raise AssertionError(f"group {group.id} has fewer firing alerts than none")
    if firing_count > 0 or group.state is GroupState.WAITING:
        return replace(group, firing_count=firing_count)
    return replace(
        group,
        state=GroupState.CLEARED,
        firing_count=0,
        cleared_at=now,
        due_at=now + timedelta(seconds=REOPEN_WITHIN_S, microseconds=1),
    )


def ended(group: Group) -> Group:
    """Free the key of a group that will not fire again."""
    return replace(group, state=GroupState.ENDED, due_at=None)


def told(
    before: Group | None, after: Group, sample: tuple[AlertId, ...], due_at: datetime
) -> tuple[Group, tuple[Outcome, ...]]:
    """Compare a group before and after a batch and say what people must hear, in order.

    What flapped inside the batch and came back to where it was is not worth a word, but a
    group that fired at all is announced even if the same batch resolves it. `due_at` is
    when it may speak of further growth.
    """
    if after.state in (GroupState.WAITING, GroupState.ENDED):
        return after, ()
    cleared = after.state is GroupState.CLEARED
    noted = replace(
        after, noted_count=after.alert_count, due_at=after.due_at if cleared else due_at
    )
    news = _news(before, after, noted, sample)
    group = after if news is None else noted
    outcomes = () if news is None else (news,)
    return group, (*outcomes, GroupCleared(group)) if cleared else outcomes


def _news(
    before: Group | None, after: Group, noted: Group, sample: tuple[AlertId, ...]
) -> Outcome | None:
    if before is None:
        return _announced(noted, sample)
    if before.state is GroupState.CLEARED:
        return GroupRefired(group=noted, sample=sample)
    if after.urgency is Urgency.HIGH and before.urgency is Urgency.LOW:
        return GroupNeedsPage(group=noted, sample=sample, raised=True)
    if after.due_at is None and (new_count := _untold_count(after)):
        return GroupGrew(group=noted, new_count=new_count)
    return None


def group_due(
    group: Group, config: Routing, now: datetime, *, sample: tuple[AlertId, ...] = ()
) -> tuple[Group, Outcome | None]:
    """Say what `group` needs once its `due_at` has come; save the group that comes back.

    Early, or for a group that has no timer, it changes nothing.
    """
    if group.due_at is None or now < group.due_at:
        return group, None
    if group.state is GroupState.CLEARED:
        return ended(group), None
    if group.state is GroupState.WAITING and group.firing_count == 0:
        gone = replace(group, cleared_at=now)
        return ended(gone), GroupVanished(ended(gone))
    new_count = _untold_count(group)
    if new_count == 0:
        return replace(group, due_at=None), None
    interval_s = route_named(group.route, config).group_interval_s
    noted = replace(
        group,
        state=GroupState.ACTIVE,
        noted_count=group.alert_count,
        due_at=now + timedelta(seconds=interval_s),
    )
    if group.state is GroupState.WAITING:
        return noted, _announced(noted, sample)
    return noted, GroupGrew(group=noted, new_count=new_count)


def _announced(group: Group, sample: tuple[AlertId, ...]) -> Outcome:
    if group.urgency is Urgency.HIGH:
        return GroupNeedsPage(group=group, sample=sample, raised=False)
    return GroupNeedsIncident(group=group, sample=sample)


def _untold_count(group: Group) -> int:
    return group.alert_count - group.noted_count
