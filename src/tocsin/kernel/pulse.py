"""Notices that this process was stopped (SIGSTOP, a frozen machine) and has just gone on.

What it finds on its sockets then was sent long ago: its senders have given up on it, and may have
sent something newer to another node.
"""

from collections.abc import Callable

from tocsin.kernel.clock import elapsed_s
from tocsin.kernel.logs import Log

BEAT_S = 0.25
STOPPED_S = 3.0  # without a beat; less than any sender waits
STALE_S = 1.0  # how long what is read after a stop counts as old
log = Log("pulse")


class Pulse:
    """One per process; without `beat` it never says that the process was stopped.

    It goes by this machine's own running time, which also counts suspend, and not by `Clock`:
    that one is anchored anew after a stop, and a test that moves it has stopped nothing.
    """

    def __init__(self, elapsed_s: Callable[[], float] = elapsed_s) -> None:
        self._elapsed_s = elapsed_s
        self._beat_s: float | None = None
        self._fresh_from_s = 0.0

    async def beat(self) -> float:
        """Take note of being alive; return when to do so again."""
        now_s = self._elapsed_s()
        if self.was_stopped() and self._beat_s is not None and now_s > self._fresh_from_s:
            log.warning("process.stopped", for_s=round(now_s - self._beat_s, 1))
            self._fresh_from_s = now_s + STALE_S
        self._beat_s = now_s
        return BEAT_S

    def was_stopped(self) -> bool:
        """Say whether what is at hand may be from before a stop."""
        now_s = self._elapsed_s()
        if now_s < self._fresh_from_s:
            return True
        return self._beat_s is not None and now_s - self._beat_s > STOPPED_S
