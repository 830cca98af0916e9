"""Who goes first in one process: what pages somebody, before what can wait a moment."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

HELD_MAX_S = 0.25  # a provider may take long to answer, and then nothing here is to be done


class RightOfWay:
    """Held while something is under way that a page waits for; others wait until it is free.

    All of it runs on one thread: what others do not begin is time that a page gets. They wait
    for a bounded time only, so that pages without end slow them and never stop them.
    """

    def __init__(self) -> None:
        self._holds: set[object] = set()
        self._is_free = asyncio.Event()
        self._is_free.set()

    @property
    def is_held(self) -> bool:
        """Say whether something is under way that goes first."""
        return bool(self._holds)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Go first until the end of the block, at most HELD_MAX_S."""
        hold = object()
        self._holds.add(hold)
        self._is_free.clear()
        late = asyncio.get_running_loop().call_later(HELD_MAX_S, self._release, hold)
        try:
            yield
        finally:
            late.cancel()
            self._release(hold)

    def linger(self, seconds: float) -> None:
        """Go first for a moment longer: what follows has not begun yet."""
        hold = object()
        self._holds.add(hold)
        self._is_free.clear()
        asyncio.get_running_loop().call_later(min(seconds, HELD_MAX_S), self._release, hold)

    async def give(self, limit_s: float) -> None:
        """Wait until nobody has it, at most `limit_s`."""
        if not self._holds:
            return
        try:
            async with asyncio.timeout(limit_s):
                await self._is_free.wait()
        except TimeoutError:
            return

    def _release(self, hold: object) -> None:
        self._holds.discard(hold)
        if not self._holds:
            self._is_free.set()
