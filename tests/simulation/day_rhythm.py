"""How a heartbeat may stand, worked out a second time from the documents: with `zoneinfo`.

Whoever got no answer does not know whether a ping was kept, so there may be several ways.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

EARLY = timedelta(seconds=5)
AGAIN_MAX = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Rhythm(Struct, frozen=True, kw_only=True):
    """A period; or a minute of each hour, or of one hour a day by the clocks of a zone."""

    every_s: int = 0
    minute: int = 0
    hour: int | None = None
    zone: str = "UTC"
    grace_s: int

    def after(self, at: datetime) -> datetime:
        """Walk from minute to minute until one is reached, or was skipped."""
        if self.every_s:
            return at + timedelta(seconds=self.every_s)
        now = (at + EARLY).replace(second=0, microsecond=0)
        before = now.astimezone(ZoneInfo(self.zone))
        while True:
            now += MINUTE
            local = now.astimezone(ZoneInfo(self.zone))
            if self._occurs(before.replace(tzinfo=None), local):
                return now
            before = local

    def _occurs(self, before: datetime, local: datetime) -> bool:
        if self.hour is None:
            return local.minute == self.minute
        naive = local.replace(tzinfo=None)
        wanted = naive.replace(hour=self.hour, minute=self.minute)
        return local.fold == 0 and before < wanted <= naive

    def grace(self, at: datetime) -> datetime:
        """Return the instant at which the grace after `at` is over."""
        return at + timedelta(seconds=self.grace_s)

    def ends_by(self, began: datetime) -> datetime:
        """Return until when a run may take."""
        return self.grace(began) if self.grace_s else self.after(began)


class Way(Struct, frozen=True, kw_only=True):
    """One way in which a heartbeat may stand; it is missed from `soonest` to `latest`."""

    state: str = "new"
    is_heard: bool = False
    expected: datetime | None = None
    began: datetime | None = None
    soonest: datetime | None = None
    latest: datetime | None = None
    owed: tuple[str, ...] = ()  # what the log has still to say

    @property
    def is_awaited(self) -> bool:
        """Say whether it is going to be missed."""
        return self.state in ("new", "up") and self.latest is not None


Step = tuple[str, datetime]  # a ping or an event, and its instant


def pinged(way: Way, rhythm: Rhythm, kind: str, now: datetime) -> Way:
    """Take a ping in."""
    way = replace(way, is_heard=True)
    if way.state == "paused":
        return way
    if kind == "ok":
        owed = (*way.owed, "recovered") if way.state == "down" else way.owed
        return replace(_up(rhythm, now), owed=owed)
    if kind == "fail":
        owed = way.owed if way.state == "down" else (*way.owed, "failed")
        return replace(way, state="down", began=None, owed=owed)
    if way.state == "down":
        return way
    ends_by = rhythm.ends_by(now)
    if way.expected is None:
        bound = way.latest or ends_by
        return replace(way, began=now, soonest=way.soonest or ends_by, latest=bound)
    regular = rhythm.grace(way.expected)
    return replace(
        way,
        began=now,
        soonest=min(ends_by, max(regular, way.soonest or regular)),
        latest=min(ends_by, max(regular, way.latest or regular)),
    )


def told(way: Way, rhythm: Rhythm, kind: str, at: datetime) -> Way | None:
    """Read an event; None: it cannot have happened this way."""
    match kind:
        case "missed" if way.is_awaited and not way.owed:
            is_due = way.soonest is not None and way.soonest <= at
            return replace(way, state="down", began=None) if is_due else None
        case "recovered" | "failed" if way.owed[:1] == (kind,):
            return replace(way, owed=way.owed[1:])
        case "paused":
            return Way(state="paused", is_heard=way.is_heard, owed=way.owed)
        case "resumed" if way.state == "paused":
            return _up(rhythm, at) if way.is_heard else Way()
        case _:
            return None


def overheard(way: Way, rhythm: Rhythm, since: datetime, until: datetime, *, sure: bool) -> Way:
    """Give it its time again, if its ping may have come while nobody could hear it.

    If it is not `sure` that this counts as deafness, it may get it.
    """
    awaited = [at for at in (way.began, way.expected) if at is not None]
    if not way.is_awaited or not awaited or min(awaited) > until:
        return way
    again = rhythm.grace(min(rhythm.after(until), until + AGAIN_MAX))
    soonest, latest = way.soonest, way.latest
    if latest is not None and latest >= since:
        latest = max(latest, again)
    if sure and soonest is not None and soonest >= since:
        soonest = max(soonest, again)
    return replace(way, soonest=soonest, latest=latest)


def follow(
    ways: Iterable[Way],
    rhythm: Rhythm,
    pings: Sequence[tuple[str, datetime, bool]],
    events: Sequence[Step],
) -> frozenset[Way]:
    """Return how it may stand after these, in whatever order pings and events came.

    A ping has a kind, an instant, and whether it is known to have been kept.
    """

    def ping(place: int, before: frozenset[Way]) -> frozenset[Way]:
        kind, at, is_kept = pings[place]
        after = frozenset(pinged(way, rhythm, kind, at) for way in before)
        return after if is_kept else after | before

    by_place = [frozenset(ways)]  # how it may stand after so many of the pings
    for place in range(len(pings)):
        by_place.append(ping(place, by_place[-1]))
    for kind, at in events:
        found = [{told(way, rhythm, kind, at) for way in before} for before in by_place]
        by_place = [frozenset(way for way in one if way is not None) for one in found]
        for place in range(len(pings)):
            by_place[place + 1] |= ping(place, by_place[place])
    return by_place[-1]


def is_so(way: Way, state: str, now: datetime) -> bool:
    """Say whether it may stand so when nothing is left to do."""
    if way.state != state or way.owed:
        return False
    return not way.is_awaited or way.latest is None or now < way.latest


def _up(rhythm: Rhythm, now: datetime) -> Way:
    expected = rhythm.after(now)
    due = rhythm.grace(expected)
    return Way(state="up", is_heard=True, expected=expected, soonest=due, latest=due)


def utc(at: datetime | None) -> str:
    """Write an instant for whoever reads a failure."""
    return "never" if at is None else f"{at.astimezone(UTC):%d %H:%M:%S}"
