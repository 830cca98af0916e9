"""A policy as a line in time: whom it calls how long after the alert, and what is wrong with it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.ladder import Missing, MissingReason, Rung
from tocsin.oncall.model import Policy, Target
from tocsin.web.targets import TargetWord, target_word

_WHY = {
    MissingReason.UNKNOWN_PERSON: "is not there any more",
    MissingReason.UNKNOWN_SCHEDULE: "is not there any more",
    MissingReason.BROKEN_SCHEDULE: "cannot be read",
    MissingReason.NOBODY_ON_CALL: "has nobody on call then",
    MissingReason.INACTIVE: "is not active",
    MissingReason.NO_METHOD: "has no contact method",
    MissingReason.EMPTY_TEAM: "has no members, or no schedule",
    MissingReason.QUIET_HOURS: "has quiet hours",
}


class Called(Struct, frozen=True, kw_only=True):
    """Somebody who is called, and by what first."""

    id: UUID
    name: str
    method: str


class RungView(Struct, frozen=True, kw_only=True):
    """One step at its instant; `at_s` counts from the first call."""

    at_s: int
    at: datetime
    targets: tuple[TargetWord, ...]
    people: tuple[Called, ...]
    warnings: tuple[str, ...]
    timeout_s: int


class PolicyLine(Struct, frozen=True, kw_only=True):
    """A policy as it would run from an instant on, if nobody answered."""

    name: str
    steps: tuple[RungView, ...]
    rounds: int
    catch_all: RungView | None
    catch_all_every_s: int
    ack_timeout_s: int
    warnings: tuple[str, ...]

    @property
    def today(self) -> str:
        """Say in one line whom it pages."""
        names = [
            " and ".join(one.name for one in step.people) or "nobody" for step in self.steps
        ]
        return ", then ".join(names) or "nobody"


def policy_line(policy: Policy, directory: Directory, now: datetime) -> PolicyLine:
    """Walk a policy's first round, each step as it will stand when its turn comes."""
    steps: list[RungView] = []
    at_s = 0
    for index, step in enumerate(policy.steps):
        at = now + timedelta(seconds=at_s)
        rung = directory.ladder(policy.id, at).rungs[index]
        steps.append(_rung(rung, step.targets, directory, at_s=at_s, at=at))
        at_s += step.timeout_s
    last_s = at_s * (policy.repeat + 1)
    at = now + timedelta(seconds=last_s)
    catch_all = _rung(
        directory.ladder(policy.id, at).catch_all,
        policy.catch_all,
        directory,
        at_s=last_s,
        at=at,
    )
    return PolicyLine(
        name=policy.name,
        steps=tuple(steps),
        rounds=policy.repeat + 1,
        catch_all=catch_all if policy.catch_all else None,
        catch_all_every_s=policy.catch_every_s,
        ack_timeout_s=policy.ack_timeout_s,
        warnings=tuple(_warnings(steps, catch_all)),
    )


def _rung(
    rung: Rung, targets: Iterable[Target], directory: Directory, *, at_s: int, at: datetime
) -> RungView:
    return RungView(
        at_s=at_s,
        at=at,
        targets=tuple(target_word(target, directory) for target in targets),
        people=tuple(
            Called(
                id=reach.person_id,
                name=directory.name_of(reach.person_id),
                method=reach.methods[0],
            )
            for reach in rung.reach
        ),
        warnings=tuple(missing_words(one, directory) for one in rung.missing),
        timeout_s=rung.timeout_s,
    )


def missing_words(missing: Missing, directory: Directory) -> str:
    """Say which target yields nobody, and why."""
    why = _WHY[missing.reason]
    if missing.person_id is not None:
        return f"{directory.name_of(missing.person_id)} {why}"
    schedule = directory.schedules.get(missing.schedule_id) if missing.schedule_id else None
    return f"{schedule.name if schedule else 'a schedule'} {why}"


def _warnings(steps: Iterable[RungView], catch_all: RungView) -> Iterable[str]:
    if not any(step.people for step in steps):
        yield "no step reaches anybody today"
    if not catch_all.people:
        yield "no catch-all reaches anybody: who does not answer is not backed up"
