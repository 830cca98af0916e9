"""What takes pings between units: many of them in one, each answered after its commit."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext

from msgspec import Struct

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import elapsed_s
from tocsin.kernel.errors import NotFound, TooMany, Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import HEARTBEATS_MISSED, PINGS
from tocsin.kernel.pulse import Pulse
from tocsin.kernel.right_of_way import RightOfWay
from tocsin.kernel.units import Units
from tocsin.signals import actions, reads
from tocsin.signals.actions import Heard
from tocsin.signals.core.heartbeat import Outcome
from tocsin.signals.core.heartbeat_alert import INTEGRATION
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.signals.model import Ping

QUEUE_MAX = 2_000  # pings that wait for a commit; above it they hear 503
STRANGERS_MAX = QUEUE_MAX // 2  # the same for keys that nobody has, as far as is known
GROUP_MAX = 200  # in one unit
PER_S = 1.0  # of one key
BURST = 5.0
RECENT_MAX = 10_000
COMMIT_LIMIT_S = 10.0
WAITED_MAX_S = 5.0  # whoever waits longer is not heard
KEYS_AGAIN_S = 60.0  # until keys that were made elsewhere are known
log = Log("heartbeats")


class Waiting(Struct, frozen=True, kw_only=True):
    """A ping that is not on disk yet, since when it waits, and whether somebody has its key."""

    ping: Ping
    answer: asyncio.Future[Heard | None]
    since_s: float
    is_known: bool


class Pings:
    """One per process. A flood of alerts does not hold it up: it has a queue of its own."""

    def __init__(
        self,
        units: Units,
        configured: Callable[[], Heartbeats],
        pulse: Pulse,
        way: RightOfWay,
        elapsed_s: Callable[[], float] = elapsed_s,
    ) -> None:
        self._units = units
        self._configured = configured
        self._pulse = pulse
        self._way = way
        self._elapsed_s = elapsed_s
        self._queue: list[Waiting] = []
        self._in_hand: Sequence[Waiting] = ()
        self._failed = False  # the last group; cleared by what is kept, and by being noted
        self._wake = asyncio.Event()
        self._known: set[bytes] = set()  # hashes of keys that belong to somebody
        self._known_at_s: float | None = None
        self._recent: dict[object, tuple[float, float]] = {}  # when, and how many
        self.on_kept: list[Callable[[Collection[str]], None]] = []  # something is to be sorted

    @property
    def is_used(self) -> bool:
        """Say whether there is any heartbeat."""
        return bool(self._configured().by_id)

    async def take(self, ping: Ping) -> Heard:
        """Return once a ping is on disk. Raises NotFound, TooMany, Unavailable."""
        key = ping.heartbeat_id or ping.key_hash
        is_known = ping.heartbeat_id is not None or ping.key_hash in self._known
        if len(self._queue) >= (QUEUE_MAX if is_known else STRANGERS_MAX):
            raise Unavailable("too many pings wait to be kept", retry_after_s=1)
        if is_known and not self._is_within_rate(key):
            raise TooMany("this heartbeat is pinged more than once a second", retry_after_s=1)
        waiter: asyncio.Future[Heard | None] = asyncio.get_running_loop().create_future()
        self._queue.append(
            Waiting(ping=ping, answer=waiter, since_s=self._elapsed_s(), is_known=is_known)
        )
        self._wake.set()
        found = await waiter
        if found is None:
            self._known.discard(ping.key_hash)
            raise NotFound("no heartbeat has this key; `tocsin heartbeat key NAME` makes one")
        if ping.key_hash:
            self._known.add(ping.key_hash)
        return found

    async def run(self) -> None:
        """Keep pings until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                group, self._queue = self._queue[:GROUP_MAX], self._queue[GROUP_MAX:]
                self._in_hand = group
                await self._commit(group)
                self._in_hand = ()

    async def listen(self) -> None:
        """Note that pings are heard, where there is anything to hear and it can be kept.

        Learns the keys there are, too: at first, and every KEYS_AGAIN_S.
        """
        if not self.is_used:
            return
        now_s = self._elapsed_s()
        if self._known_at_s is None or now_s - self._known_at_s >= KEYS_AGAIN_S:
            self._known = await self._units.run(SYSTEM, reads.key_hashes)
            self._known_at_s = now_s
        failed, self._failed = self._failed, False
        waiting = (*self._in_hand[:1], *self._queue[:1])
        if failed or any(now_s - one.since_s > WAITED_MAX_S for one in waiting):
            log.warning("pings.not_heard", waiting=len(self._in_hand) + len(self._queue))
            return
        await self._units.run(SYSTEM, actions.note_listening)

    async def watch(self) -> int:
        """Look at what is due, in one unit; return how many there were."""
        looked = await self._units.run(SYSTEM, actions.watch)
        HEARTBEATS_MISSED.inc(looked.missed_count)
        if looked.due_count:
            self._hint()
        return looked.due_count

    def _hint(self) -> None:
        for hint in self.on_kept:
            hint((INTEGRATION,))

    async def _commit(self, group: Sequence[Waiting]) -> None:
        pings = [one.ping for one in group]
        goes_first = any(one.is_known for one in group)
        try:
            self._require_fresh()
            with self._way.held() if goes_first else nullcontext():
                async with asyncio.timeout(COMMIT_LIMIT_S):
                    answers = await self._units.run(
                        SYSTEM, lambda unit: actions.hear(unit, pings)
                    )
        except Exception as error:  # noqa: BLE001 - door: each waiting ping gets its answer
            await self._refuse(group, error)
            return
        self._failed = False
        log.debug("pings.kept", count=len(pings))
        for one, answer in zip(group, answers, strict=True):
            if answer is not None:
                PINGS.labels(one.ping.kind).inc()
            if not one.answer.done():  # else the sender went away
                one.answer.set_result(answer)
        if any(one is not None and one.outcome is not Outcome.NOTHING for one in answers):
            self._hint()

    async def _refuse(self, group: Sequence[Waiting], error: Exception) -> None:
        """Answer with a failure; one that is our own mistake fails alone, and not all others."""
        ours = not isinstance(error, Unavailable | TimeoutError)
        if ours and len(group) > 1:
            for one in group:
                await self._commit([one])
            return
        self._failed = self._failed or not ours
        if ours:
            log.error("ping.failed", error=error)
        refusal = error if isinstance(error, Unavailable) else None
        refusal = refusal or Unavailable("not kept, ping again: the database did not answer")
        for one in group:
            if not one.answer.done():
                one.answer.set_exception(refusal)

    def _require_fresh(self) -> None:
        """Refuse what was sent before this process was stopped: something newer may be elsewhere."""
        if self._pulse.was_stopped():
            raise Unavailable("not kept, ping again: this process was stopped", retry_after_s=1)

    def _is_within_rate(self, key: object) -> bool:
        """Count a ping of a key, and say whether it is one of those that are kept."""
        now = self._elapsed_s()
        at, level = self._recent.get(key, (now, 0.0))
        level = max(0.0, level - (now - at) * PER_S)
        if level + 1 > BURST:
            return False
        if len(self._recent) >= RECENT_MAX:
            self._recent.clear()
        self._recent[key] = (now, level + 1)
        return True
