"""Jobs that ping: in time or late, never, at their start, with a failure, into a crash."""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from day_node import Node
from day_org import SERVICES, ZONES
from day_outside import actor
from day_promises import BrokenPromise
from day_rhythm import Rhythm, Way, follow, is_so, overheard, utc
from msgspec import Struct, field

from tocsin.kernel.access import Role
from tocsin.kernel.durations import written
from tocsin.signals import actions as signals
from tocsin.signals.model import Ping, PingKind

if TYPE_CHECKING:
    from day import Day

EVERY = 3  # each third day has such jobs
COUNTED_S = 15.0  # shorter deafness may count as none
FATES = {"well": 10, "late": 3, "runs": 3, "away": 4, "fails": 2, "never ends": 1, "pauses": 1}
DARK = 0.08  # how often nobody lives just when a job is to ping
DARK_S = (10, 17, 40, 300, 1200, 5000)
DARK_MAX_S = 9000
DARK_UNTIL = timedelta(hours=20)  # in the evening all is repaired


class Job(Struct, kw_only=True):
    """One job, what is expected of it, and how its heartbeat may stand."""

    name: str
    rhythm: Rhythm
    spec: dict[str, Any]
    luck: Random
    id: UUID | None = None
    key_hash: bytes = b""
    ways: frozenset[Way] = field(default_factory=lambda: frozenset({Way()}))
    read_n: int = 0  # the last event that was read of it


class Jobs:
    """Those of one day, if it has any."""

    def __init__(self, day: "Day") -> None:
        self._day = day
        self._asked = day.observer
        self._luck = Random(f"{day.seed}/jobs")
        wanted = day.mutant.heartbeats if day.mutant else day.seed % EVERY == 1
        self.all = [self._job(n) for n in range(self._luck.randrange(3, 5))] if wanted else []
        self.is_over = not self.all
        day.org.heartbeats = {job.name: job.spec for job in self.all}

    def _job(self, number: int) -> Job:
        luck = Random(f"{self._day.seed}/job/{number}")
        grace_s = luck.choice((0, 60, 300, 900, 3600))
        spec: dict[str, Any] = {
            "grace": written(grace_s) if grace_s else "0s",
            "severity": luck.choice(("critical", "critical", "warning")),
            "labels": {"service": luck.choice(SERVICES)},
        }
        if number % 2 == 0:
            rhythm = Rhythm(every_s=luck.choice((1500, 2700, 5400, 12000)), grace_s=grace_s)
            spec["every"] = f"{rhythm.every_s}s"
        else:
            hour = None if luck.random() < 0.3 else luck.choice((0, 1, 2, 2, 2, 3, 14))
            rhythm = Rhythm(
                minute=luck.choice((0, 15, 30)), hour=hour, zone=luck.choice(ZONES),
                grace_s=grace_s,
            )  # fmt: skip
            spec["cron"] = f"{rhythm.minute} {'*' if hour is None else hour} * * *"
            spec["timezone"] = rhythm.zone
        return Job(name=f"job-{number}", rhythm=rhythm, spec=spec, luck=luck)

    # -- what jobs do --------------------------------------------------------------------

    async def begin(self) -> None:
        """Give each its key, and let it begin; now and then nobody can hear it."""
        if not self.all:
            return
        [node, *_] = self._day.idle()
        manager = actor("token", "ops", Role.MANAGER)
        ids = dict(
            await self._asked.rows(
                "SELECT name, uid FROM kernel.resources WHERE kind = 'Heartbeat'"
            )
        )
        for job in self.all:
            making = partial(signals.make_key, name=job.name)
            key = await node.app.units.run(manager, making)
            job.id, job.key_hash = ids[job.name], signals.key_hash(key)
            self._day.after(
                f"job: {job.name}", partial(self._run, job), hours=job.luck.random()
            )
        for _ in range(self._luck.randrange(1, 3)):
            self._day.after(
                "dark: nobody lives",
                partial(self._day.power_cut, self._luck.choice(DARK_S)),
                hours=self._luck.uniform(1, 20),
            )

    def due_now(self) -> list[Awaitable[object]]:
        """Let those ping whose time is over at this very instant."""
        now = self._day.now
        found = [one for one in self.all if any(way.latest == now for way in one.ways)]
        return [] if self.is_over else [self._ping(one, PingKind.OK) for one in found]

    async def _run(self, job: Job) -> None:
        """Let the time of a job have come, and say when it comes again."""
        if self.is_over:
            return
        luck, fate = job.luck, job.luck.choices([*FATES], [*FATES.values()])[0]
        took_s = 0.0
        is_late = self._day.now > self._day.start + DARK_UNTIL
        if luck.random() < DARK and not is_late:
            self._day.note(f"dark: before {job.name} pings")
            await self._day.power_cut(self._dark_s(job))
        match fate:
            case "well" | "late":
                await self._ping(job, PingKind.OK)
            case "runs":
                await self._ping(job, PingKind.START)
                took_s = luck.uniform(0, job.rhythm.grace_s * 1.2)
                self._day.after(
                    "job: ends", partial(self._ping, job, PingKind.OK), seconds=took_s
                )
            case "never ends":
                await self._ping(job, PingKind.START)
            case "fails":
                await self._ping(job, PingKind.FAIL)
            case "pauses":
                await self._pause(job)
            case _:
                pass  # it stays away
        next_at = self._next(job, fate, self._day.now + timedelta(seconds=took_s))
        self._day.at(next_at, f"job: {job.name}", partial(self._run, job))

    def _dark_s(self, job: Job) -> float:
        """Choose how long nobody lives: any time, or until after a job is missed."""
        left = [way.latest - self._day.now for way in job.ways if way.latest is not None]
        left_s = max((one.total_seconds() for one in left), default=0.0)
        if not 0 < left_s < DARK_MAX_S or job.luck.random() < 0.4:
            return job.luck.choice(DARK_S)
        return left_s + job.luck.uniform(0, 600)

    def _next(self, job: Job, fate: str, now: datetime) -> datetime:
        """Return when a job pings next: as expected, within its grace, or long after it."""
        luck, rhythm = job.luck, job.rhythm
        expected = rhythm.after(now)
        missed_after = rhythm.grace(expected)
        if fate == "fails":
            return now + timedelta(seconds=luck.uniform(30, 3000))
        if fate in ("away", "never ends"):
            return missed_after + timedelta(seconds=luck.uniform(0, 14_000))
        if fate == "late" and rhythm.grace_s:
            return luck.choice(
                (missed_after, expected + (missed_after - expected) * luck.random())
            )
        if rhythm.every_s:
            return now + (expected - now) * luck.uniform(0.5, 1)
        return expected + timedelta(seconds=luck.uniform(0, min(30, rhythm.grace_s)))

    async def _ping(self, job: Job, kind: PingKind, tries: int | None = None) -> None:
        """Ping, and again if there was no answer, as curl does; perhaps into a crash."""
        if self.is_over:
            return
        if tries is None:
            tries = job.luck.choice((0, 2, 5))
        if job.luck.random() < 0.1:
            self._light_a_short_fuse(job.luck)
        now, said = self._day.now, []
        by_name = job.luck.random() < 0.2
        ping = Ping(
            heartbeat_id=job.id if by_name else None,
            key_hash=b"" if by_name else job.key_hash,
            kind=kind,
        )

        async def send(node: Node) -> None:
            said.append((kind.value, now, False))
            await node.ping(ping)
            said[-1] = (kind.value, now, True)

        is_taken = await self._day.on_any(send)
        self._day.note(
            f"ping: {job.name} {kind}" if is_taken else f"no answer: {job.name} {kind}"
        )
        await self._read(job, said)
        if not is_taken and tries:
            self._day.after(
                "job: pings again", partial(self._ping, job, kind, tries - 1),
                seconds=2 ** job.luck.randrange(5),
            )  # fmt: skip

    def _light_a_short_fuse(self, luck: Random) -> None:
        nodes = self._day.idle()
        if nodes:
            fuse, borders = luck.choice(nodes).fuse, luck.randrange(1, 9)
            if luck.random() < 0.5:
                fuse.left_to_loss = borders
            else:
                fuse.set(borders)

    async def _pause(self, job: Job) -> None:
        """Somebody does not want to hear of a job for a while."""
        lasts_s = job.luck.choice((30, 3000, 9000))
        await self._as_responder(lambda unit: signals.pause(unit, job.name))
        self._day.after("job: resumed", partial(self._resume, job), seconds=lasts_s)

    async def _resume(self, job: Job) -> None:
        if self.is_over:
            return
        if not await self._as_responder(lambda unit: signals.resume(unit, job.name)):
            self._day.after("job: resumed", partial(self._resume, job), seconds=20)

    async def _as_responder(self, act: Any) -> bool:
        who = actor("token", "bot", Role.RESPONDER)

        async def run(node: Node) -> None:
            await node.app.units.run(who, act)

        return await self._day.on_any(run)

    async def end(self) -> None:
        """Nobody is to hear of them any more: what was missed is over."""
        if self.is_over:
            return
        self.is_over = True
        org = self._day.org
        if self._luck.random() < 0.5:
            org.heartbeats, org.is_pruned = {}, True
        else:
            org.heartbeats = {job.name: {**job.spec, "paused": True} for job in self.all}
        await self._day.outside.apply_somewhere()

    # -- what is to be true of them ------------------------------------------------------

    async def have_listened(self) -> None:
        """Let whoever lived have noted all the while that pings are heard: only time went by."""
        if not self.is_over:
            ago = timedelta(seconds=self._luck.uniform(0, 5))
            await self._asked.have_listened(self._day.now - ago)

    async def were_overheard(self, since: datetime, *, is_sure: bool = True) -> None:
        """Nobody could hear anything since then, until now: each may need its time again."""
        now = self._day.now
        sure = is_sure and (now - since).total_seconds() > COUNTED_S
        for job in [] if self.is_over else self.all:
            await self._read(job)
            job.ways = frozenset(
                overheard(way, job.rhythm, since, now, sure=sure) for way in job.ways
            )

    async def at_rest(self, now: datetime) -> None:
        """I7: who stayed away is missed, who pinged in time is not, nor who was not heard."""
        if self.is_over:
            return
        states = dict(await self._asked.rows("SELECT id, state FROM signals.heartbeats"))
        for job in self.all:
            await self._read(job)
            state = states[job.id]
            found = frozenset(way for way in job.ways if is_so(way, state, now))
            if not found:
                self._break(job, f"is {state}")
            job.ways = found

    async def _read(
        self, job: Job, pings: list[tuple[str, datetime, bool]] | None = None
    ) -> None:
        found = await self._asked.rows(
            """
            SELECT n, substr(kind, 19), at
              FROM watching.events
             WHERE n > %(read)s AND kind ~ '^signals.heartbeat_[a-z]+$'
               AND subjects @> ARRAY[%(id)s::uuid]
             ORDER BY n
            """,
            read=job.read_n,
            id=job.id,
        )
        job.read_n = found[-1][0] if found else job.read_n
        events = [(kind, at) for _, kind, at in found]
        for kind, at in events:
            self._day.note(f"{kind}: {job.name} at {utc(at)}")
        before, job.ways = job.ways, follow(job.ways, job.rhythm, pings or (), events)
        if not job.ways:
            job.ways = before
            self._break(job, f"was {' and '.join(kind for kind, _ in events) or 'pinged'}")

    def _break(self, job: Job, found: str) -> None:
        ways = "; ".join(
            f"{way.state}, missed from {utc(way.soonest)} to {utc(way.latest)}, owes {way.owed}"
            for way in job.ways
        )
        raise BrokenPromise(
            f"I7 {job.name} {found} at {utc(self._day.now)}, but by its pings: {ways}"
        )
