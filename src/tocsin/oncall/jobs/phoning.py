"""Units around what comes in by telephone, and a bound on what is said back."""

from collections import deque
from datetime import datetime, timedelta

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import NotificationId
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import RECEIPTS, REPLIES
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall import actions
from tocsin.oncall.actions.phoning import ActorOf
from tocsin.oncall.core.phone import Script
from tocsin.oncall.store import Unasked

SAID_MAX = 8
SAID_WITHIN = timedelta(minutes=10)
NUMBERS_MAX = 10_000
PENDING_LASTS = timedelta(minutes=10)
PENDING_MAX = 20
log = Log("phone")


class Phones:
    """What people do by telephone, whether a provider brings it or we have asked for it."""

    def __init__(self, units: Units, actor_of: ActorOf) -> None:
        self._units = units
        self._actor_of = actor_of
        self._said: dict[str, deque[datetime]] = {}

    async def text(self, answer: actions.TextAnswer) -> str:
        """Do what a text message asks, once; return what to say back, "" for nothing.

        Two machines that answer each other fall silent after a few messages.
        """

        async def act(unit: Unit) -> str | None:
            return await actions.answer_text(unit, answer, self._actor_of)

        words = await self._units.run(SYSTEM, act)
        REPLIES.labels(answer.provider, "silent" if words is None else "done").inc()
        if not words or not self._is_bearable(answer.number):
            return ""
        return words

    async def receipt(self, receipt: actions.Receipt) -> None:
        """Keep what a provider tells of an attempt; one that is not known is nobody's."""
        try:
            await self._units.run(SYSTEM, lambda unit: actions.receive(unit, receipt))
        except NotFound:
            log.warning("receipt.unknown", notification_id=receipt.notification_id)
            return
        RECEIPTS.labels(receipt.kind).inc()

    async def take(
        self, notification_id: NotificationId, attempt: int, *, by_machine: bool
    ) -> Script | None:
        """Return what a call says; None: hang up. Raises NotFound."""

        async def take(unit: Unit) -> Script | None:
            return await actions.take_call(
                unit, notification_id, attempt, by_machine=by_machine
            )

        return await self._units.run(SYSTEM, take)

    async def press(self, pressed: actions.KeyPressed) -> Script | None:
        """Do what a key asks; None: say it all again. Raises NotFound, Forbidden."""

        async def act(unit: Unit) -> Script | None:
            return await actions.press_key(unit, pressed, self._actor_of)

        return await self._units.run(SYSTEM, act)

    async def pending(self) -> list[Unasked]:
        """Return the attempts whose receipt is to be asked for."""

        async def read(unit: Unit) -> list[Unasked]:
            since = unit.now - PENDING_LASTS
            return await actions.unconfirmed_calls(unit, since, PENDING_MAX)

        return await self._units.run(SYSTEM, read)

    def _is_bearable(self, number: str) -> bool:
        now = self._units.clock.now()
        if len(self._said) >= NUMBERS_MAX and number not in self._said:
            self._said.clear()
        lately = self._said.setdefault(number, deque(maxlen=SAID_MAX))
        if len(lately) == SAID_MAX and now - lately[0] < SAID_WITHIN:
            return False
        lately.append(now)
        return True
