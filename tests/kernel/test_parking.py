"""The parking lot: what may come later does come, and what never passes stays in sight."""

from typing import Any

import pytest
from kernel_world import (
    BELL,
    MAYA,
    NOON,
    Echoed,
    Faded,
    Rang,
    job_kinds,
    recorded,
    rows,
    units_of,
)

from tocsin.kernel.clock import FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.events import Catalog
from tocsin.kernel.parking import GIVE_UP_AFTER, retrier
from tocsin.kernel.reactions import Reactions, may
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.kernel.worker import Worker

pytestmark = pytest.mark.db


class Lot:
    """Units with one MAY reaction that fails as often as it is told to."""

    def __init__(self, database: Database) -> None:
        self.failures_left = 0
        self.clock = FakeClock(NOON)
        reactions: Reactions = {Rang: [may(self.echo)]}
        retry = retrier(reactions, Catalog([Rang, Echoed, Faded]))
        kinds = job_kinds(retry=retry)
        self.units: Units = units_of(database, reactions, kinds, self.clock)
        self.worker = Worker(self.units, kinds, self.clock)

    async def echo(self, unit: Unit, event: Any) -> None:
        unit.record(Echoed(bell_id=event.bell_id))
        if self.failures_left:
            self.failures_left -= 1
            raise RuntimeError("not yet")

    async def ring(self) -> None:
        async def act(unit: Unit) -> None:
            unit.record(Rang(bell_id=BELL))

        await self.units.run(MAYA, act)


async def test_a_parked_reaction_is_tried_until_it_passes_and_names_its_cause(
    database: Database,
) -> None:
    lot = Lot(database)
    lot.failures_left = 4
    await lot.ring()
    for attempts in (1, 2, 3):
        assert await rows(database, "SELECT attempts FROM kernel.parked") == [(attempts,)]
        assert await recorded(database) == ["test.rang", "kernel.reaction_parked"]
        lot.clock.forward(minutes=11)
        assert await lot.worker.drain() == 1
    lot.clock.forward(minutes=11)
    await lot.worker.drain()
    assert await rows(database, "SELECT attempts FROM kernel.parked") == []
    assert await rows(database, "SELECT id FROM kernel.jobs") == []
    assert await rows(
        database,
        """
        SELECT a.id = (b.line::jsonb ->> 'cause')::uuid
          FROM kernel.intake_log a, kernel.intake_log b
         WHERE a.kind = 'test.rang' AND b.kind = 'test.echoed'
        """,
    ) == [(True,)]


async def test_one_that_never_passes_is_given_up_and_stays_where_an_operator_sees_it(
    database: Database,
) -> None:
    lot = Lot(database)
    lot.failures_left = 1000
    await lot.ring()
    for _ in range(GIVE_UP_AFTER + 5):
        lot.clock.forward(hours=1)
        await lot.worker.drain()
    assert await rows(database, "SELECT error FROM kernel.parked") == [
        ("RuntimeError: not yet",)
    ]
    assert await rows(database, "SELECT id FROM kernel.jobs") == []
