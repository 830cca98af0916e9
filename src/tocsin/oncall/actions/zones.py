"""A new release of the time zones can move shifts: whom it concerns is told before it happens."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.moving import note_moves
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.local_time import tzdata_version
from tocsin.oncall.core.schedule import final
from tocsin.oncall.core.schedule.moves import held, held_of
from tocsin.oncall.core.schedule.turns import seconds
from tocsin.oncall.model import Override, OverrideKind, Timeline
from tocsin.oncall.store import Promise, PromisedShift

AHEAD = timedelta(days=90)
FRESH = timedelta(days=7)
AT_ONCE = 200


async def compare_zones(
    unit: Unit, after: UUID | None = None, *, release: str = ""
) -> UUID | None:
    """Compare what schedules promise with what they promised by another release, and keep it.

    Looks at 200 schedules that come `after` one; returns the last of them, None once there are no
    more. `release` is the one that decides, if it is not the installed one.
    """
    unit.require("page:watch")
    directory = unit.config(Directory)
    release = release or tzdata_version()
    following = sorted(key for key in directory.schedules if after is None or key > after)
    keys = following[:AT_ONCE]
    known = await store.promises(unit.conn, keys)
    fresh = []
    agreed = await store.overrides(unit.conn, unit.now, unit.now + AHEAD, keys)
    timelines = replace(directory, overrides=by_people(agreed)).timelines(unit.now)
    for key in keys:
        timeline, was = timelines[key], known.get(key)
        is_same = was is not None and was.digest == _digest(timeline)
        if was and is_same and was.release == release and unit.now - was.made_at < FRESH:
            continue
        try:
            promised = _promised(timeline, release, unit.now)
        except ValueError:
            continue  # broken: it promises nothing
        if was is not None and is_same and was.release != release:
            _tell(unit, timeline, was)
        fresh.append(promised)
    if fresh:
        await store.save_promises(unit.conn, fresh)
    return keys[-1] if len(following) > AT_ONCE else None


def by_people(agreed: Sequence[Override]) -> tuple[Override, ...]:
    """Leave out what calendars say: it stands as instants, and is read again soon."""
    return tuple(one for one in agreed if one.kind is not OverrideKind.CALENDAR)


async def keep_promises(unit: Unit, timelines: Sequence[Timeline]) -> None:
    """Keep what schedules promise that were changed just now, so that an upgrade finds it.

    What was promised by another release stays: it is still to be compared.
    """
    unit.require("oncall:read")
    release = tzdata_version()
    for at in range(0, len(timelines), AT_ONCE):
        batch = timelines[at : at + AT_ONCE]
        known = await store.promises(unit.conn, [one.schedule.id for one in batch])
        fresh = []
        for one in batch:
            was = known.get(one.schedule.id)
            if was is not None and was.release != release:
                continue
            try:
                fresh.append(_promised(one, release, unit.now))
            except ValueError:
                continue  # broken: it promises nothing
        if fresh:
            await store.save_promises(unit.conn, fresh)


def _promised(timeline: Timeline, release: str, now: datetime) -> Promise:
    return Promise(
        schedule_id=ScheduleId(timeline.schedule.id), release=release, digest=_digest(timeline),
        made_at=now, shifts=tuple(_shifts(timeline, now)),
    )  # fmt: skip


def _digest(timeline: Timeline) -> str:
    # instants as seconds: what comes from a row and what was typed in are to be alike
    versions = [
        (one.slot, seconds(one.since) if one.since else None, one.layers)
        for one in timeline.versions
    ]
    return sha256(msgspec.json.encode([timeline.schedule, versions])).hexdigest()


def _shifts(timeline: Timeline, now: datetime) -> Iterator[PromisedShift]:
    for one in final(timeline, now, now + AHEAD).shifts:
        yield one.slot, one.people, seconds(one.start_at), seconds(one.end_at)


def _tell(unit: Unit, timeline: Timeline, was: Promise) -> None:
    """Record who has other shifts than was promised, as far as that reached.

    What was agreed since the promise is no news of the release.
    """
    end = min(was.made_at, unit.now) + AHEAD
    then = tuple(one for one in timeline.overrides if one.created_at <= was.made_at)
    before = held_of(was.shifts, seconds(unit.now), seconds(end))
    after = held(replace(timeline, overrides=then), unit.now, end)
    note_moves(unit, timeline.schedule, before, after, "zones")
