"""How long the past and the hour are, who lives through it, and what is seen meanwhile."""

import asyncio
import math
from datetime import date, datetime, timedelta

import psycopg
from kill_http import Wire
from kill_server import Tocsin, until
from msgspec import Struct
from soak_gauge import Slice, partitions, read
from soak_life import Reader, Responder, Screens, Sender, hold_snapshot, until_told
from soak_past import WINDOW
from soak_time import Postgres, Warp

from tocsin.triage.model import REOPEN_WITHIN_S

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SCREENS = 5
DROP_LIMIT_S = 30.0  # of ours, after a day has begun
SETTLE_LIMIT_S = 120.0
LONGEST_TIMER = timedelta(hours=1)  # of the organisation's policy


class Plan(Struct, frozen=True, kw_only=True):
    """How long the past is, how long the hour, and how fast it goes by."""

    lived: int  # incidents that went through the real path before
    copies: int
    minutes: float
    rate: float
    is_long: bool  # long enough to judge memory and latency by

    @property
    def retention_days(self) -> int:
        """Less than the past is long: some of it must go."""
        return max(1, int(self.copies * WINDOW * 0.7 / DAY))

    @property
    def slices(self) -> int:
        """How often it is measured."""
        return 12 if self.is_long else 3

    @property
    def most(self) -> int:
        """How many incidents of a sender fire at a time."""
        return 20 if self.is_long else 5

    @property
    def new(self) -> int:
        """How many of a sender are new in a minute."""
        return 1

    @property
    def warm_up(self) -> timedelta:
        """How long it takes until as many fire as ever."""
        return 10 * MINUTE if self.is_long else MINUTE / 2


async def until_nothing_is_left(postgres: Postgres, warp: Warp) -> None:
    """Wait until all is sorted; then let so much time go by that it has all ended."""
    await until_true(postgres, "SELECT NOT EXISTS (SELECT FROM signals.inbox)")
    warp.put(warp.now() + timedelta(seconds=REOPEN_WITHIN_S + 60))
    # senders that were away for so long get time to come back first
    await until_true(
        postgres, "SELECT NOT EXISTS (SELECT FROM triage.alerts WHERE state = 'firing')"
    )
    # the timer of a page that is over stays until it is due, and does nothing then
    warp.put(warp.now() + 2 * LONGEST_TIMER)
    await until_true(
        postgres,
        """
        SELECT NOT EXISTS (SELECT FROM triage.groups WHERE state <> 'ended')
           AND NOT EXISTS (SELECT FROM kernel.jobs WHERE kind <> 'oncall.check_paths')
           AND NOT EXISTS (SELECT FROM kernel.intake_log)
        """,
    )


async def until_true(postgres: Postgres, statement: str) -> None:
    """Ask the database again and again."""

    def ask() -> bool:
        with psycopg.connect(postgres.conninfo, autocommit=True) as conn:
            return conn.execute(statement.encode()).fetchone() == (True,)

    async def is_true() -> bool:
        return await asyncio.to_thread(ask)

    try:
        await until(is_true, limit_s=SETTLE_LIMIT_S, what=statement)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{_left(postgres)}") from error


def _left(postgres: Postgres) -> str:
    """Say what has not ended."""
    asked = (
        "SELECT clock_timestamp()::text",
        "SELECT state, storm, integration, count(*) FROM triage.groups WHERE state <> 'ended' GROUP BY 1, 2, 3",
        "SELECT state, opened_at, due_at, cleared_at, title FROM triage.groups WHERE state <> 'ended' LIMIT 5",
        "SELECT kind, count(*), min(due_at)::text FROM kernel.jobs GROUP BY kind",
        """
        SELECT p.state, p.epoch, p.opened_at::text, i.number, i.status, i.opened_at::text, i.title
          FROM oncall.pages p JOIN command.incidents i ON i.id = p.incident_id
         WHERE p.state <> 'resolved' LIMIT 5
        """,
    )
    with psycopg.connect(postgres.conninfo, autocommit=True) as conn:
        found = [row for one in asked for row in conn.execute(one.encode()).fetchall()]
    return "\n".join(map(str, found))


class Hour:
    """The hour, and some days after it that go by at once."""

    def __init__(
        self, plan: Plan, postgres: Postgres, warp: Warp, tocsin: Tocsin, tokens: dict[str, str]
    ) -> None:
        self._plan = plan
        self._postgres = postgres
        self._warp = warp
        self._tocsin = tocsin

        def wire(token: str) -> Wire:
            return Wire(tocsin.port, token)

        admin = tocsin.admin.token
        self.probe = Sender("probe", wire(tokens["probe"]), warp, "hour")
        self.senders = [
            Sender(name, wire(token), warp, "hour")
            for name, token in tokens.items()
            if name != "probe"
        ]
        self.responder = Responder(wire(admin), warp)
        self.reader = Reader(wire(admin), postgres.conninfo, self.probe)
        self.screens = Screens([wire(admin) for _ in range(SCREENS)])
        self.slices: list[Slice] = []

    @property
    def opened(self) -> int:
        """How many incidents were let begin."""
        return sum(len(one.services) for one in (*self.senders, self.probe))

    @property
    def requests(self) -> int:
        """How many requests with alerts were taken."""
        return sum(one.requests for one in (*self.senders, self.probe))

    @property
    def refused(self) -> int:
        """How many were refused, and sent again."""
        return sum(one.refused for one in (*self.senders, self.probe))

    async def live(self, begins_at: datetime) -> None:
        """Live it, with a backup that reads over midnight."""
        plan, warp = self._plan, self._warp
        length = plan.minutes * MINUTE
        ends_at = begins_at + length
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for sender in self.senders:
                group.create_task(self._send(sender, begins_at, ends_at))
            group.create_task(self.responder.live(ends_at))
            group.create_task(self.reader.live(stop))
            group.create_task(self.screens.live(stop))
            await until_told(warp, begins_at)
            for turn in range(1, plan.slices + 1):
                self.reader.slice = Slice()
                if turn == plan.slices // 2:
                    over = warp.now() + 2 * length / plan.slices
                    group.create_task(hold_snapshot(self._postgres.conninfo, warp, over))
                await until_told(warp, begins_at + length * turn / plan.slices)
                self.reader.slice.reading = await asyncio.to_thread(
                    read, self._tocsin, self._postgres
                )
                self.slices.append(self.reader.slice)
            stop.set()

    async def _send(self, sender: Sender, begins_at: datetime, ends_at: datetime) -> None:
        plan = self._plan
        early = math.ceil(plan.most / max(1.0, plan.warm_up / MINUTE))
        await sender.live(begins_at, new=early, most=plan.most)
        await sender.live(ends_at, new=plan.new, most=plan.most)

    async def days(self, count: int) -> int:
        """Put the clock forward a day at a time; each makes a partition, and drops one."""
        for _ in range(count):
            before = await asyncio.to_thread(partitions, self._postgres)
            self._warp.put(self._warp.now() + DAY)
            await self.probe.open()
            await self.until_kept(before)
        return count

    async def until_kept(self, before: set[date]) -> set[date]:
        """Wait until there are partitions of the days there should be; return them."""

        async def are_kept() -> bool:
            await self.probe.post(list(self.probe.firing)[-1:])  # so that something is sorted
            found = await asyncio.to_thread(partitions, self._postgres)
            return found == kept_days(self._warp, self._plan, before)

        await until(are_kept, limit_s=DROP_LIMIT_S, what="past days gone, and tomorrow there")
        return await asyncio.to_thread(partitions, self._postgres)

    async def quiet(self) -> Slice:
        """Ask while nothing fires: what is over must not be walked through to find that out."""
        self.reader.slice = Slice()
        for _ in range(5):
            await self.reader.ask()
        return self.reader.slice

    async def settle(self) -> None:
        """End all that fires, and wait until nothing is left to do."""
        for one in (*self.senders, self.probe):
            await one.end(len(one.firing))
        await until_nothing_is_left(self._postgres, self._warp)


def kept_days(warp: Warp, plan: Plan, before: set[date]) -> set[date]:
    """Return which days must have a partition now: none past retention, and tomorrow."""
    today = warp.now().date()
    first = today - timedelta(days=plan.retention_days)
    around = {today - DAY, today, today + DAY}
    return {day for day in before if day >= first} | around
