"""Keep requests, many in one transaction, and refuse what cannot be kept."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from tocsin.kernel.actor import Actor
from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Forbidden, Refused, TooMany, Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import ACCEPTED
from tocsin.kernel.pulse import Pulse
from tocsin.kernel.right_of_way import RightOfWay
from tocsin.signals import store
from tocsin.signals.actions.pace import Pace
from tocsin.signals.actions.turnstile import Turnstile
from tocsin.signals.core.fairness import Place, Queue, place_in
from tocsin.signals.core.tally import Tally
from tocsin.signals.model import Receipt, Slice

QUEUE_MAX = 20_000  # receipts waiting for a commit; above it intake answers 503
QUEUE_BYTES_MAX = 64 * 1024 * 1024
RECEIPT_BYTES_MIN = -(-QUEUE_BYTES_MAX // QUEUE_MAX)  # what a small one counts for
BUSY_REQUESTS = 6  # requests that met in one commit
BUSY_FOR_S = 0.05
LOOKS_PER_S = 5  # refused requests of one sender that are read: something may be over
REFUSAL_S = 0.5  # a refusal comes late: who does not wait after it must not keep us busy
REFUSING_MAX = 1_000

log = Log("intake")


class _Group:
    """What waits to be kept in one transaction."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.waiters: list[asyncio.Future[None]] = []
        self.count = 0  # signals
        self.bytes = 0
        self.sizes: dict[str, int] = {}  # bytes, by sender
        self.wake = asyncio.Event()

    def add(self, receipt: Receipt, count: int) -> None:
        size = max(len(receipt.body), RECEIPT_BYTES_MIN)
        self.receipts.append(receipt)
        self.count += count
        self.bytes += size
        self.sizes[receipt.integration] = self.sizes.get(receipt.integration, 0) + size

    def wait(self) -> asyncio.Future[None]:
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        self.wake.set()
        return waiter

    def take(self) -> "_Group":
        """Hand over what waits, and be empty."""
        taken = _Group()
        self.receipts, taken.receipts = taken.receipts, self.receipts
        self.waiters, taken.waiters = taken.waiters, self.waiters
        self.count, taken.count = 0, self.count
        self.bytes, taken.bytes = 0, self.bytes
        self.sizes, taken.sizes = taken.sizes, self.sizes
        return taken


class Intake:
    """Keeps requests by group commit: many of them in one transaction, each answered after it.

    Who sends little is in a group of its own: a flood's are large, and would be waited for.
    """

    def __init__(self, db: Database, clock: Clock, way: RightOfWay | None = None) -> None:
        self._db = db
        self._clock = clock
        self._light, self._heavy = self._groups = (_Group(), _Group())
        self._looks: dict[str, tuple[float, int]] = {}
        self._refusing = 0
        self.on_kept: list[Callable[[Collection[str]], None]] = []  # told whose
        self.behind: Mapping[str, float] = {}  # seconds, by sender; set by the pressure loop
        self.behind_max_s = 0.0  # more than that, and not even what is over is taken
        self._busy_until = 0.0  # loop time
        self.pace = Pace()
        self.pulse = Pulse()
        self.turnstile = Turnstile(way or RightOfWay(), self.pace)
        self.tally = Tally()

    def require(self, actor: Actor) -> None:
        """Refuse whoever may not send signals. Raises Forbidden."""
        if not actor.may_on("signal:accept", None):
            raise Forbidden(f"{actor.name} ({actor.role}) may not signal:accept")

    async def accept(
        self, actor: Actor, form: str, slices: Sequence[Slice], integration: str = ""
    ) -> None:
        """Return once `slices` are on disk. Raises TooMany or Unavailable when they may not be.

        `integration` is the sender's, by default the actor's name.
        """
        integration = integration or actor.name
        refusal = self._refusal(integration)
        if refusal is not None and any(part.ends for part in slices):
            refusal = self._refusal(integration, ends=True)
        if refusal is not None:
            raise refusal
        now, count = self._clock.now(), 0
        group = self._light if self.turnstile.is_light(integration) else self._heavy
        for part in slices:
            receipt = Receipt(uuid7(), part.lane, now, actor.id, integration, form, part.body)
            group.add(receipt, part.count)
            count += part.count
        await group.wait()
        self.tally.kept(integration, form, count, now)

    def _require_fresh(self) -> None:
        """Refuse what was sent before this process was stopped: something newer may be elsewhere."""
        if self.pulse.was_stopped():
            raise Unavailable(
                "not kept, send it again: this process was stopped", retry_after_s=1
            )

    async def admit(self, integration: str, size: int) -> None:
        """Return when a request may be read that is no larger than it says.

        Raises TooMany or Unavailable, late, when it would not be kept; now and then one such is
        read all the same, for it may say that something is over.
        """
        refusal = self._refusal(integration)
        if refusal is None and not self.turnstile.passes(integration, size):
            await self.turnstile.wait(integration, size)
            refusal = self._refusal(integration)
        if refusal is not None and not self._may_look(integration):
            await self.hold_off()
            raise refusal

    async def hold_off(self) -> None:
        """Wait before a refusal is said."""
        if self._refusing < REFUSING_MAX:
            self._refusing += 1
            try:
                await asyncio.sleep(REFUSAL_S)
            finally:
                self._refusing -= 1

    def _refusal(self, integration: str, *, ends: bool = False) -> Refused | None:
        """Say why nothing of a sender is taken now, if so; of what `ends` more is."""
        behind_s = self.behind.get(integration)
        if behind_s is not None and not (ends and behind_s <= self.behind_max_s):
            return Unavailable(f"sorting is {behind_s:.0f} s behind", retry_after_s=1)
        size = self._light.bytes + self._heavy.bytes
        if size <= QUEUE_BYTES_MAX // 2:
            return None
        own = sum(group.sizes.get(integration, 0) for group in self._groups)
        senders = len(self._light.sizes.keys() | self._heavy.sizes.keys())
        queue = Queue(size=size, own=own, senders=senders, size_max=QUEUE_BYTES_MAX)
        place = place_in(queue, ends=ends)
        if place is Place.FULL:
            return Unavailable("intake is full", retry_after_s=1)
        if place is Place.OVER_SHARE:
            said = f"{integration} has more than its share of the queue"
            return TooMany(said, retry_after_s=1)
        return None

    def refuses(self) -> Mapping[str, str]:
        """Say by code what is not kept just now, and why; empty: whatever comes is kept."""
        found = {}
        if self.pulse.was_stopped():
            found["intake-stopped"] = "intake takes nothing yet: this process was stopped"
        if self.behind:
            found["intake-behind"] = (
                f"intake takes nothing from {len(self.behind)} of the integrations:"
                f" sorting is {max(self.behind.values()):.0f} s behind with what they sent"
            )
        if self._light.bytes + self._heavy.bytes > QUEUE_BYTES_MAX:
            found["intake-full"] = "intake is full"
        return found

    def _may_look(self, integration: str) -> bool:
        second = int(asyncio.get_running_loop().time())
        at, count = self._looks.get(integration, (second, 0))
        count = count + 1 if at == second else 1
        if len(self._looks) > REFUSING_MAX:
            self._looks.clear()
        self._looks[integration] = (second, count)
        return count <= LOOKS_PER_S

    def is_busy(self) -> bool:
        """Say whether requests come faster than commits: whoever can wait had better."""
        if self.pace.is_held or self.turnstile.count >= BUSY_REQUESTS:
            return True
        return asyncio.get_running_loop().time() < self._busy_until

    async def run(self) -> None:
        """Let senders through, and commit group after group, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.turnstile.run())
            for one in self._groups:
                group.create_task(self._keep(one))

    async def _keep(self, group: _Group) -> None:
        while True:
            await group.wake.wait()
            group.wake.clear()
            while group.receipts:
                self.pace.spend(len(group.receipts))
                await self._commit(group.take())

    async def _commit(self, group: _Group) -> None:
        waiters = group.waiters
        if len(waiters) >= BUSY_REQUESTS:
            self._busy_until = asyncio.get_running_loop().time() + BUSY_FOR_S
        try:
            self._require_fresh()
            async with asyncio.timeout(10), self._db.connection() as conn:
                self._require_fresh()
                await store.keep(conn, group.receipts)
        except Exception as error:  # noqa: BLE001 - door: each waiting request gets its answer
            refusal = Unavailable(f"not kept, send it again: {type(error).__name__}")
            refusal = error if isinstance(error, Unavailable) else refusal
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(refusal)
            return
        ACCEPTED.inc(group.count)
        log.debug(
            "intake.kept", requests=len(waiters), receipts=len(group.receipts),
            signals=group.count, bytes=group.bytes, integrations=len(group.sizes),
        )  # fmt: skip
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        for hint in self.on_kept:
            hint(group.sizes.keys())
