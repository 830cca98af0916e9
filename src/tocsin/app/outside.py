"""Tells a monitor outside, once a minute, that this Tocsin is well: it pages when it hears no more."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tocsin.integrations.outbound import Blocked, Outbound, Unreachable
from tocsin.kernel.clock import Clock
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import OUTSIDE_TOLD
from tocsin.web.services import Readiness

EVERY_S = 60.0
AGAIN_S = 10.0  # after a failure: the monitor's own grace shall not run out for one lost packet
WATCHED_MAX = timedelta(seconds=120)  # since the watchdog has looked
log = Log("outside")


class Outside:
    """Judges as `/health/ready` does; silence is the alarm, so it says nothing when in doubt."""

    def __init__(
        self,
        outbound: Outbound,
        url: str,
        clock: Clock,
        readiness: Callable[[], Awaitable[Readiness]],
    ) -> None:
        """`url` is a secret: who has it can keep the monitor quiet."""
        self._outbound = outbound
        self._url = url
        self._clock = clock
        self._readiness = readiness
        self._trouble = ""
        self._watched_at = clock.now()

    @property
    def is_used(self) -> bool:
        """Say whether anybody outside listens."""
        return bool(self._url)

    def watched(self) -> None:
        """Take note that the watchdog has looked for forgotten pages."""
        self._watched_at = self._clock.now()

    async def beat(self) -> float:
        """Ping if all is well; return after how many seconds to come again."""
        trouble = await self._unwell() or await self._ping()
        OUTSIDE_TOLD.set(0 if trouble else 1)
        if trouble and not self._trouble:
            log.warning("outside.not_told", why=trouble)
        if self._trouble and not trouble:
            log.info("outside.told_again")
        self._trouble = trouble
        return AGAIN_S if trouble else EVERY_S

    async def _unwell(self) -> str:
        found = await self._readiness()
        if not found.ready:
            return "not ready: " + ", ".join(found.codes)
        if self._clock.now() - self._watched_at > WATCHED_MAX:
            return "the watchdog has not looked"
        return ""

    async def _ping(self) -> str:
        try:
            answer = await self._outbound.request(
                "GET", self._url, headers={"user-agent": "tocsin"}
            )
        except (Blocked, Unreachable) as error:
            return f"{type(error).__name__}: {error}"
        if 200 <= answer.status < 300:  # noqa: PLR2004 - the class of statuses that mean success
            return ""
        return f"it answers {answer.status}"
