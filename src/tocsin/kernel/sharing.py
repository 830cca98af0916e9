"""Small acts of many tasks in few units: those that wait at the same time share one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.logs import Log
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

HANDS = 2
TOGETHER_MAX = 16
_IMPATIENT = "SET LOCAL lock_timeout = '250ms'"
log = Log("sharing")

Act = Callable[[Unit], Awaitable[None]]


class _Part:
    """One act, and what its task waits for: whether it was committed with the others."""

    def __init__(self, key: UUID, act: Act) -> None:
        self.key = key
        self.act = act
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Sharing:
    """Runs acts as the system, several in one unit while there are many."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._waiting: list[_Part] = []
        self._hands = asyncio.Semaphore(HANDS)

    async def run(self, key: UUID, act: Act) -> None:
        """Return once `act` is committed; raises what it raises, and others' failures never.

        It locks what `key` names and nothing else: acts that share go in the order of their
        keys, so that no two units wait for each other. It may run more than once, even after
        its commit, where the task that led the unit is cancelled just then.
        """
        mine = _Part(key, act)
        self._waiting.append(mine)
        try:
            async with self._hands:
                while mine in self._waiting:
                    await self._together()
            is_committed = await mine.ended
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        if not is_committed:  # without a hand: it may take long
            await self._units.run(SYSTEM, act)

    async def _together(self) -> None:
        """Run what waits in one unit; where that fails, each task runs its own act alone."""
        parts = self._waiting[:TOGETHER_MAX]
        del self._waiting[:TOGETHER_MAX]
        parts.sort(key=lambda part: part.key)
        is_committed = False
        try:
            await self._units.run(SYSTEM, _all_of(parts))
            is_committed = True
        except Exception as error:  # noqa: BLE001 - door: each task hears of its own act only
            log.info("shared.apart", acts=len(parts), error=f"{type(error).__name__}: {error}")
        finally:  # where this task is cancelled, the others go on
            for part in parts:
                if not part.ended.done():  # else nobody waits any more
                    part.ended.set_result(is_committed)


def _all_of(parts: Sequence[_Part]) -> Act:
    async def act(unit: Unit) -> None:
        # whose subject is locked for long must not hold up all others
        await unit.conn.execute(_IMPATIENT)
        for part in parts:
            await part.act(unit)

    return act
