"""What the API says of checks and simulations of policies."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance import (
    Assurance,
    Cause,
    Hole,
    Line,
    Outcome,
    Simulated,
    SimulatedCall,
    cause_words,
    hole_words,
    line_words,
)
from tocsin.oncall.core.config import Directory
from tocsin.web.ladders import missing_words


class CauseShape(Struct, frozen=True, kw_only=True):
    """Why one target wakes nobody; `step` counts from 1 and is 0 for the catch-all."""

    step: int
    kind: str
    schedule: str | None
    slot: str | None
    team: str | None
    person_id: UUID | None
    words: str


class HoleShape(Struct, frozen=True, kw_only=True):
    """An alert in [start_at, end_at) wakes nobody by the steps.

    `after_seconds`: so long after the alert the catch-all does; null: it does not either.
    """

    start_at: datetime
    end_at: datetime
    after_seconds: int | None
    words: str
    causes: tuple[CauseShape, ...]


class PathShape(Struct, frozen=True, kw_only=True):
    """One way of alerts: a route and its policy; `route` null: people page by it by hand.

    `more` counts the holes that are left out.
    """

    route: str | None
    policy: str | None
    urgency: Urgency
    outcome: Outcome
    words: str
    worst_seconds: int | None
    timezone: str
    holes: tuple[HoleShape, ...]
    more: int


class AssuranceShape(Struct, frozen=True, kw_only=True):
    """A check of all paths for alerts in [start_at, end_at); `proven`: none of them is lost."""

    start_at: datetime
    end_at: datetime
    proven: bool
    paths: tuple[PathShape, ...]


class SimulatedTellShape(Struct, frozen=True, kw_only=True):
    """One message; `wakes`: verified, and breaks through Do Not Disturb."""

    person_id: UUID
    name: str
    method: str
    at: datetime
    wakes: bool


class SimulatedCallShape(Struct, frozen=True, kw_only=True):
    """One rung at its instant; `step` counts from 1 and is 0 for the catch-all.

    `held_until`: nothing is called before that, because of a public `holiday` or of the hours
    alone.
    """

    at: datetime
    after_seconds: int
    round: int
    step: int
    tells: tuple[SimulatedTellShape, ...]
    missing: tuple[str, ...]
    held_until: datetime | None
    holiday: str


class SimulatedShape(Struct, frozen=True, kw_only=True):
    """A page nobody answers, up to the catch-all; `after_seconds` until the first who is reached."""

    policy: str
    at: datetime
    urgency: Urgency
    after_seconds: int | None
    calls: tuple[SimulatedCallShape, ...]


def assurance_shape(found: Assurance, directory: Directory) -> AssuranceShape:
    """Say what the API says of a check."""
    return AssuranceShape(
        start_at=found.start_at, end_at=found.end_at, proven=found.is_proven,
        paths=tuple(_path(line, directory) for line in found.lines),
    )  # fmt: skip


def _path(line: Line, directory: Directory) -> PathShape:
    return PathShape(
        route=line.path.route or None, policy=line.path.policy or None,
        urgency=line.path.urgency, outcome=line.outcome, words=line_words(line),
        worst_seconds=line.worst_s, timezone=line.zone,
        holes=tuple(_hole(one, line.zone, directory) for one in line.holes), more=line.more,
    )  # fmt: skip


def _hole(hole: Hole, zone: str, directory: Directory) -> HoleShape:
    return HoleShape(
        start_at=hole.start_at, end_at=hole.end_at, after_seconds=hole.after_s,
        words=hole_words(hole, zone, directory),
        causes=tuple(_cause(one, directory) for one in hole.causes),
    )  # fmt: skip


def _cause(cause: Cause, directory: Directory) -> CauseShape:
    schedule = directory.schedules.get(cause.schedule_id) if cause.schedule_id else None
    return CauseShape(
        step=cause.step, kind=cause.kind, schedule=schedule.name if schedule else None,
        slot=cause.slot or None, team=cause.team or None, person_id=cause.person_id,
        words=cause_words(cause, directory),
    )  # fmt: skip


def simulated_shape(
    found: Simulated, name: str, urgency: Urgency, directory: Directory
) -> SimulatedShape:
    """Say what the API says of a simulated page."""
    return SimulatedShape(
        policy=name, at=found.at, urgency=urgency,
        after_seconds=None if found.after_s is None else int(found.after_s),
        calls=tuple(_call(one, found.at, directory) for one in found.calls),
    )  # fmt: skip


def _call(call: SimulatedCall, at: datetime, directory: Directory) -> SimulatedCallShape:
    return SimulatedCallShape(
        at=call.at, after_seconds=int((call.at - at).total_seconds()), round=call.round,
        step=call.step, held_until=call.held_until, holiday=call.holiday,
        tells=tuple(
            SimulatedTellShape(
                person_id=one.person_id, name=directory.name_of(one.person_id),
                method=one.kind, at=one.at, wakes=one.wakes,
            )
            for one in call.tells
        ),
        missing=tuple(missing_words(one, directory) for one in call.missing),
    )  # fmt: skip
