"""A store on a database of its own, and short ways to apply to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml
from kernel_world import MAYA, NOON, rows, units_of
from msgspec import convert

from tocsin.app.wiring import KINDS, compilers
from tocsin.flows.cautions import cautions
from tocsin.flows.planning import explain
from tocsin.kernel.actor import Actor
from tocsin.kernel.clock import FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Invalid
from tocsin.kernel.jobs import JobKind, JobKinds
from tocsin.kernel.resources import API_VERSION, Applied, ComeIntoForce, Document, Plan, Store
from tocsin.kernel.resources.reads import exported
from tocsin.kernel.worker import Worker


class Shelf:
    """A store, what is applied to it, and by whom."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock(NOON)
        self.store = Store(KINDS, compilers(), explain, cautions)
        later = JobKind(job=ComeIntoForce, mode="timer", run=self.store.come_into_force)
        self.units = units_of(database, clock=self.clock, kinds=JobKinds((later,)))
        self.worker = Worker(self.units, self.units.job_kinds, self.clock)

    async def apply(self, text: str, actor: Actor = MAYA) -> Applied:
        return await self.put([convert(d, Document) for d in yaml.safe_load_all(text)], actor)

    async def put(
        self, documents: Sequence[Document], actor: Actor = MAYA, *, prune: bool = False
    ) -> Applied:
        return await self.units.run(
            actor, lambda unit: self.store.apply(unit, documents, prune=prune)
        )

    async def refused(self, text: str) -> Invalid:
        """Apply what cannot be applied, and see to it that nothing of it was."""
        before = await self.dump()
        with pytest.raises(Invalid) as caught:
            await self.apply(text)
        assert await self.dump() == before
        return caught.value

    async def dump(self) -> list[list[tuple[Any, ...]]]:
        return [
            await rows(self.database, f"SELECT * FROM kernel.{table} ORDER BY 1, 2")
            for table in ("revisions", "resources", "resource_versions", "resource_private",
                          "intake_log")
        ]  # fmt: skip

    async def refresh(self) -> None:
        async with self.database.connection() as conn:
            await self.store.refresh(conn)

    async def plan(self, documents: Sequence[Document], *, prune: bool = False) -> Plan:
        """Say what an apply would do."""
        return await self.units.run(
            MAYA, lambda unit: self.store.plan(unit, documents, prune=prune)
        )

    async def export(self) -> list[Document]:
        """Return everything, as documents."""
        return await self.units.run(MAYA, lambda unit: exported(unit, self.store))

    async def forward(self, **amount: float) -> None:
        """Move the clock and do what is due then."""
        self.clock.forward(**amount)
        await self.worker.drain()


def document(kind: str, name: str, spec: Mapping[str, Any]) -> Document:
    return convert(
        {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec},
        Document,
    )
