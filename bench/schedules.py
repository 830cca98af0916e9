"""Final schedules of 10,000 schedules over 90 days, on one core: all that a year view can ask for."""

import sys
from datetime import UTC, datetime, timedelta
from random import Random
from time import process_time
from uuid import UUID

from _report import figure, report

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.oncall.core.local_time import use_tzdata_wheel_only
from tocsin.oncall.core.schedule import final, shift_at
from tocsin.oncall.model import Layer, RotationUnit, Schedule, Timeline, Window

CLAIM = "The final schedules of 10,000 schedules over 90 days take less than 1 s on one core."
SCHEDULES = 10_000
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 90
ZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Sao_Paulo",
    "Africa/Casablanca", "Asia/Tokyo", "UTC", "Europe/London", "America/Los_Angeles",
)  # fmt: skip
PEOPLE = tuple(PersonId(UUID(int=n)) for n in range(1, 500))


def plain(rng: Random, number: int) -> Timeline:
    """Return what most schedules are: one rotation by days or weeks."""
    return _timeline(number, _layer(rng, "rotation"))


def layered(rng: Random, number: int) -> Timeline:
    """Return a week's turns, and others for the nights."""
    nights = (Window((0, 1, 2, 3, 4), 18 * 60, 8 * 60),)
    return _timeline(number, _layer(rng, "days"), _layer(rng, "nights", nights))


def _layer(rng: Random, name: str, windows: tuple[Window, ...] = ()) -> Layer:
    unit = rng.choice((RotationUnit.DAY, RotationUnit.WEEK))
    return Layer(
        name=name, zone=rng.choice(ZONES), unit=unit, windows=windows,
        length=rng.choice((1, 1, 2)) if unit is RotationUnit.DAY else 1,
        starts_at_local=f"2026-01-{rng.randrange(5, 12):02}T{rng.randrange(24):02}:00",
        members=tuple((one,) for one in rng.sample(PEOPLE, rng.randrange(3, 9))),
    )  # fmt: skip


def _timeline(number: int, *layers: Layer) -> Timeline:
    schedule = Schedule(
        id=ScheduleId(UUID(int=number)), name=str(number), zone=layers[0].zone, layers=layers
    )
    return Timeline(schedule=schedule)


def main() -> int:
    """Ask for all of it, for one instant, and for schedules of two layers."""
    use_tzdata_wheel_only()
    rng = Random(7)
    end = START + timedelta(days=DAYS)
    found = [plain(rng, number) for number in range(SCHEDULES)]
    for one in found[:50]:
        final(one, START, end)  # zones are read once
    began = process_time()
    shifts = sum(len(final(one, START, end).shifts) for one in found)
    plain_s = process_time() - began
    began = process_time()
    for one in found:
        shift_at(one, "primary", START)
    point_s = process_time() - began
    few = [layered(rng, number) for number in range(SCHEDULES // 10)]
    began = process_time()
    more = sum(len(final(one, START, end).shifts) for one in few)
    layered_s = process_time() - began
    figures = {
        "final_s": figure(round(plain_s, 3), at_most=1),
        "us_per_schedule": figure(round(plain_s / SCHEDULES * 1e6, 1), at_most=100),
    }
    return report(
        "schedules", CLAIM, figures, shifts=shifts,
        us_per_point=round(point_s / SCHEDULES * 1e6, 1), layered_shifts=more,
        us_per_layered=round(layered_s / len(few) * 1e6, 1),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
