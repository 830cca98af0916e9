"""One random day: real actions on PostgreSQL, two processes that die, people who answer or not."""

import heapq
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from day_crashes import Crash
from day_jobs import Jobs
from day_mutants import Mutant
from day_node import Node
from day_observer import Observer
from day_org import Org
from day_outside import Outside
from day_people import People
from day_promises import BrokenPromise, Promises
from day_providers import Weather
from psycopg import OperationalError

from tocsin.governance import actions as governance
from tocsin.kernel import job_queue
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import FakeClock
from tocsin.kernel.errors import Unavailable
from tocsin.oncall import actions as oncall
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Outgoing
from tocsin.signals.ports import LANES
from tocsin.triage import actions as triage

STARTS = (  # noons before Berlin's two changes of the clock, New York's, Lord Howe's, and no change
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
    datetime(2026, 3, 7, 20, tzinfo=UTC),
    datetime(2026, 4, 4, 6, tzinfo=UTC),
    datetime(2026, 6, 17, 3, tzinfo=UTC),
)
ROUNDS_MAX = 400
Act = Callable[[], Awaitable[None]]


class Day:
    """The state of the world outside of Tocsin, and the steps that can be taken in it."""

    def __init__(self, conninfo: str, seed: int, mutant: Mutant | None = None) -> None:
        self.conninfo = conninfo
        self.seed = seed
        self.rng = Random(seed)
        self.start = self.rng.choice(STARTS) + timedelta(minutes=self.rng.randrange(600))
        self.clock = FakeClock(self.start)
        self.org = Org(self.rng)
        self.observer = Observer(conninfo)
        self.promises = Promises(self.observer, self.org)
        self.weather = {kind: Weather() for kind in MethodKind}
        self.mutant = mutant
        self.outside = Outside(self)
        self.people = People(self)
        self.jobs = Jobs(self)
        self.nodes: list[Node] = []
        self.lanes = self.rng.choice((3, LANES))  # few: both processes find some
        self.agenda: list[tuple[datetime, int, str, Act]] = []
        self._tickets = itertools.count()
        self.counts: Counter[str] = Counter()
        self.story: list[str] = []
        self._depth = 0
        self.racing = False
        self._down_since: datetime | None = None

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def note(self, what: str) -> None:
        """Remember for whoever reads a failure."""
        self.counts[what.split(":", maxsplit=1)[0]] += 1
        self.story.append(f"{self.now:%d %H:%M:%S} {'  ' * self._depth}{what}")

    def at(self, when: datetime, name: str, act: Act) -> None:
        """Put something on the agenda."""
        heapq.heappush(self.agenda, (when, next(self._tickets), name, act))

    def after(self, name: str, act: Act, **delay: float) -> None:
        """Put something on the agenda, counted from now."""
        self.at(self.now + timedelta(**delay), name, act)

    # -- the processes -------------------------------------------------------------------

    async def open(self) -> None:
        """Start both processes and apply the first configuration."""
        await self.observer.open(self.mutant.sql if self.mutant else "")
        for name in ("a", "b"):
            await self.boot(name)
        await self.outside.apply(self.idle()[0])
        for node in self.idle():
            await node.refresh()
        await self.jobs.begin()

    async def close(self) -> None:
        """End what still runs."""
        for node in self.nodes:
            await node.close()
        await self.observer.close()

    async def boot(self, name: str) -> None:
        """Start a process; whoever had its name before is dead."""
        node = Node(name, self)
        self.nodes = [other for other in self.nodes if other.name != name] + [node]
        await node.open()
        if self._down_since is not None:
            self.promises.outages.append((self._down_since, self.now))
            await self.jobs.were_overheard(self._down_since)
            self._down_since = None

    async def bury(self, node: Node, *, least_s: float = 0) -> None:
        """Clear away a process that has died, and see to it that it is started again."""
        if node.buried:
            return
        node.buried = True
        await self.observer.interrupted()
        self.note(f"crash: {node.name} {node.fuse.died_at}")
        await node.close()
        await self.promises.at_every_commit()
        delay_s = least_s + self.rng.choice((0, 0, 0, 3, 15, 120, 600))
        if not self.idle(busy=True):
            self._down_since = self.now
        self.after(f"boot: {node.name}", lambda: self.boot(node.name), seconds=delay_s)

    async def power_cut(self, least_s: float) -> None:
        """Every process dies at once, and for so long at least there is none."""
        dying = self.idle(busy=True)
        for node in dying:
            node.fuse.died_at = "power cut"
        for node in dying:
            await self.bury(node, least_s=least_s)

    def idle(self, *, busy: bool = False) -> list[Node]:
        """Return the processes that live and, unless `busy`, are not in the middle of a send."""
        return [n for n in self.nodes if not n.fuse.is_dead and (busy or not n.sending)]

    async def on(self, node: Node, act: Callable[[], Awaitable[object]]) -> bool:
        """Do something in a process; False if it died of it or the database did not answer."""
        try:
            await act()
        except Crash:
            await self.bury(node)
            return False
        except (OperationalError, Unavailable):
            assert node.fuse.losses or node.fuse.is_dead, "nobody took the database away"
            return False
        return True

    async def on_any(self, act: Callable[[Node], Awaitable[object]]) -> bool:
        """Do something in any process; asked again by whoever got no answer. False: nobody lives."""
        for _ in range(3):
            nodes = self.idle(busy=True)
            if not nodes:
                return False
            node = self.rng.choice(nodes)
            if await self.on(node, lambda node=node: act(node)):  # type: ignore[misc]
                return True
        return False

    async def turn(self, node: Node, work: Iterable[str]) -> None:
        """Let a process do its duties once, in any order, but nothing ends before it is sorted."""
        app, todo = node.app, frozenset(work)
        acts: list[Callable[[], Awaitable[object]]] = []
        if "sort" in todo:
            acts += [app.sorter.sort_batch, app.sorter.beat_light]
            self.rng.shuffle(acts)
        if "expire" in todo:
            acts.append(lambda: app.units.run(SYSTEM, triage.expire_due))
        if todo & {"listen", "miss"}:
            acts[:0] = self.rng.sample((node.listen, node.pings.watch), 2)
        if "jobs" in todo:
            acts.insert(self.rng.randrange(len(acts) + 1), app.worker.drain)

        async def duties() -> None:
            await node.refresh_sometimes()
            for act in acts:
                await act()

        if await self.on(node, duties) and node.app.worker.failures > node.fuse.losses:
            raise BrokenPromise(f"I6 a job has failed in process {node.name}: see the log")

    async def settle(self) -> None:
        """Let whoever lives and is free do all that is due, and seal it."""
        work: frozenset[str] = frozenset()
        for _ in range(ROUNDS_MAX):
            work = await self.observer.work(self.now)
            nodes = self.idle()
            if not work or not nodes:
                break
            await self.turn(self.rng.choice(nodes), work)
        else:
            raise BrokenPromise(f"I6 never comes to rest: {sorted(work)}")
        if self._depth or not self.idle():
            return
        await self.on(node := self.rng.choice(self.idle()), node.seal)
        if self.idle() and not await self.observer.work(self.now):
            await self.promises.at_every_commit()
            await self.promises.at_rest(self.now)
            await self.jobs.at_rest(self.now)

    async def committed(self) -> None:
        """Look at what a crash would leave behind, now and then."""
        self.counts["commits"] += 1
        if self.counts["commits"] % 4 == 0:
            await self.promises.at_every_commit()

    async def lost(self) -> None:
        """A connection was lost: the unit may be run again, although it has been committed."""
        self.note("lost: a connection")
        await self.observer.interrupted()

    # -- time ----------------------------------------------------------------------------

    def move_to(self, when: datetime) -> None:
        """Let time pass, if it has not yet."""
        self.clock.forward(seconds=max(0.0, (when - self.now).total_seconds()))

    async def live_until(self, when: datetime) -> None:
        """Let time pass in which whoever lives has heard pings."""
        is_heard = bool(self.idle(busy=True)) and when > self.now
        self.move_to(when)
        if is_heard:
            await self.jobs.have_listened()

    async def pass_until(self, end: datetime) -> None:
        """Live until `end`, stopping at whatever is due and whatever is planned."""
        while True:
            await self.settle()
            stops = [end]
            if self.agenda:
                stops.append(self.agenda[0][0])
            due_at = await self.observer.next_due()
            if due_at is not None and self.idle():
                stops.append(due_at)
            await self.live_until(min(stops))
            self.counts["stops"] += 1
            if self.agenda and self.agenda[0][0] <= self.now:
                _, _, name, act = heapq.heappop(self.agenda)
                self.note(name)
                await act()
                if self.counts["stops"] % 5 == 0:
                    await self.promises.over_all_history()
            elif self.now >= end:
                return await self.settle()

    async def suspend(self, **amount: float) -> None:
        """Nobody works for a while: the lid was closed, or the clock was put forward."""
        before = self.now
        self.clock.forward(**amount)
        self.promises.outages.append((before, self.now))
        await self.jobs.were_overheard(before)

    async def meanwhile(self, node: Node, message: Outgoing, luck: Random) -> None:
        """What happens elsewhere while `node` waits for its provider."""
        self.counts["sends"] += 1
        if self._depth or self.racing or luck.random() > 0.4:
            return
        node.sending = True
        self._depth += 1
        try:
            await self._something(node, message, luck)
        finally:
            self._depth -= 1
            node.sending = False

    async def _something(self, node: Node, message: Outgoing, luck: Random) -> None:
        kinds: tuple[str, ...] = ("others work", "slow", "stall")
        if self.outside.answers and luck.random() < self.outside.mood(message):
            kinds = ("answer", "resolve")
        match luck.choice(kinds):
            case "answer":
                self.note("meanwhile: somebody answers")
                await self.outside.acknowledge(message, luck)
            case "resolve":
                self.note("meanwhile: the incident is resolved")
                await self.outside.resolve_incident(message.thread)
            case "slow":
                self.note("meanwhile: the provider is slow")
                await self.wait(luck.uniform(1, 9), heartbeat=node)
            case "stall":
                self.note(f"stall: {node.name}")
                await self.observer.interrupted()
                await self.wait(luck.uniform(11, 30), heartbeat=None)
            case _:
                self.note("meanwhile: others work")
        await self.settle()

    async def wait(self, seconds: float, *, heartbeat: Node | None) -> None:
        """Let time pass in the middle of a send; others go on."""
        began, end = self.now, self.now + timedelta(seconds=seconds)
        while self.now < end:
            before = self.now
            await self.settle()
            nobody = not self.idle()
            due_at = await self.observer.next_due()
            step = [end, self.now + timedelta(seconds=3)]
            if due_at is not None and due_at > self.now:
                step.append(due_at)
            self.move_to(min(step))
            if nobody:
                self.promises.outages.append((before, self.now))
            if heartbeat is not None and not heartbeat.fuse.is_dead:
                worker = heartbeat.app.worker.id
                async with heartbeat.app.db.connection() as conn:
                    await job_queue.extend(conn, self.now, worker=worker)
                if not self.jobs.is_over:
                    await heartbeat.listen()
        if not self.idle():
            await self.jobs.were_overheard(began, is_sure=False)

    # -- trouble ----

    async def watch(self) -> None:
        """The watchdog looks, and must find nothing to repair."""
        await self.on_any(lambda node: node.app.units.run(SYSTEM, oncall.watch))
        await self.on_any(lambda node: node.app.units.run(SYSTEM, governance.forget_expired))

    async def light_a_fuse(self) -> None:
        """One of the processes is going to die soon."""
        nodes = self.idle(busy=True)
        if nodes:
            fuse = self.rng.choice(nodes).fuse
            fuse.set(self.rng.randrange(1, 40))
            if self.rng.random() < 0.4:
                fuse.left, fuse.left_to_loss = None, fuse.left

    async def change_weather(self, kind: MethodKind, weather: Weather) -> None:
        """A provider does better or worse from now on."""
        self.weather[kind].failing = weather.failing
        self.weather[kind].permanent = weather.permanent

    # -- the evening ---------------------------------------------------------------------

    async def evening(self) -> None:
        """Everything is repaired and ends; then everything must be settled."""
        for kind in MethodKind:
            await self.change_weather(kind, Weather())
        for node in self.nodes:
            node.fuse.left = node.fuse.left_to_loss = None
        await self.pass_until(self.now + timedelta(minutes=45))
        await self.jobs.end()
        self.outside.answers = False
        while self.outside.firing:
            await self.outside.post(sorted(self.outside.firing), ends_in_s=0)
            await self.pass_until(self.now + timedelta(minutes=1))
        while self.outside.triggered:
            await self.outside.event(min(self.outside.triggered), "resolve")
            await self.pass_until(self.now + timedelta(minutes=1))
        for _ in range(100):
            if not await self.observer.one(
                "SELECT count(*) FROM command.incidents WHERE resolved_at IS NULL"
            ):
                break
            await self.outside.resolve_something()
        await self.pass_until(self.now + timedelta(hours=14))
        await self.promises.over_all_history()
        await self.promises.in_the_evening()
        await self.outside.every_alert_is_there()

    def figures(self) -> Mapping[str, int]:
        """Return how often what has happened."""
        return dict(self.counts)
