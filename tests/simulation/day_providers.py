"""Providers with weather: they take a message, refuse it, fail for a while, or are slow."""

from collections.abc import Awaitable, Callable
from random import Random

from day_crashes import Fuse
from msgspec import Struct

from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent, TransientFailure

USED = (
    MethodKind.EMAIL,
    MethodKind.WEBHOOK,
    MethodKind.NTFY,
)  # what the people of these days are told by

SILENT = 0.2
RECEIPT_S = 60.0


class Weather(Struct):
    """How one kind of provider does just now."""

    failing: float = 0.0
    permanent: float = 0.0  # the part of the failures that will never pass


class Provider:
    """One channel of one process. What happens while it sends is up to the day."""

    def __init__(
        self,
        weather: Weather,
        fuse: Fuse,
        luck_of: Callable[[Outgoing], Random],
        meanwhile: Callable[[Outgoing, Random], Awaitable[None]],
        taken: Callable[[Outgoing, Random], None],
        refused: Callable[[Outgoing, Random], None],
    ) -> None:
        self._weather = weather
        self._fuse = fuse
        self._luck_of = luck_of
        self._meanwhile = meanwhile
        self._taken = taken
        self._refused = refused

    async def send(self, message: Outgoing) -> Outcome:
        """Try once."""
        self._fuse.burn("before a send")
        luck = self._luck_of(message)
        fails, forever = luck.random(), luck.random()
        await self._meanwhile(message, luck)
        if fails < self._weather.failing:
            self._refused(message, luck)
            self._fuse.burn("after a failed send")
            if forever < self._weather.permanent:
                return PermanentFailure("550 no such mailbox")
            return TransientFailure("451 try again later")
        self._taken(message, luck)
        self._fuse.burn("after a send")
        # now and then a receipt is promised, and none ever comes
        is_silent = luck.random() < SILENT
        return Sent(f"<{message.key}>", receipt_within_s=RECEIPT_S if is_silent else None)


def forecast(rng: Random) -> tuple[MethodKind, Weather]:
    """Say how which kind of provider will do for a while."""
    kind = rng.choice(USED)
    weather = Weather(rng.choice((0.0, 0.3, 0.5, 1.0)), rng.choice((0.0, 0.5, 1.0)))
    return kind, weather
