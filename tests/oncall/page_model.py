"""Executable model of a page: a tiny database, and the rules written down a second time.

`TinyDb` is what survives a crash: timers and notifications with leases, seconds as integers.
`Model` decides in its own plain words; `page_world.World` lets the real step decide over the
same tables. `mutant` breaks one promise of the shell on purpose.
"""

from collections.abc import Callable
from typing import ClassVar

from msgspec import Struct
from typing_extensions import override

LEASE_S = 3
GIVEN_UP = ("failed", "suppressed")


class Crash(Exception):
    """The process dies here; what the tables hold stays."""


class Org(Struct):
    """Who is called when: (names, timeout) per step; how many methods each name has."""

    steps: list[tuple[list[str], int]]
    methods: dict[str, int]
    repeat: int = 1
    catch_all: tuple[str, ...] = ("boss",)
    catch_every: int = 10
    ack_timeout: int = 12

    def live(self, names: list[str] | tuple[str, ...]) -> list[str]:
        """Names that have a method, each once."""
        return [name for name in dict.fromkeys(names) if self.methods.get(name, 0) > 0]


class Timer(Struct):
    """A row of timers."""

    kind: str
    due: int
    epoch: int
    done: bool = False


class Row(Struct):
    """A row of notifications; `rung` is (epoch, loop, step, catch)."""

    rung: tuple[int, int, int, int]
    user: str
    method: int
    state: str = "queued"
    attempts: int = 0
    lease: int = 0
    not_before: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """The unique key."""
        return (*self.rung, self.user, self.method)


class TinyDb:
    """The tables, and what the shell does in one transaction each."""

    def __init__(
        self, org: Org, mutant: str = "", maybe_crash: Callable[[], None] = lambda: None
    ) -> None:
        self.org = org
        self.mutant = mutant
        self.maybe_crash = maybe_crash
        self.timers: list[Timer] = []
        self.rows: list[Row] = []
        self.alarms = 0

    # what a subclass decides

    def head(self) -> tuple[object, ...]:
        """State, epoch, loop, step, catch, retriggers, unpageable."""
        raise NotImplementedError

    def on_trigger(self, now: int) -> None:
        """The page is new."""
        raise NotImplementedError

    def on_due(self, kind: str, epoch: int, now: int) -> None:
        """A timer is due."""
        raise NotImplementedError

    def is_fenced(self, row: Row) -> bool:
        """May this row no longer be sent?"""
        raise NotImplementedError

    def on_end(self, row: Row, outcome: str, now: int) -> None:
        """An attempt ended "sent", "transient" or "permanent"."""
        raise NotImplementedError

    def ack(self, who: str, now: int) -> None:
        """Somebody acknowledges."""
        raise NotImplementedError

    def resolve(self, now: int) -> None:
        """It is over."""
        raise NotImplementedError

    def escalate(self, who: str, now: int) -> None:
        """Somebody asks for the next rung."""
        raise NotImplementedError

    def retrigger(self, now: int) -> None:
        """The incident was reopened."""
        raise NotImplementedError

    def snooze(self, who: str, until: int, now: int) -> None:
        """Somebody puts it off."""
        raise NotImplementedError

    def hand_back(self, who: str, now: int) -> None:
        """Somebody gives back what they had."""
        raise NotImplementedError

    # the tables

    def timer(self, kind: str, due: int, epoch: int) -> None:
        """Insert a timer."""
        if self.mutant == "nocatch" and kind == "catch":
            return
        if self.mutant == "timer_after_commit":
            self.maybe_crash()
        self.timers.append(Timer(kind, due, epoch))

    def pull(self, kind: str, due: int, epoch: int) -> None:
        """Make the pending timer due earlier."""
        for timer in self.timers:
            if (timer.kind, timer.epoch, timer.done) == (kind, epoch, False):
                timer.due = min(timer.due, due)

    def enqueue(self, rung: tuple[int, int, int, int], user: str, method: int) -> None:
        """Insert a notification, once per key."""
        row = Row(rung, user, method)
        if self.mutant == "nofallback" and method > 0:
            return
        if self.mutant != "nodedupe" and any(old.key == row.key for old in self.rows):
            return
        self.rows.append(row)

    def due(self, now: int) -> list[Timer]:
        """Timers that may be fired."""
        return [timer for timer in self.timers if not timer.done and timer.due <= now]

    def claimable(self, now: int) -> list[Row]:
        """Notifications that a worker may take: queued, or left by a worker that died."""
        return [
            row
            for row in self.rows
            if (row.state == "queued" and row.not_before <= now)
            or (row.state == "sending" and row.lease <= now and self.mutant != "nolease")
        ]

    def fire(self, timer: Timer, now: int) -> None:
        """Mark done and carry out, in one transaction."""
        if self.mutant == "timer_done_first":
            timer.done = True
            self.maybe_crash()
        timer.done = True
        self.on_due(timer.kind, timer.epoch, now)

    def claim(self, row: Row, now: int) -> bool:
        """Take a notification under the page's lock; False: it is fenced off."""
        if self.mutant != "noepoch" and self.is_fenced(row):
            row.state = "suppressed"
            return False
        row.state, row.lease, row.attempts = "sending", now + LEASE_S, row.attempts + 1
        return True

    def snapshot(self) -> tuple[object, ...]:
        """All that must be equal between the model and the machine."""
        return (
            self.head(),
            self.alarms,
            sorted((t.kind, t.due, t.epoch) for t in self.timers if not t.done),
            sorted((row.key, row.state, row.attempts, row.not_before) for row in self.rows),
        )


class Model(TinyDb):
    """The rules of a page, as plainly as they can be said."""

    backoff: ClassVar = {1: 5, 2: 20}

    def __init__(
        self, org: Org, mutant: str = "", maybe_crash: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(org, mutant, maybe_crash)
        self.state, self.epoch, self.retriggers, self.unpageable = "triggered", 0, 0, False
        self.loop, self.step, self.catch = 0, -1, 0

    @override
    def head(self) -> tuple[object, ...]:
        return (
            self.state, self.epoch, self.loop, self.step, self.catch,
            self.retriggers, self.unpageable,
        )  # fmt: skip

    def is_open(self) -> bool:
        return self.state in ("triggered", "escalating")

    def move_on(self) -> None:
        self.epoch += 1
        self.unpageable = False

    def restart(self, now: int) -> None:
        self.move_on()
        self.loop, self.step, self.catch = 0, -1, 0
        self.state = "triggered"
        self.enter(0, now)

    def rung(self) -> tuple[int, int, int, int]:
        return (self.epoch, self.loop, -1 if self.catch else self.step, self.catch)

    def enter(self, step: int, now: int) -> None:
        if self.catch:
            self.call_catch_all(now)
            return
        for index in range(step, len(self.org.steps)):
            names, timeout = self.org.steps[index]
            self.step = index
            live = self.org.live(names)
            if live:
                self.state = "triggered" if self.loop == index == 0 else "escalating"
                for name in live:
                    self.enqueue(self.rung(), name, 0)
                self.timer("step", now + timeout, self.epoch)
                return
        if self.loop < self.org.repeat and any(self.org.live(n) for n, _ in self.org.steps):
            self.loop += 1
            self.enter(0, now)
        else:
            self.call_catch_all(now)

    def call_catch_all(self, now: int) -> None:
        self.state = "escalating"
        self.catch += 1
        live = self.org.live(self.org.catch_all)
        for name in live:
            self.enqueue(self.rung(), name, 0)
        if not live or self.catch > 3:
            self.alarm()
        self.timer("catch", now + self.org.catch_every, self.epoch)

    def alarm(self) -> None:
        if not self.unpageable:
            self.unpageable = True
            self.alarms += 1

    @override
    def on_trigger(self, now: int) -> None:
        if self.epoch == 0:
            self.restart(now)

    @override
    def on_due(self, kind: str, epoch: int, now: int) -> None:
        if epoch != self.epoch:
            return
        if kind == "snooze":
            if self.state == "snoozed":
                self.restart(now)
        elif kind == "ack_timeout":
            if self.state == "acknowledged" and self.retriggers < 12:
                self.retriggers += 1
                self.restart(now)
        elif self.is_open() and (kind == "catch") == (self.catch > 0):
            self.enter(self.step + 1, now)

    @override
    def is_fenced(self, row: Row) -> bool:
        return row.rung[0] != self.epoch or not self.is_open()

    @override
    def on_end(self, row: Row, outcome: str, now: int) -> None:
        if outcome == "sent":
            row.state = "sent"
            return
        if outcome == "transient" and row.attempts in self.backoff and not self.is_fenced(row):
            row.state, row.not_before = "queued", now + self.backoff[row.attempts]
            return
        row.state = "failed"
        if self.is_fenced(row):
            return
        if row.method + 1 < self.org.methods[row.user]:
            self.enqueue(row.rung, row.user, row.method + 1)
            return
        of_rung = [other for other in self.rows if other.rung == row.rung]
        if row.rung == self.rung() and all(other.state in GIVEN_UP for other in of_rung):
            if self.catch:
                self.alarm()
            else:
                self.pull("step", now, self.epoch)

    @override
    def ack(self, who: str, now: int) -> None:
        if self.is_open() or self.state == "snoozed":
            self.state = "acknowledged"
            self.move_on()
            if self.org.ack_timeout:
                self.timer("ack_timeout", now + self.org.ack_timeout, self.epoch)

    @override
    def resolve(self, now: int) -> None:
        if self.state != "resolved":
            self.state = "resolved"
            self.move_on()

    @override
    def escalate(self, who: str, now: int) -> None:
        if self.state != "resolved":
            self.move_on()
            self.enter(self.step + 1, now)

    @override
    def snooze(self, who: str, until: int, now: int) -> None:
        if self.state != "resolved":
            self.state = "snoozed"
            self.move_on()
            self.timer("snooze", until, self.epoch)

    @override
    def hand_back(self, who: str, now: int) -> None:
        if self.state in ("acknowledged", "snoozed"):
            self.restart(now)

    @override
    def retrigger(self, now: int) -> None:
        if not self.is_open() and self.state != "snoozed":
            self.retriggers = 0
            self.restart(now)
