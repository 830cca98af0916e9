"""Executable model of a page: its rules, written down a second time and as plainly as can be."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from page_tables import DOWN, GIVEN_UP, PATIENCE_S, Org, Row, TinyDb
from typing_extensions import override


class Model(TinyDb):
    """The rules of a page, as plainly as they can be said."""

    backoff: ClassVar = {1: 5, 2: 20}

    def __init__(
        self, org: Org, mutant: str = "", maybe_crash: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(org, mutant, maybe_crash)
        self.state, self.epoch, self.retriggers, self.unpageable = "triggered", 0, 0, False
        self.loop, self.step, self.catch = 0, -1, 0
        self.low, self.assigned = org.low, ""

    @override
    def head(self) -> tuple[object, ...]:
        return (
            self.state, self.epoch, self.loop, self.step, self.catch,
            self.retriggers, self.unpageable, not self.low,
        )  # fmt: skip

    def is_open(self) -> bool:
        return self.state in ("triggered", "escalating")

    def is_waiting(self) -> bool:
        return self.state in ("snoozed", "held")

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

    def enter(self, step: int, now: int, *, at_once: bool = False) -> None:
        if self.catch:
            self.call_catch_all(now, at_once=at_once)
            return
        rungs = self.org.rungs(self.assigned)
        for index in range(step, len(rungs)):
            live, urgent = self.org.live(rungs[index].names), rungs[index].urgent
            if live and not urgent and not at_once and self.is_closed(now):
                self.hold(index - 1)
                return
            self.step = index
            if live:
                if rungs[index].turns:
                    live = [live[(self.org.ticket + self.loop) % len(live)]]
                self.state = "triggered" if self.loop == index == 0 else "escalating"
                for name in live:
                    self.enqueue(self.rung(), name, 0, urgent=urgent or not self.low)
                self.timer("step", now + rungs[index].timeout, self.epoch)
                return
        if self.loop < self.org.repeat and any(self.org.live(one.names) for one in rungs):
            self.loop += 1
            self.enter(0, now, at_once=at_once)
        else:
            self.call_catch_all(now, at_once=at_once)

    def is_closed(self, now: int) -> bool:
        """Say whether what is not urgent has to wait."""
        return self.low and now < self.org.opens_at

    def hold(self, step: int) -> None:
        self.state, self.step = "held", step
        self.timer("opening", self.org.opens_at, self.epoch)

    def call_catch_all(self, now: int, *, at_once: bool) -> None:
        live = self.org.live(self.org.catch_all)
        if live and not at_once and self.is_closed(now):
            self.hold(self.step)
            return
        self.state = "escalating"
        self.catch += 1
        for name in live:
            self.enqueue(self.rung(), name, 0, urgent=not self.low)
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
        elif kind == "opening":
            if self.state == "held":
                self.enter(self.step + 1, now)
        elif kind == "ack_timeout":
            if self.state == "acknowledged" and self.retriggers < 12:
                self.retriggers += 1
                self.restart(now)
        elif self.is_open() and (kind == "catch") == (self.catch > 0):
            self.enter(self.step + 1, now)

    @override
    def is_fenced(self, row: Row) -> bool:
        if row.rung[0] != self.epoch:
            return True
        return not row.urgent if self.state == "held" else not self.is_open()

    @override
    def on_end(
        self, row: Row, outcome: str, now: int, seen: Sequence[Row] | None = None
    ) -> None:
        seen = self.of_rung(row) if seen is None else seen
        if outcome == "sent":
            row.state = "sent"
            return
        if outcome == "unconfirmed":  # it may have arrived, so nobody is given up for it
            if not self.is_fenced(row):
                self.follow(row, seen)
            return
        if self.is_fenced(row):
            row.state = "failed"
            return
        if outcome in DOWN:
            self.skip(row, DOWN[outcome], now, seen)
            return
        tries = row.attempts - row.skipped
        if outcome == "transient" and tries in self.backoff:
            row.state, row.not_before = "queued", now + self.backoff[tries]
            return
        row.state = "failed"
        others = [one for one in seen if one.key != row.key]
        if not self.follow(row, seen) and all(one.is_lost(now) for one in others):
            self.give_up(row.rung, now)

    def skip(self, row: Row, wait_s: int, now: int, seen: Sequence[Row]) -> None:
        """Nobody was asked: it is no try, and whoever has another method does not wait."""
        row.skipped += 1
        if self.follow(row, seen):
            row.state = "failed"
            return
        row.state, row.not_before = "queued", now + wait_s
        others = [one for one in seen if one.key != row.key]
        if wait_s > PATIENCE_S and all(one.is_lost(now) for one in others):
            self.give_up(row.rung, now)

    def follow(self, row: Row, seen: Sequence[Row]) -> bool:
        """Take the next method, unless a later one was taken and goes on."""
        mine = [one for one in seen if one.user == row.user]
        if any(one.method > row.method and one.state not in GIVEN_UP for one in mine):
            return False
        taken = {one.method for one in mine}
        left = [at for at in range(self.org.methods[row.user]) if at not in taken]
        if left:
            self.enqueue(row.rung, row.user, left[0], urgent=row.urgent)
        return bool(left)

    def give_up(self, rung: tuple[int, int, int, int], now: int) -> None:
        if rung != self.rung() or not self.is_open():
            return
        if self.catch:
            self.alarm()
        else:
            self.pull("step", now, self.epoch)

    @override
    def ack(self, who: str, now: int) -> None:
        if self.is_open() or self.is_waiting():
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
            self.enter(self.step + 1, now, at_once=True)

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
        if not self.is_open() and not self.is_waiting():
            self.retriggers, self.assigned = 0, ""
            self.restart(now)

    @override
    def reassign(self, to: str, now: int) -> None:
        if self.state != "resolved":
            self.assigned = to
            self.restart(now)

    @override
    def make_urgent(self, now: int) -> None:
        if self.state != "resolved" and self.low:
            self.low = False
            self.restart(now)
