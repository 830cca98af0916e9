"""Prove that every alert reaches a verified human within its policy, or say when it does not. Pure.

A page is judged by the configuration that is in force when its alert comes, and by the contact
methods as they are known now. The catch-all has to reach somebody at its first call.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import hours
from tocsin.oncall.core.assurance.stands import Book, Stand, States
from tocsin.oncall.core.assurance.verdicts import (
    CATCH_ALL,
    Cause,
    CauseKind,
    Hole,
    Line,
    Outcome,
    Path,
)
from tocsin.oncall.core.assurance.walk import FOREVER, End, ends
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import CURE
from tocsin.oncall.core.schedule.turns import instant, seconds
from tocsin.oncall.model import Policy, ScheduleTarget, Target, TeamTarget

HOLES_MAX = 50
DAY_S = 86_400
BEYOND_MAX_S = 31 * DAY_S
"""So far after the last alert the ladder is looked at; whatever stands last there stays."""
HELD_S = (hours.DAYS_AHEAD + 1) * DAY_S
"""Support hours and quiet hours hold a page back for a week at most."""
HELD_OVER_HOLIDAYS_S = (hours.DAYS_AHEAD_MAX + 1) * DAY_S
"""Support hours that public holidays leave out hold it back for longer."""


def lasts_s(directory: Directory) -> int:
    """Return how long after an alert somebody may still be called for the first time."""
    found = (_lasts_s(one) for one in directory.policies.values())
    has_holidays = any(
        one.holidays for policy in directory.policies.values() for one in policy.support_hours
    )
    held_s = HELD_OVER_HOLIDAYS_S if has_holidays else HELD_S
    return min(BEYOND_MAX_S, max(found, default=0)) + held_s


def prove(
    paths: Iterable[Path],
    directory: Directory,
    states: States,
    start: datetime,
    end: datetime,
    holes_max: int = HOLES_MAX,
) -> list[Line]:
    """Look at every alert in [start, end), on each path; `states` are of all addresses.

    Of each path `holes_max` holes are told, those first at which an alert is lost.
    """
    lo, hi = seconds(start), seconds(end)
    book = Book(directory, states, lo, hi + lasts_s(directory))
    known: dict[tuple[str, Urgency], Line] = {}
    found = []
    for path in paths:
        if path.policy is None:
            found.append(Line(path=path, outcome=Outcome.SILENT))
            continue
        policy = directory.policy(path.policy)
        key = (policy.name, path.urgency)
        if key not in known:
            known[key] = _line(path, policy, book, hi, holes_max)
        line = known[key]
        found.append(_of_path(line, path, policy))
    return found


def _of_path(line: Line, path: Path, policy: Policy) -> Line:
    mine = Path(route=path.route, policy=policy.name, urgency=path.urgency)
    return Line(
        path=mine, outcome=line.outcome, worst_s=line.worst_s, zone=line.zone,
        holes=line.holes, more=line.more,
    )  # fmt: skip


def _lasts_s(policy: Policy) -> int:
    return (policy.repeat + 1) * sum(step.timeout_s for step in policy.steps)


def _line(path: Path, policy: Policy, book: Book, hi: int, holes_max: int) -> Line:
    found = ends(policy, book, path.urgency)
    until = [at for at, _ in found[1:]] + [FOREVER]
    spans = [
        _Span(at, min(over, hi), end)
        for (at, end), over in zip(found, until, strict=True)
        if at < hi
    ]
    holes = _holes(spans, book, path.urgency)
    after = [one.end.after_s for one in spans if one.end.after_s is not None]
    outcome = Outcome.LATE if holes else Outcome.PROVEN
    if any(one.after_s is None for one in holes):
        outcome = Outcome.LOST
    # what is lost comes first where there are too many to be told
    shown = sorted(holes, key=lambda one: (one.after_s is not None, one.start_at))[:holes_max]
    return Line(
        path=path, outcome=outcome, worst_s=max(after, default=None), zone=_zone(policy, book),
        holes=tuple(sorted(shown, key=lambda one: one.start_at)),
        more=len(holes) - len(shown),
    )  # fmt: skip


class _Span(Struct, frozen=True):
    """All alerts in [start_s, end_s) end alike."""

    start_s: int
    end_s: int
    end: End


def _holes(spans: Iterable[_Span], book: Book, page: Urgency) -> list[Hole]:
    """Name what no step wakes anybody for; what follows without a break for the same causes is one."""
    found: list[Hole] = []
    for one in spans:
        if one.end.step != CATCH_ALL:
            continue
        hole = Hole(
            start_at=instant(one.start_s), end_at=instant(one.end_s),
            after_s=one.end.after_s, causes=_causes(one.end, book, page),
        )  # fmt: skip
        if found and _goes_on(found[-1], hole):
            found[-1] = replace(found[-1], end_at=hole.end_at)
            continue
        found.append(hole)
    return found


def _goes_on(before: Hole, hole: Hole) -> bool:
    same = (before.after_s, before.causes) == (hole.after_s, hole.causes)
    return same and before.end_at == hole.start_at


def _causes(end: End, book: Book, page: Urgency) -> tuple[Cause, ...]:
    found: dict[Cause, None] = {}
    for number, stand in end.trail:
        if number == CATCH_ALL and end.after_s is not None:
            continue
        found |= dict.fromkeys(_of_stand(number, stand, book, page))
    return tuple(found)


def _of_stand(number: int, stand: Stand, book: Book, page: Urgency) -> Iterator[Cause]:
    for target in stand.empty:
        yield _empty(number, target)
    for who in stand.gone:
        person = book.directory.people.get(who)
        kind = CauseKind.UNREACHABLE if person and person.active else CauseKind.GONE
        why = "there is no contact method" if person and person.active else ""
        yield Cause(step=number, kind=kind, person_id=who, why=why)
    for who in stand.called:
        if stand.is_low:
            yield Cause(step=number, kind=CauseKind.LOW, person_id=who)
            continue
        found = book.reach(who)
        if found is None or book.answers_s(who, Urgency.HIGH, page) is not None:
            continue
        why = found.why_not.removesuffix(f"; {CURE}")  # said once, not of each person
        if page is Urgency.LOW:
            why = "no method that their rules use is verified"
        kind = CauseKind.UNREACHABLE if why else CauseKind.RULES
        yield Cause(step=number, kind=kind, person_id=who, why=why)
    if not (stand.empty or stand.gone or stand.called):
        yield Cause(step=number, kind=CauseKind.NO_TARGET)


def _empty(number: int, target: Target) -> Cause:
    if isinstance(target, ScheduleTarget):
        return Cause(
            step=number, kind=CauseKind.NOBODY_ON_CALL, schedule_id=target.schedule,
            slot=target.slot,
        )  # fmt: skip
    team = target.team if isinstance(target, TeamTarget) else ""
    return Cause(step=number, kind=CauseKind.EMPTY_TEAM, team=team)


def _zone(policy: Policy, book: Book) -> str:
    targets = [one for step in policy.steps for one in step.targets]
    for target in targets:
        if isinstance(target, ScheduleTarget):
            schedule = book.directory.schedules.get(target.schedule)
            if schedule is not None:
                return schedule.zone
    return "UTC"
