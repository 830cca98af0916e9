"""A tiny database for pages: timers and notifications with leases, seconds as integers.

It is what survives a crash. `page_model.Model` decides over it in its own plain words,
`page_world.World` lets the real step decide. `mutant` breaks one promise of the shell on purpose.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy

from msgspec import Struct

LEASE_S = 3
DOWN = {"down": 30, "down for long": 120}  # a provider that is left alone, and for how long
PATIENCE_S = 60  # who is called in longer than that is not waited for
GIVEN_UP = ("failed", "suppressed")


class Crash(Exception):
    """The process dies here; what the tables hold stays."""


class Rung(Struct, frozen=True, kw_only=True):
    """One step: of `turns` one name is called, in turn; `urgent` also of a page that is not."""

    names: list[str]
    timeout: int
    turns: bool = False
    urgent: bool = False


class Org(Struct):
    """Who is called when: (names, timeout) per step; how many methods each name has.

    `turns` and `urgent` name steps by their place. A page that is `low` waits for `opens_at`, and
    is the `ticket`th of its policy.
    """

    steps: list[tuple[list[str], int]]
    methods: dict[str, int]
    repeat: int = 1
    catch_all: tuple[str, ...] = ("boss",)
    catch_every: int = 10
    ack_timeout: int = 12
    turns: frozenset[int] = frozenset()
    urgent: frozenset[int] = frozenset()
    low: bool = False
    opens_at: int = 0
    ticket: int = 0
    assigned_s: int = 7  # how long whom it was handed to has before the policy

    def rungs(self, assigned: str = "") -> list[Rung]:
        """Return the steps, with whom a page was handed to before them."""
        first = [Rung(names=[assigned], timeout=self.assigned_s)] if assigned else []
        return first + [
            Rung(names=names, timeout=timeout, turns=at in self.turns, urgent=at in self.urgent)
            for at, (names, timeout) in enumerate(self.steps)
        ]

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
    skipped: int = 0
    lease: int = 0
    not_before: int = 0
    urgent: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        """The unique key."""
        return (*self.rung, self.user, self.method)

    def is_lost(self, now: int) -> bool:
        """Given up, or waiting for longer than a retry for a provider that is left alone."""
        waits_long = self.state == "queued" and self.not_before - now > PATIENCE_S
        return waits_long or self.state in GIVEN_UP


class TinyDb(ABC):
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

    @abstractmethod
    def head(self) -> tuple[object, ...]:
        """State, epoch, loop, step, catch, retriggers, unpageable, whether it is urgent."""

    @abstractmethod
    def on_trigger(self, now: int) -> None:
        """The page is new."""

    @abstractmethod
    def on_due(self, kind: str, epoch: int, now: int) -> None:
        """A timer is due."""

    @abstractmethod
    def is_fenced(self, row: Row) -> bool:
        """May this row no longer be sent?"""

    @abstractmethod
    def on_end(
        self, row: Row, outcome: str, now: int, seen: Sequence[Row] | None = None
    ) -> None:
        """An attempt ended "sent", "transient" or "permanent".

        `seen` are the rows of its rung as somebody read them who did not look again (None: as
        they are): then the unique key alone keeps a message from being ordered twice.
        """

    @abstractmethod
    def ack(self, who: str, now: int) -> None:
        """Somebody acknowledges."""

    @abstractmethod
    def resolve(self, now: int) -> None:
        """It is over."""

    @abstractmethod
    def escalate(self, who: str, now: int) -> None:
        """Somebody asks for the next rung."""

    @abstractmethod
    def retrigger(self, now: int) -> None:
        """The incident was reopened."""

    @abstractmethod
    def snooze(self, who: str, until: int, now: int) -> None:
        """Somebody puts it off."""

    @abstractmethod
    def hand_back(self, who: str, now: int) -> None:
        """Somebody gives back what they had."""

    @abstractmethod
    def reassign(self, to: str, now: int) -> None:
        """Somebody hands it to somebody, who is called before the policy."""

    @abstractmethod
    def make_urgent(self, now: int) -> None:
        """It was not, and is now."""

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

    def enqueue(
        self, rung: tuple[int, int, int, int], user: str, method: int, *, urgent: bool = True
    ) -> None:
        """Insert a notification, once per key."""
        row = Row(rung, user, method, urgent=urgent)
        if self.mutant == "nofallback" and method > 0:
            return
        if self.mutant != "nodedupe" and any(old.key == row.key for old in self.rows):
            return
        self.rows.append(row)

    def of_rung(self, row: Row) -> list[Row]:
        """Read the rows of one call of one rung."""
        return [copy(one) for one in self.rows if one.rung == row.rung]

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
            sorted(
                (row.key, row.state, row.attempts, row.not_before, row.urgent)
                for row in self.rows
            ),
        )
