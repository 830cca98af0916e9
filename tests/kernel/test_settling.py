"""A connection lost during COMMIT: what the database says of the unit's key decides, once."""

import asyncio

import pytest
from kernel_world import BELL, MAYA, Rang, bells, cast, make_bells, recorded, units_of

from fakes.patience import until_waiting
from fakes.wire_proxy import proxy
from tocsin.kernel import sealer
from tocsin.kernel.db import Database, connect
from tocsin.kernel.settling import OutcomeUnknown
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db


class Ringing:
    """A unit that counts how often it was run."""

    def __init__(self) -> None:
        self.runs = 0

    async def act(self, unit: Unit) -> int:
        self.runs += 1
        await cast(unit, f"bell {self.runs}")
        unit.record(Rang(bell_id=BELL))
        return self.runs


async def test_a_commit_that_was_not_heard_is_not_done_again(
    database: Database, dsn: str
) -> None:
    await make_bells(database)
    ringing = Ringing()
    async with proxy(dsn) as wire, Database(wire.conninfo, min_size=1) as far:
        wire.cuts_after = 1
        assert await units_of(far).run(MAYA, ringing.act) == 1
    assert (wire.commits_cut, ringing.runs) == (1, 1)
    assert await bells(database) == ["bell 1"]
    assert await recorded(database) == ["test.rang"]


async def test_a_commit_that_never_arrived_is_done_again(database: Database, dsn: str) -> None:
    await make_bells(database)
    ringing = Ringing()
    async with proxy(dsn) as wire, Database(wire.conninfo, min_size=1) as far:
        wire.cuts_before = 1
        assert await units_of(far).run(MAYA, ringing.act) == 2
    assert await bells(database) == ["bell 2"]
    assert await recorded(database) == ["test.rang"]


async def test_what_was_sealed_meanwhile_counts_as_committed(
    database: Database, dsn: str
) -> None:
    await make_bells(database)
    ringing = Ringing()
    async with proxy(dsn) as wire, Database(wire.conninfo, min_size=1) as far:
        wire.cuts_after, wire.silent_after = 1, True
        running = asyncio.ensure_future(units_of(far).run(MAYA, ringing.act))
        while not await recorded(database):
            await asyncio.sleep(0)
        async with database.connection() as conn:
            assert await sealer.seal(conn) == 1
        wire.is_down = False
        assert await running == 1
    assert await bells(database) == ["bell 1"]


async def test_a_commit_that_still_waits_in_the_server_is_waited_for(
    database: Database, dsn: str
) -> None:
    await make_bells(database)
    with connect(dsn) as other:  # a constraint that is checked at COMMIT, behind a lock
        other.execute(
            """
            CREATE TABLE public.gate (n integer);
            CREATE FUNCTION public.pass() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN LOCK TABLE public.gate; RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER gated AFTER INSERT ON public.bells
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.pass()
            """
        )
        other.execute("BEGIN")
        other.execute("LOCK TABLE public.gate")
        ringing = Ringing()
        async with proxy(dsn) as wire, Database(wire.conninfo, min_size=1) as far:
            wire.cuts_after = 1
            running = asyncio.ensure_future(units_of(far).run(MAYA, ringing.act))
            await until_waiting(database, 2)  # the unit, and the question about it
            other.execute("COMMIT")
            await running
    assert len(await bells(database)) == 1
    assert await recorded(database) == ["test.rang"]


async def test_an_outcome_that_nobody_can_tell_is_said_to_be_unknown(
    database: Database, dsn: str
) -> None:
    await make_bells(database)
    ringing = Ringing()
    async with (
        proxy(dsn) as wire,
        Database(wire.conninfo, min_size=1, wait_limit_s=0.05) as far,
    ):
        wire.cuts_after, wire.silent_after = 1, True
        with pytest.raises(OutcomeUnknown, match="look before you do it again"):
            await units_of(far).run(MAYA, ringing.act)
    assert ringing.runs == 1
