"""An errand while it runs: its units, and the lease that says whose it is."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.kernel import job_queue
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.jobs import JobRow
from tocsin.kernel.sharing import Act, Sharing
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

HELD_FRESH = timedelta(seconds=job_queue.LEASE_S / 2)
STOPPING_S = 0.3  # a database that does not answer must not hold up the end


class LeaseLost(Exception):
    """Another worker has the errand now; this unit must not commit."""


class Errand:
    """An errand while it runs: its units, and its lease."""

    def __init__(self, units: Units, row: JobRow, worker: UUID, sharing: Sharing) -> None:
        self.units = units
        self.row = row
        self.is_passed_on = False  # another process can do it, and this one cannot
        self.is_back = False  # it was given back, and somebody must look when it is due
        self._sharing = sharing
        self._worker = worker
        self._held_at: datetime | None = None

    async def hold(self, unit: Unit) -> None:
        """Make sure that the lease is still ours before anything is sent. Raises LeaseLost."""
        if not await job_queue.hold(unit.conn, self.row.id, unit.now, worker=self._worker):
            raise LeaseLost(str(self.row.id))
        self._held_at = unit.now

    async def still_held(self) -> None:
        """Ask again if it was long ago that the lease was ours. Raises LeaseLost.

        Right before something leaves: this process may have been stopped since `hold`, and
        another one may have sent it.
        """
        held_at = self._held_at
        if held_at is None or self.units.clock.now() - held_at > HELD_FRESH:
            await self.units.run(SYSTEM, self.hold)

    async def save(self, act: Act, key: UUID | None = None) -> None:
        """Save what came of it in a unit; with a `key` in one that others share, see `Sharing.run`.

        What has happened outside has happened: where the process stops meanwhile, this is still
        saved, if that takes no longer than STOPPING_S.
        """
        units, sharing = self.units, self._sharing
        saving = asyncio.ensure_future(
            units.run(SYSTEM, act) if key is None else sharing.run(key, act)
        )
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await asyncio.wait((saving,), timeout=STOPPING_S)
            raise
        finally:
            saving.cancel()

    async def done(self, unit: Unit) -> None:
        """End the errand in the same transaction as its outcome. Raises LeaseLost."""
        if not await job_queue.finish(unit.conn, self.row.id, worker=self._worker):
            raise LeaseLost(str(self.row.id))

    async def pass_on(self) -> None:
        """Give the errand back for another process, which can do it. Raises LeaseLost."""
        await self.units.run(SYSTEM, lambda unit: self.again(unit, self.row.due_at))
        self.is_passed_on = True

    async def again(self, unit: Unit, at: datetime) -> None:
        """Give the errand back, due at `at`, in the same transaction. Raises LeaseLost."""
        if not await job_queue.release(unit.conn, self.row.id, worker=self._worker, due_at=at):
            raise LeaseLost(str(self.row.id))
        self.is_back = True
