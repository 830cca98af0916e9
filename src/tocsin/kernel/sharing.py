"""Small acts of many tasks in few units: those that wait at the same time share one."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

HANDS = 2
TOGETHER_MAX = 16
_IMPATIENT = "SET LOCAL lock_timeout = '250ms'"

Act = Callable[[Unit], Awaitable[None]]


class _Part:
    """One act, and what its task waits for."""

    def __init__(self, key: UUID, act: Act) -> None:
        self.key = key
        self.act = act
        self.ended = asyncio.get_running_loop().create_future()

    def fail(self, error: BaseException) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)

    def succeed(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


class Sharing:
    """Runs acts as the system, several in one unit while there are many."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._waiting: list[_Part] = []
        self._hands = asyncio.Semaphore(HANDS)

    async def run(self, key: UUID, act: Act) -> None:
        """Return once `act` is committed; raises what it raises, and others' failures never.

        It locks what `key` names and nothing else: acts that share go in the order of their
        keys, so that no two units wait for each other. It may run more than once.
        """
        mine = _Part(key, act)
        self._waiting.append(mine)
        failed: list[_Part] = []
        try:
            async with self._hands:
                while mine in self._waiting:
                    failed += await self._together()
            await self._apart(failed)  # without a hand: it may take long
            await mine.ended
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
            mine.ended.cancel()  # nobody waits any more

    async def _together(self) -> list[_Part]:
        """Run what waits in one unit; return what must be run apart, for they failed together."""
        parts = self._waiting[:TOGETHER_MAX]
        del self._waiting[:TOGETHER_MAX]
        parts.sort(key=lambda part: part.key)

        try:
            await self._units.run(SYSTEM, _all_of(parts))
        except Exception:  # noqa: BLE001 - door: each task hears of its own act only
            return parts
        except BaseException:  # the process stops
            for part in parts:
                part.ended.cancel()
            raise
        else:
            for part in parts:
                part.succeed()
        return []

    async def _apart(self, parts: list[_Part]) -> None:
        """Run each alone, all at once: where the database is away each waits as it would have."""
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(self._alone(part))

    async def _alone(self, part: _Part) -> None:
        try:
            await self._units.run(SYSTEM, part.act)
        except Exception as error:  # noqa: BLE001 - door: its task hears of it
            part.fail(error)
        except BaseException:
            part.ended.cancel()
            raise
        else:
            part.succeed()


def _all_of(parts: list[_Part]) -> Act:
    async def act(unit: Unit) -> None:
        # whose subject is locked for long must not hold up all others
        await unit.conn.execute(_IMPATIENT)
        for part in parts:
            await part.act(unit)

    return act
