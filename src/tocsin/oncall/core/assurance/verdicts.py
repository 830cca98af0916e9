"""What a check of all paths says: proven, or when not, where and why. Ids only, no names."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.kernel.vocabulary import Urgency

CATCH_ALL = 0
"""The number of the catch-all; steps are counted from 1, as they are written."""


class Path(Struct, frozen=True, kw_only=True):
    """The way of an alert: a route ("" where somebody pages by hand), and the policy it calls by.

    `policy` None: the route is meant to call nobody.
    """

    route: str
    policy: str | None
    urgency: Urgency


class Outcome(StrEnum):
    """What is known of a path for the whole stretch; the worst of it counts."""

    PROVEN = "proven"  # a step wakes somebody, whenever the alert comes
    LATE = "late"  # at some time the catch-all is the first that does
    LOST = "lost"  # at some time not even the catch-all does
    SILENT = "silent"  # it is meant to call nobody


class CauseKind(StrEnum):
    """Why a target of a policy wakes nobody."""

    NOBODY_ON_CALL = "nobody_on_call"
    EMPTY_TEAM = "empty_team"
    GONE = "gone"  # a person who is not there, or not active
    UNREACHABLE = "unreachable"  # no verified method that breaks through Do Not Disturb
    RULES = "rules"  # they have one, and their rules do not use it
    LOW = "low"  # the step's messages are of low urgency
    NO_TARGET = "no_target"  # nobody is named, or only a machine


class Cause(Struct, frozen=True, kw_only=True):
    """Why one target of one step wakes nobody; `why` says of a person what their methods lack."""

    step: int
    kind: CauseKind
    schedule_id: ScheduleId | None = None
    slot: str = ""
    team: str = ""
    person_id: PersonId | None = None
    why: str = ""


class Hole(Struct, frozen=True, kw_only=True):
    """An alert in [start_at, end_at) wakes nobody by the steps.

    `after_s`: so long after the alert the catch-all does; None: it does not either.
    """

    start_at: datetime
    end_at: datetime
    after_s: int | None
    causes: tuple[Cause, ...]


class Line(Struct, frozen=True, kw_only=True):
    """What is known of one path. `holes` are the first ones, `more` counts those left out.

    `worst_s` is the longest time until the first person who can be woken, where there is one.
    """

    path: Path
    outcome: Outcome
    worst_s: int | None = None
    zone: str = "UTC"
    holes: tuple[Hole, ...] = ()
    more: int = 0


class Assurance(Struct, frozen=True, kw_only=True):
    """A check of all paths for alerts in [start_at, end_at), as it was known at `start_at`."""

    start_at: datetime
    end_at: datetime
    lines: tuple[Line, ...]

    @property
    def is_proven(self) -> bool:
        """Say whether every alert wakes somebody within its policy."""
        return all(line.outcome is not Outcome.LOST for line in self.lines)

    @property
    def lost(self) -> tuple[Line, ...]:
        """Return the paths on which an alert can wake nobody."""
        return tuple(one for one in self.lines if one.outcome is Outcome.LOST)
