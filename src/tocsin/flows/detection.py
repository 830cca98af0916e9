"""From a kept signal to a sorted alert: take, read, sort, in one unit."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import tocsin.signals.actions as signals
import tocsin.triage.actions as triage
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import Clock
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import SORTED, UNSORTABLE
from tocsin.kernel.right_of_way import RightOfWay
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.signals import reads
from tocsin.signals.core.config import Integrations
from tocsin.signals.model import Receipt
from tocsin.signals.ports import LANES, Reader
from tocsin.triage.model import Observed

RECEIPTS_MAX = 2000
ALERTS_MAX = 2000  # aimed at in one unit, so that no batch holds the process for long
BUSY_ALERTS_MAX = 400  # while senders wait for their turn
LATE_ALERTS_MAX = 1000  # the same when that was not enough
HANDS = 2  # units at a time when there is much to sort: one computes while one is saved
POLL_S = 1.0
BUSY_POLL_S = 0.05
MANY = 2.0  # alerts in a receipt
YIELD_MAX_S = 3.0  # how old a signal may get while intake is busy before sorting insists
YIELD_MANY_S = 1.5  # the same where requests carry many: they come faster than they are sorted
LATE_S = 0.5  # older than that again: sorting is too slow
LIGHT_MAX = 32  # receipts that an integration may have waiting to be sorted before all others
LIGHT_RECEIPTS_MAX = 256  # in one unit: short, for the next one waits behind it
LIGHT_POLL_S = 30.0  # `beat` sees when there is something
LIGHT_PAUSE_S = 1.0  # after a failure, which is left to those who can find the culprit
OVERDUE_S = 2.0  # what is light and yet this old is sorted with all others
FRESH_S = 1.5  # how long it is known who is not light
FOLLOWS_S = 0.02  # until the first timer of what was just sorted has begun
STRETCH = 100  # alerts that are read at a time without a look at what goes first
GIVE_WAY_S = 0.2  # how long a batch waits for pages at most
DROP_AGAIN = timedelta(minutes=1)  # after receipts past retention could not be dropped
log = Log("detection")


def _tell(taken: Sequence[Receipt], alerts: int, *, light: bool) -> None:
    if taken and log.is_debug:
        lanes = sorted({one.lane for one in taken})
        log.debug("sort.taken", lanes=lanes, receipts=len(taken), alerts=alerts, light=light)


class Sorter:
    """Sorts what intake has kept. Any number may run; each takes lanes that are free."""

    def __init__(
        self,
        units: Units,
        parsers: Mapping[str, Reader],
        clock: Clock,
        *,
        retention_days: int,
        intake_is_busy: Callable[[], bool],
        pace: signals.Pace | None = None,
    ) -> None:
        self._units = units
        self._parsers = parsers
        self._clock = clock
        self._retention_days = retention_days
        self._limit = RECEIPTS_MAX
        self._days: set[date] = set()
        self._drop_at: datetime | None = None  # something past retention is left
        self._alerts_per_receipt = 1.0
        self._alerts_max = ALERTS_MAX
        self._intake_is_busy = intake_is_busy
        self._pace = pace or signals.Pace()
        self._is_behind = False  # the last look left something
        self.way = RightOfWay()
        self._heavy: list[str] = []  # integrations with more waiting than is light
        self._looked_at = -FRESH_S  # for them, in loop time
        self._light_again_at = 0.0  # loop time
        self.wake = asyncio.Event()
        self.light_wake = asyncio.Event()
        self.lanes = LANES

    async def beat_light(self) -> float:
        """Sort what came from integrations that have little waiting; return how long to wait.

        Nobody's flood delays them: they are not in its queue, and yield to nothing.
        """
        if self._is_light_off():
            return BUSY_POLL_S
        with self.way.held():
            count = await self.sort_light()
        if count:
            self.way.linger(FOLLOWS_S)
        if self._heavy and not self._intake_is_busy():
            self.wake.set()
        return 0.0 if count else LIGHT_POLL_S

    async def sort_light(self) -> int:
        """Sort all that light integrations have waiting in one unit; return how many receipts."""
        if not self._has_room():
            await self._make_room()
        taken: list[Receipt] = []

        async def act(unit: Unit) -> int:
            found = await signals.take_light(
                unit, waiting_max=LIGHT_MAX, limit=LIGHT_RECEIPTS_MAX
            )
            taken[:], self._heavy = found
            self._looked_at = asyncio.get_running_loop().time()
            return await self._fold(unit, taken, waited=False)

        try:
            count = await self._units.run(SYSTEM, act)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - door: `sort_batch` finds out what is wrong with which
            log.info("sort.not_light", error=f"{type(error).__name__}: {error}")
            self._light_again_at = asyncio.get_running_loop().time() + LIGHT_PAUSE_S
            self.wake.set()
            return 0
        SORTED.inc(count)
        _tell(taken, count, light=True)
        return len(taken)

    async def beat(self) -> float:
        """Sort what there is in one go; return how long to wait for the next, in seconds.

        A signal that is on disk can wait a moment, a sender that waits for its 2xx cannot:
        while intake is busy, sorting yields until the oldest signal is YIELD_MAX_S old, less
        where requests carry many. From then on intake may keep less than was just sorted, so
        that senders are slowed to what can be sorted and nobody is refused.
        """
        async with self._units.db.connection() as conn:
            oldest_at = await reads.oldest_at(conn)
        if oldest_at is None:
            self._is_behind = False
            self._pace.free()
            return POLL_S
        if self._known_heavy() is None:  # what another process has kept gave no hint here
            self.light_wake.set()
        age_s = (self._clock.now() - oldest_at).total_seconds()
        log.debug("sort.beat", oldest_s=age_s, heavy=len(self._heavy))
        if not self._intake_is_busy():
            self._pace.free()
            if not self._heavy and 0 <= age_s < OVERDUE_S and not self._is_light_off():
                return BUSY_POLL_S
            return 0.0 if await self._sort(ALERTS_MAX) else BUSY_POLL_S
        late_s = age_s - (YIELD_MAX_S if self._alerts_per_receipt < MANY else YIELD_MANY_S)
        if late_s < 0:
            self._pace.free()
            return BUSY_POLL_S
        is_late = late_s > LATE_S
        count = await self._sort(LATE_ALERTS_MAX if is_late else BUSY_ALERTS_MAX)
        if count == 0:  # all lanes are in other hands; they are looked at again soon
            self._pace.free()
            return BUSY_POLL_S
        self._pace.allow(count // 2 if is_late else count - count // 8)
        return 0.0

    async def _sort(self, alerts: int) -> int:
        """Sort `alerts` or so with each hand; one is enough unless the last look left some."""
        self._alerts_max = alerts
        await self.way.give(GIVE_WAY_S)
        if self._is_behind and self._limit == RECEIPTS_MAX:
            lanes = self.lanes // (2 * HANDS)  # leaves as many to another process
            async with asyncio.TaskGroup() as group:
                units = [group.create_task(self.sort_batch(lanes)) for _ in range(HANDS)]
            count = sum(unit.result() for unit in units)
        else:
            count = await self.sort_batch()
        self._is_behind = count > 0
        return count

    def hint(self, senders: Collection[str]) -> None:
        """Look at once for what is light; for all else unless intake needs the processor more.

        Of who is known not to be light nothing is looked for: in a flood every commit would be
        one look more.
        """
        if not set(senders) <= set(self._known_heavy() or ()):
            self.light_wake.set()
        if self._heavy and not self._intake_is_busy():
            self.wake.set()

    def _known_heavy(self) -> list[str] | None:
        """Name those whose signals are not light; None where nobody sorts what is."""
        at = asyncio.get_running_loop().time()
        is_known = at - self._looked_at < FRESH_S and not self._is_light_off()
        return self._heavy if is_known else None

    def _is_light_off(self) -> bool:
        return asyncio.get_running_loop().time() < self._light_again_at

    async def sort_batch(self, lanes: int | None = None) -> int:
        """Sort the oldest receipts of free lanes in one unit; return how many there were.

        A batch that fails is halved until one receipt stands alone; that one is set aside
        and paged about, so that nothing behind it waits.
        """
        await self._make_room()
        taken: list[Receipt] = []

        async def act(unit: Unit) -> int:
            taken.clear()
            limit = max(1, min(self._limit, int(self._alerts_max / self._alerts_per_receipt)))
            taken[:] = await signals.take(
                unit,
                lanes=lanes or self.lanes,
                limit=limit,
                senders=self._known_heavy(),
                or_before=unit.now - timedelta(seconds=OVERDUE_S),
            )
            return await self._fold(unit, taken, waited=True)

        try:
            count = await self._units.run(SYSTEM, act)
        except Unavailable:
            # the database's trouble is not the signal's; a smaller batch may get through
            self._limit = max(1, self._limit // 2)
            raise
        except Exception as error:  # noqa: BLE001 - door: whatever is wrong with a signal, the next is sorted
            await self._cut(taken, error)
            return len(taken)
        SORTED.inc(count)
        _tell(taken, count, light=False)
        if taken:
            self._alerts_per_receipt = max(1.0, count / len(taken))
        self._limit = min(RECEIPTS_MAX, self._limit * 2)
        return len(taken)

    async def _fold(self, unit: Unit, taken: Sequence[Receipt], *, waited: bool) -> int:
        extra = unit.config(Integrations).extra_labels
        pause = self._pause if waited else triage.no_pause
        observed: list[Observed] = []
        for receipt in taken:
            before = len(observed)
            observed += self._read(receipt, extra.get(receipt.integration), waited=waited)
            if before // STRETCH != len(observed) // STRETCH:
                await pause()
        if observed:
            await triage.sort_observed(unit, observed, pause)
        return len(observed)

    async def _pause(self) -> None:
        """Let what pages somebody go first, in the middle of a batch."""
        await asyncio.sleep(0)
        await self.way.give(GIVE_WAY_S)

    async def _cut(self, taken: list[Receipt], error: Exception) -> None:
        if len(taken) > 1:
            self._limit = max(1, len(taken) // 2)
            if not isinstance(error, triage.TooManyGroups):
                log.warning(
                    "sort.bisect", limit=self._limit, error=f"{type(error).__name__}: {error}"
                )
            return
        if not taken:
            raise error
        log.error("sort.unsortable", error=error, receipt_id=taken[0].id)
        UNSORTABLE.inc()

        async def put_away(unit: Unit) -> None:
            await signals.set_aside(unit, taken[0], f"{type(error).__name__}: {error}")

        await self._units.run(SYSTEM, put_away)

    def _read(
        self, receipt: Receipt, extra: Mapping[str, str] | None, *, waited: bool
    ) -> list[Observed]:
        found = self._parsers[receipt.format].read(receipt.body, receipt.received_at)
        return [
            Observed(
                dedup_key=signal.dedup_key,
                labels=signal.labels if extra is None else {**extra, **signal.labels},
                annotations=signal.annotations,
                starts_at=signal.starts_at,
                ends_at=signal.ends_at,
                ends_by_timeout=signal.ends_by_timeout,
                source_url=signal.source_url,
                integration=receipt.integration,
                received_at=receipt.received_at,
                acknowledges=signal.acknowledges,
                only_ends=signal.only_ends,
                waited=waited,
            )
            for signal in found
        ]

    async def _make_room(self) -> None:
        """See to it that receipts have a partition, from the oldest unsorted to tomorrow's."""
        async with self._units.db.connection() as conn:
            oldest_at = await reads.oldest_at(conn)
        today = self._clock.now().date()
        first = min(today, oldest_at.date() if oldest_at else today) - timedelta(days=1)
        wanted = [first + timedelta(days=n) for n in range((today - first).days + 2)]
        if self._has_room() and self._days.issuperset(wanted):
            return
        are_gone = await signals.keep_partitions(
            self._units.db,
            now=self._clock.now(),
            retention_days=self._retention_days,
            ahead=wanted,
        )
        self._days = set(wanted)
        self._drop_at = None if are_gone else self._clock.now() + DROP_AGAIN

    def _has_room(self) -> bool:
        """Say whether today and tomorrow have a partition, and nothing is to be dropped again."""
        now = self._clock.now()
        if self._drop_at is not None and now >= self._drop_at:
            return False
        return {now.date(), (now + timedelta(days=1)).date()} <= self._days
