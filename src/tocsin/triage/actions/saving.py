"""Load what a batch touches, and write what became of it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from tocsin.kernel.ids import GroupId
from tocsin.kernel.jobs import Job
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage import store
from tocsin.triage.core import outcomes
from tocsin.triage.core.outcomes import Sorted
from tocsin.triage.events import (
    GroupAcknowledgedBySender,
    GroupCleared,
    GroupGrew,
    GroupGrewQuietly,
    GroupNeedsIncident,
    GroupNeedsPage,
    GroupReached,
    GroupRefired,
    GroupRefiredQuietly,
    GroupsCounted,
    GroupStillFires,
    GroupVanished,
)
from tocsin.triage.model import Alert, Group, State

STRETCH = 100  # alerts that are written at a time without a look at what goes first
WORDS_WAIT = timedelta(seconds=3)  # what is new has people to reach first


class RepeatDue(Job, frozen=True, tag="triage.repeat_due"):
    """A group is told of again if it still fires."""

    group_id: GroupId


class PutOffRepeats(Job, frozen=True, tag="triage.put_off_repeats"):
    """Somebody has just taken the page of groups."""

    group_ids: tuple[GroupId, ...]


class GatherWords(Job, frozen=True, tag="triage.gather_words"):
    """Alerts with ids from `first` to `last` are new to search."""

    first: UUID
    last: UUID


class GroupDue(Job, frozen=True, tag="triage.group_due"):
    """A group's wait or interval is over."""

    group_id: GroupId


Pause = Callable[[], Awaitable[None]]
"""Lets what pages somebody go first, in the middle of a batch."""


async def no_pause() -> None:
    """Go on at once."""


async def state(alerts: dict[bytes, Alert], keys: Sequence[str], unit: Unit) -> State:
    """Load and lock what `alerts` and the groups of `keys` touch."""
    ids = list({a.group_id for a in alerts.values() if a.group_id is not None})
    groups = await store.groups_for_update(unit.conn, keys, ids)
    return State(
        alerts=alerts,
        groups={group.key: group for group in groups if group.state != "ended"},
        groups_by_id={group.id: group for group in groups},
        opened_last_minute=await store.opened_last_minute(unit.conn, unit.now),
    )


async def save(known: State, found: Sorted, unit: Unit, pause: Pause = no_pause) -> None:
    """Write the difference a batch makes, and record what people must hear."""
    await store.save_groups(unit.conn, found.groups)
    if found.alerts_new:
        for start in range(0, len(found.alerts_new), STRETCH):
            await pause()
            await store.add_alerts(unit.conn, found.alerts_new[start : start + STRETCH])
        ids = [alert.id for alert in found.alerts_new]
        unit.defer(GatherWords(first=min(ids), last=max(ids)), at=unit.now + WORDS_WAIT)
    if found.alerts_changed:
        await store.save_alerts(unit.conn, found.alerts_changed)
    if found.alerts_refreshed:
        await store.refresh_alerts(unit.conn, found.alerts_refreshed)
    for group in found.groups:
        before = known.groups_by_id.get(group.id)
        if before is None or before.due_at != group.due_at:
            set_timer(group, unit)
        set_repeat(before, group, unit)
    _tell_counts(unit, known, found.groups)
    for outcome in found.outcomes:
        record(outcome, unit)


def _tell_counts(unit: Unit, known: State, groups: Sequence[Group]) -> None:
    """Tell how many alerts fire, first: a group that clears must not end what still fires."""
    counts = []
    for group in groups:
        before = known.groups_by_id.get(group.id)
        count = (before.firing_count, before.alert_count) if before else None
        if count != (group.firing_count, group.alert_count):
            counts.append((group.id, group.firing_count, group.alert_count))
    if counts:
        unit.tell(GroupsCounted(counts=tuple(counts)))


def set_timer(group: Group, unit: Unit) -> None:
    """Wait for what a group waits for."""
    if group.due_at is not None and group.due_at > unit.now:
        unit.defer(
            GroupDue(group_id=group.id),
            at=group.due_at,
            subject=group.id,
            key=f"group:{group.id}:{group.due_at.timestamp()}",
        )


def set_repeat(before: Group | None, group: Group, unit: Unit) -> None:
    """Wait for the repeat of a group, where that has changed."""
    known = None if before is None else before.repeat_at
    if group.repeat_at is not None and group.repeat_at != known:
        unit.defer(
            RepeatDue(group_id=group.id),
            at=group.repeat_at,
            subject=group.id,
            key=f"repeat:{group.id}:{group.repeat_at.timestamp()}",
        )


def record(outcome: outcomes.Outcome, unit: Unit) -> None:  # noqa: C901, PLR0912 - one each
    """Say an outcome in the log."""
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
        case outcomes.GroupReached(policies=policies):
            unit.record(GroupReached(group_id=group.id, title=group.title, policies=policies))
        case outcomes.GroupStillFires():
            unit.record(
                GroupStillFires(
                    group_id=group.id, title=group.title, firing_count=group.firing_count
                )
            )
        case outcomes.GroupVanished():
            unit.record(GroupVanished(group_id=group.id, title=group.title))
        case outcomes.GroupAcknowledgedBySender(integration=integration):
            unit.record(GroupAcknowledgedBySender(group_id=group.id, integration=integration))
        case _:
            assert_never(outcome)
