"""One request after another of whoever sends much, in rotation, and after pages."""

import asyncio
import time
from collections import deque

from tocsin.kernel.errors import Unavailable
from tocsin.kernel.right_of_way import RightOfWay
from tocsin.signals.actions.pace import Pace
from tocsin.signals.core.fairness import next_turns

WAITING_MAX = 2_000  # requests; what each has sent waits in the kernel's buffers, not in ours
BUDGET_BYTES = 64 * 1024  # of requests that go at once: some hundred microseconds of work
GIVE_WAY_S = 0.02  # how long pages may hold up the next turn
LIGHT_PER_S = 50.0  # requests of one sender that need no turn
LIGHT_BURST = 100.0
WEIGHT_BYTES = 4096  # a request of more than this counts as several
NAMES_MAX = 2_000


class Turnstile:
    """Senders that send little pass; of the others, each gets its turn."""

    def __init__(self, way: RightOfWay, pace: Pace) -> None:
        self._way = way
        self._pace = pace
        self.count = 0
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._last = ""
        self._wake = asyncio.Event()
        self._passed = 0  # bytes that went without a turn since the loop was here last
        self._recent: dict[str, tuple[float, float]] = {}  # when, and how much

    def is_light(self, name: str) -> bool:
        """Say whether a sender was below what needs no turn at its last request."""
        seen = self._recent.get(name)
        return seen is None or seen[1] <= LIGHT_BURST

    def passes(self, name: str, size: int) -> bool:
        """Count a request of `size` bytes, and say whether it may be read without a turn."""
        return self._is_below(name, size) or self._is_way_free(size)

    async def wait(self, name: str, size: int) -> None:
        """Return when it is the turn of a request that may not pass. Raises Unavailable."""
        if self.count >= WAITING_MAX:
            raise Unavailable("too many requests wait for their turn", retry_after_s=1)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append((size, turn))
        self.count += 1
        self._wake.set()
        try:
            await turn
        finally:
            self.count -= 1

    async def run(self) -> None:
        """Let them through until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._pace.take(0)
                await self._way.give(GIVE_WAY_S)
                self._let()
                await asyncio.sleep(0)  # they work now

    def _let(self) -> None:
        sizes = {name: [size for size, _ in queue] for name, queue in self._waiting.items()}
        for name in next_turns(sizes, after=self._last, budget=BUDGET_BYTES):
            self._last = name
            _, turn = self._waiting[name].popleft()
            if not self._waiting[name]:
                del self._waiting[name]
            if not turn.done():  # else the sender went away
                turn.set_result(None)

    def _is_way_free(self, size: int) -> bool:
        """Say whether nobody would go first, now or in this turn's budget."""
        if self._waiting or self._way.is_held or self._pace.is_spent:
            return False
        if not self._passed:
            asyncio.get_running_loop().call_soon(self._begin_turn)
        self._passed += max(size, 1)
        return self._passed <= BUDGET_BYTES

    def _begin_turn(self) -> None:
        self._passed = 0

    def _is_below(self, name: str, size: int) -> bool:
        """Count a request, and say whether its sender is below what needs no turn."""
        now = time.monotonic()
        at, level = self._recent.get(name, (now, 0.0))
        level = max(0.0, level - (now - at) * LIGHT_PER_S)
        if len(self._recent) >= NAMES_MAX:
            self._recent.clear()
        weight = 1 + size // WEIGHT_BYTES
        self._recent[name] = (now, min(level + weight, 2 * LIGHT_BURST))
        return level < LIGHT_BURST
