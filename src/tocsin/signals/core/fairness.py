"""Who is taken when there is more than can be taken; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Queue(Struct, frozen=True, kw_only=True):
    """What waits, in bytes: of everybody, and of one who wants to add something."""

    size: int
    own: int
    senders: int  # that have something in it, the one who asks among them
    size_max: int


class Place(StrEnum):
    """Whether there is room in a queue for one more request of somebody."""

    ROOM = "room"
    OVER_SHARE = "over share"
    FULL = "full"


def place_in(queue: Queue, *, ends: bool = False) -> Place:
    """Say whether something may be added.

    Up to half anybody may. Above it nobody may have more than an equal share of that half, so
    that who comes later finds room; `ends`, news that something is over, has all of the rest.
    """
    if queue.size > queue.size_max:
        return Place.FULL
    half = queue.size_max // 2
    if ends or queue.size <= half or queue.own <= half // max(1, queue.senders):
        return Place.ROOM
    return Place.OVER_SHARE


def lags(
    oldest_at: Mapping[str, datetime], *, now: datetime, limit_s: float
) -> dict[str, float]:
    """Say of each sender that is too far behind for more by how many seconds it is.

    Who has nothing waiting, or little, is not among them however far behind another is.
    """
    found = {name: (now - at).total_seconds() for name, at in oldest_at.items()}
    return {name: lag_s for name, lag_s in found.items() if lag_s > limit_s}


def next_turns(
    waiting: Mapping[str, Sequence[int]], *, after: str, budget: int
) -> tuple[str, ...]:
    """Name those who go next, in rotation from the one behind `after`, one request at a time.

    `waiting` has the sizes of what each waits with. They go on while what has gone is below
    `budget`, so one goes in any case and none is passed over twice.
    """
    names = sorted(name for name, sizes in waiting.items() if sizes)
    start = next((at for at, name in enumerate(names) if name > after), 0)
    rotation = names[start:] + names[:start]
    turns: list[str] = []
    gone, nth = 0, 0
    while rotation:
        for name in rotation:
            if gone >= budget:
                return tuple(turns)
            turns.append(name)
            gone += waiting[name][nth]
        nth += 1
        rotation = [name for name in rotation if len(waiting[name]) > nth]
    return tuple(turns)
