"""Updates: carried to reactions in the same unit, and never written to the log."""

from uuid import UUID

import pytest
from kernel_world import BELL, MAYA, Echoed, Rang, units_of

from tocsin.kernel.db import Database
from tocsin.kernel.events import Update
from tocsin.kernel.reactions import must
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

pytestmark = pytest.mark.db


class Counted(Update, frozen=True, tag="test.counted"):
    """So many bells hang there."""

    bell_id: UUID
    count: int


class Seen:
    """What reactions were given, and what the log holds."""

    def __init__(self) -> None:
        self.counts: list[int] = []


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def units(database: Database, seen: Seen) -> Units:
    async def count(unit: Unit, update: Counted) -> None:
        seen.counts.append(update.count)
        if update.count > 1:
            unit.record(Echoed(bell_id=update.bell_id))

    async def tell(unit: Unit, event: Rang) -> None:
        unit.tell(Counted(bell_id=event.bell_id, count=2))

    return units_of(database, {Rang: (must(tell),), Counted: (must(count),)})


async def logged(units: Units) -> list[tuple[str, UUID | None]]:
    async with units.db.connection() as conn:
        cursor = await conn.execute(
            "SELECT kind, (line::jsonb ->> 'cause')::uuid FROM kernel.intake_log ORDER BY ordinal"
        )
        return list(await cursor.fetchall())


async def test_a_unit_that_only_tells_writes_no_log(units: Units, seen: Seen) -> None:
    async def act(unit: Unit) -> None:
        unit.tell(Counted(bell_id=BELL, count=1))

    await units.run(MAYA, act)
    assert seen.counts == [1]
    assert await logged(units) == []


async def test_what_follows_from_an_update_has_the_cause_of_the_update(
    units: Units, seen: Seen
) -> None:
    async def act(unit: Unit) -> UUID:
        unit.record(Rang(bell_id=BELL))
        return unit.events[0].id

    rang_id = await units.run(MAYA, act)
    assert seen.counts == [2]
    assert await logged(units) == [("test.rang", None), ("test.echoed", rang_id)]


async def test_a_unit_that_fails_has_told_nothing(units: Units, seen: Seen) -> None:
    async def act(unit: Unit) -> None:
        unit.tell(Counted(bell_id=BELL, count=3))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await units.run(MAYA, act)
    assert (seen.counts, await logged(units)) == ([], [])
