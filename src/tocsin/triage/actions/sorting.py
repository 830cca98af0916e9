"""What intake and timers ask: sort signals, expire alerts, look after groups."""

from collections.abc import Sequence
from datetime import datetime

from tocsin.kernel import turns
from tocsin.kernel.ids import GroupId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.triage import store
from tocsin.triage.actions.saving import (
    GroupDue,
    Pause,
    PutOffRepeats,
    RepeatDue,
    no_pause,
    record,
    save,
    set_repeat,
    set_timer,
    state,
)
from tocsin.triage.core.outcomes import Sorted
from tocsin.triage.core.sort import (
    expire,
    group_due,
    repeat_due,
    repeat_later,
    sort,
    wanted_group_keys,
)
from tocsin.triage.model import MAX_NEW_GROUPS, Observed, Routing

EXPIRE_BATCH = 500


class TooManyGroups(Exception):
    """A batch would open more groups than one unit may; its caller cuts it in two."""


async def sort_observed(
    unit: Unit, observed: Sequence[Observed], pause: Pause = no_pause
) -> Sorted:
    """Dedupe, route, group and score `observed`, in order, and record what follows for groups.

    `pause` is awaited between stretches of work.

    Raises TooManyGroups when the batch must be cut.
    """
    unit.require("alert:sort")
    routing = unit.config(Routing)
    keys = list({one.dedup_key for one in observed})
    await turns.side_by_side(unit.conn)
    alerts = await store.alerts_for_update(unit.conn, keys)
    known = await state(alerts, wanted_group_keys(observed, routing), unit)
    await pause()
    found = sort(known, observed, routing, unit.now, uuid7)
    if found.opened_count > MAX_NEW_GROUPS:
        raise TooManyGroups(f"{found.opened_count} groups; at most {MAX_NEW_GROUPS} in a unit")
    await save(known, found, unit, pause)
    return found


async def expire_due(
    unit: Unit, *, until: datetime | None = None, heard_since: datetime | None = None
) -> int:
    """Resolve firing alerts that nobody has refreshed in time; return how many.

    Only what ended before `until` (the oldest signal not sorted yet may be a refresh), and
    only what was heard of after `heard_since` (before it nobody could be heard).
    """
    unit.require("alert:sort")
    await turns.side_by_side(unit.conn)
    due = await store.alerts_due_for_update(
        unit.conn,
        min(unit.now, until or unit.now),
        heard_since=heard_since,
        limit=EXPIRE_BATCH,
    )
    if due:
        known = await state({alert.dedup_key: alert for alert in due}, (), unit)
        await save(known, expire(known, due, unit.now), unit)
    return len(due)


async def group_is_due(unit: Unit, job: GroupDue) -> None:
    """Tell of a group whose wait is over, or of what has joined it since the last interval."""
    unit.require("alert:sort")
    await turns.side_by_side(unit.conn)
    groups = await store.groups_for_update(unit.conn, (), (job.group_id,))
    for group in groups:
        sample = tuple(await store.sample(unit.conn, group.id))
        after, outcomes = group_due(group, unit.config(Routing), unit.now, sample=sample)
        await store.save_groups(unit.conn, [after])
        set_timer(after, unit)
        set_repeat(group, after, unit)
        for outcome in outcomes:
            record(outcome, unit)


async def group_repeats(unit: Unit, job: RepeatDue) -> None:
    """Tell again of a group that still fires although it was told of long ago."""
    unit.require("alert:sort")
    await turns.side_by_side(unit.conn)
    for group in await store.groups_for_update(unit.conn, (), (job.group_id,)):
        after, outcome = repeat_due(group, unit.config(Routing), unit.now)
        await store.save_groups(unit.conn, [after])
        set_repeat(group, after, unit)
        if outcome is not None:
            record(outcome, unit)


async def put_off_repeats(unit: Unit, group_ids: Sequence[GroupId]) -> None:
    """Count the repeat interval of groups from now, when somebody has taken their page.

    In a unit of its own: who has the page must not wait for who has its group, and waits for
    the page.
    """
    unit.require("alert:sort")
    if await store.are_repeated(unit.conn, group_ids):
        unit.defer(PutOffRepeats(group_ids=tuple(group_ids)))


async def repeats_are_put_off(unit: Unit, job: PutOffRepeats) -> None:
    """Count the repeat interval of groups from now."""
    unit.require("alert:sort")
    await turns.side_by_side(unit.conn)
    for group in await store.groups_for_update(unit.conn, (), job.group_ids):
        after = repeat_later(group, unit.config(Routing), unit.now)
        if after != group:
            await store.save_groups(unit.conn, [after])
            set_repeat(group, after, unit)
