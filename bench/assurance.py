"""Will this page someone? Every alert of 30 days, on 200 policies over 100 schedules."""

import sys
from datetime import UTC, datetime, timedelta
from random import Random
from time import process_time
from uuid import UUID

from _report import figure, report

from tocsin.kernel.ids import PersonId, PolicyId, ScheduleId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance import Path, prove
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.local_time import use_tzdata_wheel_only
from tocsin.oncall.core.reachability import fingerprint
from tocsin.oncall.model import (
    ContactState,
    Layer,
    Method,
    MethodKind,
    Person,
    PersonTarget,
    Policy,
    RotationUnit,
    Schedule,
    ScheduleTarget,
    Step,
    Window,
)

CLAIM = "200 policies over 100 schedules are proven for 30 days in less than 5 s on one core."
POLICIES, SCHEDULES, PEOPLE = 200, 100, 300
START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=30)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")
NIGHTS = (Window((0, 1, 2, 3, 4), 18 * 60, 8 * 60),)


def organisation(rng: Random) -> Directory:
    """Return people with a telephone each, rotations by day and night, and policies over them."""
    people = {}
    for number in range(1, PEOPLE):
        phone = Method(kind=MethodKind.SMS, address=f"+49151{number:08}")
        one = Person(
            id=PersonId(UUID(int=number)), name=f"p{number}", display_name=f"P{number}",
            methods=(phone,),
        )  # fmt: skip
        people[one.id] = one
    schedules = {one.id: one for one in (_schedule(rng, n) for n in range(SCHEDULES))}
    policies = {
        one.name: one for one in (_policy(rng, n, list(schedules)) for n in range(POLICIES))
    }
    return Directory(people, schedules, policies)


def _schedule(rng: Random, number: int) -> Schedule:
    layers: tuple[Layer, ...] = (_layer(rng, "days"), _layer(rng, "nights", NIGHTS))
    if number % 5 == 0:
        layers = layers[1:]  # nobody by day: holes for the proof to find
    uid = ScheduleId(UUID(int=1000 + number))
    return Schedule(id=uid, name=f"s{number}", zone=layers[0].zone, layers=layers)


def _layer(rng: Random, name: str, windows: tuple[Window, ...] = ()) -> Layer:
    members = rng.sample(range(1, PEOPLE), rng.randrange(3, 9))
    return Layer(
        name=name, zone=rng.choice(ZONES), windows=windows,
        unit=rng.choice((RotationUnit.DAY, RotationUnit.WEEK)),
        starts_at_local=f"2026-01-{rng.randrange(5, 12):02}T{rng.randrange(24):02}:00",
        members=tuple((PersonId(UUID(int=one)),) for one in members),
    )  # fmt: skip


def _policy(rng: Random, number: int, schedules: list[ScheduleId]) -> Policy:
    steps = tuple(
        Step((ScheduleTarget(rng.choice(schedules)),), 300) for _ in range(rng.randrange(1, 5))
    )
    last = PersonTarget(PersonId(UUID(int=rng.randrange(1, PEOPLE))))
    return Policy(
        id=PolicyId(UUID(int=5000 + number)), name=f"policy-{number}", steps=steps, repeat=2,
        catch_all=(last,),
    )  # fmt: skip


def main() -> int:
    """Prove it once, with nine of ten telephones verified."""
    use_tzdata_wheel_only()
    rng = Random(7)
    known = organisation(rng)
    states = {
        one.id: {
            key: ContactState(
                person_id=one.id, fingerprint=key, kind=MethodKind.SMS, verified_at=START
            )
            for key in map(fingerprint, one.methods)
        }
        for one in known.people.values()
        if rng.random() > 0.1
    }
    paths = [Path(route=name, policy=name, urgency=Urgency.HIGH) for name in known.policies]
    began = process_time()
    lines = prove(paths, known, states, START, END)
    took_s = process_time() - began
    outcomes = [one.outcome for one in lines]
    return report(
        "assurance", CLAIM, {"prove_s": figure(round(took_s, 2), at_most=5)},
        holes=sum(len(one.holes) + one.more for one in lines),
        outcomes={one: outcomes.count(one) for one in sorted(set(outcomes))},
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
