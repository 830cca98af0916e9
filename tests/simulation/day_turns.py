"""Whose turn it is on schedules that are edited, worked out a second time: with `zoneinfo`."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct


class Stretch(Struct, frozen=True):
    """From `since` on (None: always) turn `turn` is that of the person at `place`."""

    since: datetime | None
    people: tuple[str, ...]
    turn: int = 0
    place: int = 0


Turns = tuple[Stretch, ...]


def edited(
    spec: dict[str, Any], before: Turns | None, now: datetime, there: Collection[str]
) -> Turns:
    """Whoever is on call stays until their turn ends, if they are there; the order goes on."""
    people = tuple(spec["rotation"]["people"])
    if before is None:
        return (Stretch(None, people),)
    if before[-1].people == people:
        return before
    kept = tuple(one for one in before if one.since is None or one.since <= now)
    last = kept[-1]
    if last.people == people:
        return kept
    turn, end = _turn(spec, now)
    if turn < 0:
        return (*kept, Stretch(now, people))
    at = (last.place + turn - last.turn) % len(last.people)
    holder = last.people[at]
    since = end if holder in there else now
    kept = tuple(one for one in kept if one.since != since)
    if holder in people:
        return (*kept, Stretch(since, people, turn, people.index(holder)))
    order = [last.people[(at + n) % len(last.people)] for n in range(1, len(last.people))]
    heir = next((people.index(one) for one in order if one in people), 0)
    return (*kept, Stretch(since, people, turn + 1, heir))


def on_call(spec: dict[str, Any], turns: Sequence[Stretch], at: datetime) -> str | None:
    """Walk from handoff to handoff, a day's clock time after the other."""
    turn, _ = _turn(spec, at)
    valid = [one for one in turns if one.since is None or one.since <= at][-1]
    if turn < 0:
        return None
    return valid.people[(valid.place + turn - valid.turn) % len(valid.people)]


def _turn(spec: dict[str, Any], at: datetime) -> tuple[int, datetime]:
    rotation, zone = spec["rotation"], ZoneInfo(spec["timezone"])
    local = datetime.fromisoformat(rotation["start"])
    days = 7 if rotation["every"] == "week" else 1
    turn = -1
    while (handoff := local.replace(tzinfo=zone).astimezone(UTC)) <= at:
        local += timedelta(days=days)
        turn += 1
    return turn, handoff
