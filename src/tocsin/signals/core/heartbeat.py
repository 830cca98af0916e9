"""Decide how a heartbeat stands after a ping, after a look, and after an edit. Pure.

NEW → UP by a good ping; UP → LATE when it is expected and not there, → DOWN when its grace is
over; a failure is DOWN at once; a good ping is UP from anywhere but PAUSED. Terms and rules as
healthchecks.io has them (hc/api/models.py: Check), with what a deaf Tocsin adds.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from tocsin.signals.core.expecting import expected_after
from tocsin.signals.model import FOR_EVER, Beat, BeatState, Deaf, PingKind, Rule

AGAIN_MAX = timedelta(hours=1)
"""For so long after having been deaf, at most, a job may take until it is heard of again."""

REMIND = timedelta(hours=1)
"""No more often than that a job that stays away is spoken of again, if somebody called it over."""


class Outcome(StrEnum):
    """What came of a ping or a look."""

    NOTHING = "nothing"
    RECOVERED = "recovered"
    FAILED = "failed"
    MISSED = "missed"
    STILL_DOWN = "still_down"
    HELD = "held"  # nobody could have been heard: it gets more time
    ENDED = "ended"  # it was down, and is not looked after any more


class Step(Struct, frozen=True):
    """How a heartbeat stands now, and what came of it."""

    beat: Beat
    outcome: Outcome = Outcome.NOTHING


def heard(beat: Beat, rule: Rule, kind: PingKind, now: datetime) -> Step:
    """Take a ping in. One of a paused heartbeat is noted, and changes nothing."""
    if beat.state is BeatState.PAUSED:
        return Step(replace(beat, heard_at=now))
    match kind:
        case PingKind.OK:
            was_down = beat.state is BeatState.DOWN
            return Step(_up(rule, now), Outcome.RECOVERED if was_down else Outcome.NOTHING)
        case PingKind.START:
            return Step(_started(beat, rule, now))
        case PingKind.FAIL:
            return Step(_down(replace(beat, heard_at=now), rule, now), Outcome.FAILED)


def look(beat: Beat, rule: Rule, now: datetime, deaf: Deaf | None = None) -> Step:
    """Say whether a heartbeat is missed at `now`; `deaf` is when nobody could be heard last."""
    if beat.state is BeatState.PAUSED or beat.due_at is None or now < beat.due_at:
        return Step(beat)
    if beat.state is BeatState.DOWN:
        return Step(_down(beat, rule, now), Outcome.STILL_DOWN)
    until = _held_until(beat, rule, deaf)
    if until is not None and now < until:
        return Step(replace(beat, due_at=until), Outcome.HELD)
    return Step(_down(beat, rule, now), Outcome.MISSED)


def shown(beat: Beat, now: datetime) -> BeatState:
    """Return how a heartbeat stands, LATE included."""
    is_late = beat.expected_at is not None and beat.expected_at <= now
    return BeatState.LATE if beat.state is BeatState.UP and is_late else beat.state


def paused(beat: Beat) -> Step:
    """Look after it no more; what was down counts as over."""
    outcome = Outcome.ENDED if beat.state is BeatState.DOWN else Outcome.NOTHING
    after = Beat(state=BeatState.PAUSED, heard_at=beat.heard_at, ok_at=beat.ok_at)
    return Step(after, outcome)


def resumed(beat: Beat, rule: Rule, now: datetime) -> Step:
    """Look after it again: what was heard of before is expected as if that were now."""
    if beat.state is not BeatState.PAUSED:
        return Step(beat)
    if beat.heard_at is None:
        return Step(Beat())
    return Step(replace(_up(rule, now), heard_at=beat.heard_at, ok_at=beat.ok_at))


def edited(beat: Beat, rule: Rule, now: datetime) -> Beat:
    """Judge by another rule from now on; nobody is missed at once by a rule that is new."""
    if beat.state is not BeatState.UP or beat.ok_at is None:
        return beat
    expected_at = expected_after(rule, beat.ok_at)
    if later(expected_at, rule.grace_s) <= now:
        expected_at = expected_after(rule, now)
    due_at = later(expected_at, rule.grace_s)
    if beat.started_at is not None:
        due_at = min(due_at, _ends_by(rule, now))
    return replace(beat, expected_at=expected_at, due_at=due_at)


def later(at: datetime, seconds: int) -> datetime:
    """Return the instant `seconds` after `at`; FOR_EVER stays what it is."""
    return at if at >= FOR_EVER else at + timedelta(seconds=seconds)


def _up(rule: Rule, now: datetime) -> Beat:
    expected_at = expected_after(rule, now)
    return Beat(
        state=BeatState.UP, heard_at=now, ok_at=now, expected_at=expected_at,
        due_at=later(expected_at, rule.grace_s),
    )  # fmt: skip


def _started(beat: Beat, rule: Rule, now: datetime) -> Beat:
    """Expect the end of a run within the grace time, and when it was expected in any case."""
    after = replace(beat, heard_at=now, started_at=now)
    ends_by = _ends_by(rule, now)
    match beat.state:
        case BeatState.NEW:  # whose runs never end was never heard well: the first one counts
            return replace(after, due_at=beat.due_at or ends_by)
        case BeatState.UP if beat.expected_at is not None and beat.due_at is not None:
            # later than that where it was given more time
            due_at = max(later(beat.expected_at, rule.grace_s), beat.due_at)
            return replace(after, due_at=min(due_at, ends_by))
        case _:
            return after


def _ends_by(rule: Rule, began_at: datetime) -> datetime:
    """Return until when a run may take; without a grace time, until it is expected again."""
    return later(began_at, rule.grace_s) if rule.grace_s else expected_after(rule, began_at)


def _down(beat: Beat, rule: Rule, now: datetime) -> Beat:
    expected_at = expected_after(rule, now)
    return replace(
        beat, state=BeatState.DOWN, started_at=None, down_at=beat.down_at or now,
        expected_at=expected_at,
        due_at=max(later(expected_at, rule.grace_s), now + REMIND),
    )  # fmt: skip


def _held_until(beat: Beat, rule: Rule, deaf: Deaf | None) -> datetime | None:
    """Return until when to wait where its ping may have come while nobody heard it."""
    if deaf is None or beat.due_at is None or beat.due_at < deaf.since:
        return None
    awaited = [at for at in (beat.started_at, beat.expected_at) if at is not None]
    if awaited and min(awaited) > deaf.until:
        return None
    again_at = min(expected_after(rule, deaf.until), deaf.until + AGAIN_MAX)
    until = later(again_at, rule.grace_s)
    if beat.started_at is not None and beat.started_at > deaf.until:
        return min(until, _ends_by(rule, beat.started_at))  # it was heard again
    return until
