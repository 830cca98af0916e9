"""Decide how a group lives: it opens, waits, grows, clears, fires again and ends."""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import AlertId, GroupId
from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.triage.core.grouping import Placement
from tocsin.triage.core.outcomes import (
    GroupAcknowledgedBySender,
    GroupCleared,
    GroupGrew,
    GroupNeedsIncident,
    GroupNeedsPage,
    GroupReached,
    GroupRefired,
    GroupStillFires,
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
    routes: tuple[str, ...]
    policies: tuple[str, ...]
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
        routes=opening.routes,
        policies=opening.policies,
    )


def is_joinable(group: Group | None, now: datetime) -> bool:
    """Say whether an alert that fires at `now` belongs to `group` or to one to be opened."""
    if group is None or group.state is GroupState.ENDED:
        return False
    if group.cleared_at is None:
        return True
    return now - group.cleared_at <= timedelta(seconds=REOPEN_WITHIN_S)


def joined(
    group: Group,
    placement: Placement,
    now: datetime,
    *,
    newcomer: bool,
    again: bool = False,
) -> Group:
    """Add a firing alert; `newcomer` is one that has not stood in this group before.

    One that had resolved and fires `again` is news as well: whoever called it over, or
    acknowledged it long ago, has not heard of that.

    Urgency only rises while a group is open. One that fires again starts afresh, or a
    warning would wake people because the alert before it was critical.
    """
    afresh = group.cleared_at is not None and group.cleared_at != now
    rises = placement.urgency is Urgency.HIGH or afresh
    policies = () if afresh else group.policies
    return replace(
        group,
        state=GroupState.WAITING if group.state is GroupState.WAITING else GroupState.ACTIVE,
        urgency=placement.urgency if rises else group.urgency,
        routes=_united(group.routes, placement.routes),
        policies=_united(policies, placement.policies),
        firing_count=group.firing_count + 1,
        alert_count=group.alert_count + newcomer,
        noted_count=max(0, group.noted_count - again),
        cleared_at=None,
        taken_by="",
    )


def changed(group: Group, placement: Placement) -> Group:
    """Hear that a firing alert is placed otherwise now; urgency only rises while a group is open."""
    rises = placement.urgency is Urgency.HIGH and group.urgency is not Urgency.HIGH
    after = replace(
        group,
        urgency=Urgency.HIGH if rises else group.urgency,
        routes=_united(group.routes, placement.routes),
        policies=_united(group.policies, placement.policies),
        taken_by="" if rises else group.taken_by,
    )
    return group if after == group else after


def taken(group: Group, integration: str) -> Group:
    """Note on a group that waits that its sender has acknowledged it; what joins it undoes that."""
    return replace(group, taken_by=integration)


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
        repeat_at=None,
    )


def ended(group: Group) -> Group:
    """Free the key of a group that will not fire again."""
    return replace(group, state=GroupState.ENDED, due_at=None, repeat_at=None)


def told(
    before: Group | None,
    after: Group,
    sample: tuple[AlertId, ...],
    route: Route,
    now: datetime,
) -> tuple[Group, tuple[Outcome, ...]]:
    """Compare a group before and after a batch and say what people must hear, in order.

    What flapped inside the batch and came back to where it was is not worth a word, but a
    group that fired at all is announced even if the same batch resolves it. Its `route` says
    when it may speak of further growth, and when it is repeated.
    """
    if after.state in (GroupState.WAITING, GroupState.ENDED):
        return after, ()
    cleared = after.state is GroupState.CLEARED
    noted = after if cleared else _rested(after, route, now)
    noted = replace(noted, noted_count=after.alert_count)
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
    if reached := tuple(one for one in after.policies if one not in before.policies):
        return GroupReached(group=noted, policies=reached)
    if after.due_at is None and (new_count := _untold_count(after)):
        return GroupGrew(group=noted, new_count=new_count)
    return None


def group_due(
    group: Group, config: Routing, now: datetime, *, sample: tuple[AlertId, ...] = ()
) -> tuple[Group, tuple[Outcome, ...]]:
    """Say what `group` needs once its `due_at` has come; save the group that comes back.

    Early, or for a group that has no timer, it changes nothing. What its sender acknowledged
    during the wait has a page that is taken at once: nobody is told, unless that runs out.
    """
    if group.due_at is None or now < group.due_at:
        return group, ()
    if group.state is GroupState.CLEARED:
        return ended(group), ()
    if group.state is GroupState.WAITING and group.firing_count == 0:
        gone = replace(group, cleared_at=now)
        return ended(gone), (GroupVanished(ended(gone)),)
    new_count = _untold_count(group)
    if new_count == 0:
        return replace(group, due_at=None), ()
    noted = replace(
        _rested(group, route_named(group.route, config), now),
        state=GroupState.ACTIVE,
        noted_count=group.alert_count,
        taken_by="",
    )
    if group.state is not GroupState.WAITING:
        return noted, (GroupGrew(group=noted, new_count=new_count),)
    taking = [GroupAcknowledgedBySender(noted, group.taken_by)] if group.taken_by else []
    return noted, (_announced(noted, sample), *taking)


def repeat_due(group: Group, config: Routing, now: datetime) -> tuple[Group, Outcome | None]:
    """Say whether people are told again of a group once its `repeat_at` has come.

    Early, or for a group that is not repeated, it changes nothing.
    """
    if group.repeat_at is None or now < group.repeat_at:
        return group, None
    if group.state is not GroupState.ACTIVE or group.urgency is Urgency.LOW:
        return replace(group, repeat_at=None), None
    after = replace(group, repeat_at=_repeat_at(group, route_named(group.route, config), now))
    return after, None if after.repeat_at is None else GroupStillFires(after)


def repeat_later(group: Group, config: Routing, now: datetime) -> Group:
    """Count the time to the next repeat from `now`, at which somebody has taken the page."""
    if group.repeat_at is None:
        return group
    route = route_named(group.route, config)
    return replace(group, repeat_at=_repeat_at(group, route, now))


def _rested(group: Group, route: Route, now: datetime) -> Group:
    """Set the pause after people were told, and when they are told again if nothing changes."""
    return replace(
        group,
        due_at=now + timedelta(seconds=route.group_interval_s),
        repeat_at=_repeat_at(group, route, now),
    )


def _repeat_at(group: Group, route: Route, now: datetime) -> datetime | None:
    if route.repeat_interval_s == 0 or group.urgency is Urgency.LOW:
        return None
    return now + timedelta(seconds=route.repeat_interval_s)


def _united(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of both, each once; the very same object where nothing is new."""
    return known if set(more) <= set(known) else tuple(dict.fromkeys((*known, *more)))


def _announced(group: Group, sample: tuple[AlertId, ...]) -> Outcome:
    if group.urgency is Urgency.HIGH:
        return GroupNeedsPage(group=group, sample=sample, raised=False)
    return GroupNeedsIncident(group=group, sample=sample)


def _untold_count(group: Group) -> int:
    return group.alert_count - group.noted_count
