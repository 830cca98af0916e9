"""Count what integrations send, in memory: the door adds, and somebody takes it all now and then."""

from datetime import datetime, timedelta

from msgspec import Struct

NAMES_MAX = 2000  # integrations counted between two looks; more is a stranger's game
ERRORS_KEPT = 20  # of one integration
ERROR_MAX = 500


class Mishap(Struct, frozen=True):
    """A message that was refused."""

    at: datetime
    status: int
    error: str


class Counted(Struct, kw_only=True):
    """What one integration has sent since the last look."""

    format: str = ""
    last_message_at: datetime | None = None
    messages: int = 0
    signals: int = 0
    refusals: int = 0
    mishaps: list[Mishap]


class Tally:
    """One per process; a count costs a look into a dict and a few additions."""

    def __init__(self) -> None:
        self._found: dict[str, Counted] = {}

    def kept(self, integration: str, form: str, count: int, now: datetime) -> None:
        """Count a request that is on disk, with `count` signals in it."""
        counted = self._found.get(integration)
        if counted is None:
            if len(self._found) >= NAMES_MAX:
                return
            counted = self._found[integration] = Counted(mishaps=[])
        counted.format = form
        counted.last_message_at = now
        counted.messages += 1
        counted.signals += count

    def refused(
        self, integration: str, form: str, status: int, error: str, now: datetime
    ) -> None:
        """Count a request that was refused; the newest ERRORS_KEPT are remembered by word."""
        counted = self._found.get(integration)
        if counted is None:
            if len(self._found) >= NAMES_MAX:
                return
            counted = self._found[integration] = Counted(mishaps=[])
        counted.format = counted.format or form
        counted.refusals += 1
        text = error.replace("\0", "\ufffd")[:ERROR_MAX]
        counted.mishaps.append(Mishap(now, status, text))
        del counted.mishaps[:-ERRORS_KEPT]

    def take(self) -> dict[str, Counted]:
        """Return what was counted since the last call, and begin again."""
        found, self._found = self._found, {}
        return found

    def put_back(self, found: dict[str, Counted]) -> None:
        """Count what was taken and could not be written down once more."""
        newer, self._found = self._found, found
        for name, late in newer.items():
            early = found.get(name)
            if early is None:
                if len(found) < NAMES_MAX:
                    found[name] = late
                continue
            early.format = late.format or early.format
            early.last_message_at = late.last_message_at or early.last_message_at
            early.messages += late.messages
            early.signals += late.signals
            early.refusals += late.refusals
            early.mishaps = [*early.mishaps, *late.mishaps][-ERRORS_KEPT:]


def minute_of(at: datetime) -> datetime:
    """Return the minute that `at` falls into."""
    return at.replace(second=0, microsecond=0)


def rates(minutes: dict[datetime, int], now: datetime, *, length: int = 60) -> tuple[int, ...]:
    """Return the counts of the last `length` minutes, the oldest first, with the gaps as 0."""
    end = minute_of(now)
    return tuple(
        minutes.get(end - timedelta(minutes=ago), 0) for ago in range(length - 1, -1, -1)
    )
