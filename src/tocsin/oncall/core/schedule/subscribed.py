"""A layer that is read from another calendar, again and again: what each reading changes. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.schedule.importing import Imported, WrittenShift
from tocsin.oncall.model import (
    CalendarLayer,
    CalendarShifts,
    Override,
    OverrideKind,
    Person,
    Schedule,
    TemporaryShift,
)

AHEAD = timedelta(days=120)
"""How far a calendar is expanded: further than anything looks at schedules."""
AGAIN = timedelta(hours=1)
AFTER_FAILURE = timedelta(minutes=5)
CLAIM = timedelta(minutes=5)
WHOLE = timedelta(days=1)
"""How old what was expanded may be, before the text is asked for though it has not changed."""
OLD = timedelta(days=1)
"""After how long without a good reading somebody is told."""
ERROR_MAX = 300


def source_of(url: str) -> str:
    """Return by what a layer's calendar is known: the address itself is a secret."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def gone(before: Schedule | None, after: Schedule | None) -> dict[str, str | None]:
    """Return the layers that do not follow their calendar any more, each with the one that does."""
    old, new = _followed(before), _followed(after)
    fresh = {source: name for name, source in reversed(new.items()) if name not in old}
    return {
        name: fresh.pop(source, None) if name not in new else None
        for name, source in old.items()
        if new.get(name) != source
    }


def _followed(schedule: Schedule | None) -> dict[str, str]:
    return {one.name: one.source for one in schedule.layers if one.source} if schedule else {}


def under_new_names(
    agreed: Sequence[Override], before: Schedule | None, after: Schedule
) -> tuple[Override, ...]:
    """Return what calendars say of the layers that an edit calls otherwise, by their new names."""
    names = {old: new for old, new in gone(before, after).items() if new is not None}
    return tuple(
        replace(one, layer=names[one.layer])
        for one in agreed
        if one.kind is OverrideKind.CALENDAR
        and one.schedule_id == after.id
        and one.layer in names
    )


def asks_for_changes_alone(one: CalendarLayer, now: datetime) -> bool:
    """Say whether "nothing has changed" would do as an answer."""
    is_fresh = one.expanded_at is not None and now - one.expanded_at < WHOLE
    return is_fresh and not (one.error or one.unknown or one.left_out)


def as_wanted(wanted: CalendarLayer, known: CalendarLayer | None) -> CalendarLayer:
    """Return how a calendar was read last, as it is wanted now; a changed one is read anew."""
    if known is None or known.url != wanted.url:
        return wanted
    if known.zone != wanted.zone:
        return replace(known, zone=wanted.zone, due_at=wanted.due_at, expanded_at=None)
    return known


def as_shifts(
    found: Sequence[WrittenShift], people: Mapping[PersonId, Person]
) -> tuple[TemporaryShift, ...]:
    """Turn what was matched into a layer's shifts."""
    by_name = {one.name: one.id for one in people.values()}
    return tuple(
        TemporaryShift(
            people=tuple(by_name[name] for name in one.people),
            start_at=one.start_at.replace(microsecond=0),
            end_at=one.end_at.replace(microsecond=0),
            turn=one.turn,
        )
        for one in found
    )


def from_now(
    found: Sequence[TemporaryShift], present: TemporaryShift | None, now: datetime
) -> tuple[TemporaryShift, ...]:
    """Cut what was found at `now`: history stays. A shift that goes on is one with its beginning.

    `present` is who had it at `now` until this reading.
    """
    later = [one for one in found if one.end_at > now]
    if not later or later[0].start_at >= now:
        return tuple(later)
    first = later[0]
    is_same = present is not None and present.people == first.people
    start_at = now if present is None or not is_same else present.start_at
    return (replace(first, start_at=start_at), *later[1:])


def why_not(
    one: CalendarLayer, found: CalendarShifts, matched: Imported, *, is_empty: bool
) -> str:
    """Say why a layer that has shifts must not become what was read; "": it may.

    `is_empty`: none of its shifts would be left. What was left out before too is missed by nobody.
    """
    fresh = [words for words in found.left_out if words not in one.left_out]
    if fresh:
        return f"a part of it takes too long to expand, so all stays as it was: {fresh[0]}"
    if not is_empty:
        return ""
    if matched.unknown:
        names = ", ".join(matched.unknown[:3])
        return f"nobody here is in any of its events ({names}), so all stays as it was"
    return "it has no events any more, so all stays as it was; to end it take the layer away"


def well(one: CalendarLayer, now: datetime) -> CalendarLayer:
    """Note that a calendar was read, or has not changed; what was left out is tried again soon."""
    due_at = now + (AFTER_FAILURE if one.left_out else AGAIN)
    return replace(one, read_at=now, failing_since=None, error="", due_at=due_at)


def failed(one: CalendarLayer, why: str, now: datetime) -> CalendarLayer:
    """Note that it could not be read: what was read last stays."""
    return replace(
        one, failing_since=one.failing_since or now, error=why[:ERROR_MAX],
        due_at=now + AFTER_FAILURE,
    )  # fmt: skip


def is_old(one: CalendarLayer, now: datetime) -> bool:
    """Say whether what a layer says was read too long ago to be relied on."""
    since = one.read_at or one.failing_since
    return since is not None and now - since >= OLD
