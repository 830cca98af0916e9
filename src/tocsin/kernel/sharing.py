"""Small acts of many tasks in few units: those that wait at the same time share one."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

HANDS = 2
TOGETHER_MAX = 16

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
        try:
            async with self._hands:
                while mine in self._waiting:
                    await self._together()
            await mine.ended
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)

    async def _together(self) -> None:
        parts = self._waiting[:TOGETHER_MAX]
        del self._waiting[:TOGETHER_MAX]
        parts.sort(key=lambda part: part.key)

        async def act(unit: Unit) -> None:
            for part in parts:
                await part.act(unit)

        try:
            await self._units.run(SYSTEM, act)
        except Exception as error:  # noqa: BLE001 - door: each task hears of its own act only
            await self._apart(parts, error)
        except BaseException:  # the process stops
            for part in parts:
                part.ended.cancel()
            raise
        else:
            for part in parts:
                part.succeed()

    async def _apart(self, parts: list[_Part], error: Exception) -> None:
        """Run each alone after some that shared a unit have failed."""
        if len(parts) == 1:
            parts[0].fail(error)
            return
        for at, part in enumerate(parts):
            try:
                await self._units.run(SYSTEM, part.act)
            except Exception as own:  # noqa: BLE001 - door: its task hears of it
                part.fail(own)
            except BaseException:
                for left in parts[at:]:
                    left.ended.cancel()
                raise
            else:
                part.succeed()
