"""Daylight saving both ways in three zones, leap days, and a new release of the zone database."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest
import whenever
from rota_world import handoff, layer, on_call, shifts

from fakes.world import World, running
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.ids import PersonId
from tocsin.oncall.actions import compare_zones
from tocsin.oncall.core.local_time import (
    forget_zones,
    parse_local,
    to_instant,
    use_tzdata_wheel_only,
)
from tocsin.oncall.model import Layer, RotationUnit, Shift

ANA, BEN = PersonId(UUID(int=1)), PersonId(UUID(int=2))
HOUR = timedelta(hours=1)
DAYLIGHT = [
    # zone, day, how long its shift from 00:00 to 00:00 is, an hour that is skipped or twice,
    # and where that is settled
    ("Europe/Berlin", "2026-03-29", 23.0, "02:30", "01:30"),
    ("Europe/Berlin", "2026-10-25", 25.0, "02:30", "00:30"),
    ("America/New_York", "2026-03-08", 23.0, "02:30", "07:30"),
    ("America/New_York", "2026-11-01", 25.0, "01:30", "05:30"),
    ("Australia/Lord_Howe", "2026-10-04", 23.5, "02:15", "15:45"),
    ("Australia/Lord_Howe", "2026-04-05", 24.5, "01:45", "14:45"),
]
HANDOFF = """
from tocsin.oncall.core.local_time import parse_local, to_instant, use_tzdata_wheel_only
use_tzdata_wheel_only()
print(to_instant("Europe/Berlin", parse_local("2026-07-06T09:00")).isoformat())
"""
BERLIN, KOLKATA = "2026-07-06T07:00:00+00:00", "2026-07-06T03:30:00+00:00"
TURNS = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: ana}
spec: {displayName: Ana, timezone: UTC, contact: [{type: email, address: ana@example.org}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: ben}
spec: {displayName: Ben, timezone: UTC, contact: [{type: email, address: ben@example.org}]}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-07-06T09:00", every: day, people: [ana, ben]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{schedule: primary}], timeout: 5m}], repeat: 0, catchAll: [{person: ana}]}
"""


def rotation(zone: str, start: str, unit: RotationUnit = RotationUnit.DAY) -> Layer:
    return layer(ANA, BEN, zone=zone, starts_at_local=start, unit=unit)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def zones() -> Iterator[None]:
    """Whatever is done to the zones is undone."""
    use_tzdata_wheel_only()
    yield
    use_tzdata_wheel_only()


def found_at(rota: Layer, now: datetime) -> Shift:
    shift = on_call(rota, now)
    assert shift is not None
    return shift


@pytest.mark.usefixtures("zones")
@pytest.mark.parametrize(("zone", "day", "hours", "odd", "settled"), DAYLIGHT)
def test_a_day_that_is_shorter_or_longer_has_one_shift_without_gap_or_overlap(
    zone: str, day: str, hours: float, odd: str, settled: str
) -> None:
    rota = rotation(zone, "2026-01-05T00:00")
    start = to_instant(zone, parse_local(f"{day}T00:00"))
    shift = found_at(rota, start)
    assert shift.start_at == start
    assert shift.end_at - shift.start_at == hours * HOUR
    assert found_at(rota, shift.end_at - timedelta(microseconds=1)) == shift
    following = found_at(rota, shift.end_at)
    assert (following.k, following.start_at) == (shift.k + 1, shift.end_at)
    assert following.person_id != shift.person_id
    moment = to_instant(zone, parse_local(f"{day}T{odd}"))
    assert f"{moment:%H:%M}" == settled
    assert found_at(rota, moment) == shift


@pytest.mark.usefixtures("zones")
@pytest.mark.parametrize(("zone", "day", "_hours", "odd", "settled"), DAYLIGHT)
def test_a_handoff_inside_the_odd_hour_happens_once(
    zone: str, day: str, _hours: float, odd: str, settled: str
) -> None:
    rota = rotation(zone, f"2026-01-05T{odd}")
    moment = to_instant(zone, parse_local(f"{day}T{odd}"))
    around = shifts(rota, moment - 30 * HOUR, moment + 30 * HOUR)
    starts = [shift.start_at for shift in around if abs(shift.start_at - moment) < 4 * HOUR]
    assert starts == [moment]
    assert f"{moment:%H:%M}" == settled


@pytest.mark.usefixtures("zones")
def test_a_leap_day_is_a_turn_of_its_own() -> None:
    rota = rotation("Europe/Berlin", "2028-02-27T09:00")
    days = shifts(rota, at("2028-02-27T08:00"), at("2028-03-02T08:00"))
    assert [f"{shift.start_at:%m-%d}" for shift in days] == ["02-27", "02-28", "02-29", "03-01"]
    assert [shift.person_id for shift in days] == [ANA, BEN, ANA, BEN]
    weekly = rotation("Europe/Berlin", "2028-02-29T09:00", RotationUnit.WEEK)
    assert handoff(weekly, 1) == at("2028-03-07T08:00")
    # the Tuesday four years and a leap day later: 52 * 4 + 1 turns
    assert handoff(weekly, 209) == at("2032-03-02T08:00")


def moved(folder: Path) -> Path:
    """A zone database in which Berlin keeps Kolkata's time, as if a release said so."""
    shutil.copytree(str(files("tzdata")), folder / "tzdata")
    zone = folder / "tzdata" / "zoneinfo"
    shutil.copy(zone / "Asia" / "Kolkata", zone / "Europe" / "Berlin")
    return zone


def told(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", HANDOFF],
        env={"PATH": os.defpath, **environment}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_the_systems_zones_move_nobodys_shift_and_a_new_release_does(tmp_path: Path) -> None:
    """What the machine says is ignored; a release of `tzdata` counts from the next start."""
    zone = moved(tmp_path)
    assert told() == BERLIN
    assert told(PYTHONTZPATH=str(zone)) == BERLIN
    assert told(PYTHONPATH=str(tmp_path)) == KOLKATA


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn, at=at("2026-07-08T05:00")) as world:
        await world.apply(TURNS)
        yield world


@pytest.mark.db
@pytest.mark.usefixtures("zones")
async def test_a_new_release_counts_for_the_next_page_and_nothing_stored_is_recomputed(
    world: World, tmp_path: Path
) -> None:
    """07:00 in Berlin is before the handoff, 10:30 in the new Berlin after it."""
    fire = {"alertname": "Down", "service": "a", "severity": "critical"}
    await world.signal(fire, ends_at=at("2026-07-09T00:00"))
    assert len(world.mail.to("ben@example.org")) == 1
    stored = await world.rows("SELECT spec FROM kernel.resources WHERE kind = 'Schedule'")
    whenever.reset_tzpath((moved(tmp_path),))
    forget_zones()
    await world.signal({**fire, "service": "b"}, ends_at=at("2026-07-09T00:00"))
    assert len(world.mail.to("ana@example.org")) == 1
    assert await world.rows(
        "SELECT spec FROM kernel.resources WHERE kind = 'Schedule'"
    ) == stored  # fmt: skip


@pytest.mark.db
@pytest.mark.usefixtures("zones")
async def test_whose_shift_a_new_release_moves_is_told_once_and_nobody_else(
    world: World, tmp_path: Path
) -> None:
    async def compare(release: str) -> None:
        await world.app.units.run(SYSTEM, lambda unit: compare_zones(unit, release=release))
        await world.settle()

    await compare("2026f")
    await compare("2026g")  # a release that leaves Berlin alone
    assert world.mail.sent == []
    whenever.reset_tzpath((moved(tmp_path),))
    forget_zones()
    await compare("2027a")
    await compare("2027a")
    for name in ("ana", "ben"):
        [(_, message)] = [one for one in world.mail.sent if one[1].to == f"{name}@example.org"]
        assert message.subject == "Your shifts in primary have moved"
        assert "from Wednesday 8 July 05:00 (UTC) to Wednesday 8 July 07:00" in message.text
        assert "a new release of the time zones moves it" in message.text
    assert "oncall.shifts_moved" in await world.story()


@pytest.mark.db
@pytest.mark.usefixtures("zones")
async def test_a_schedule_that_was_edited_just_before_a_new_release_is_compared_all_the_same(
    world: World, tmp_path: Path
) -> None:
    async def compare(release: str = "") -> None:
        await world.app.units.run(SYSTEM, lambda unit: compare_zones(unit, release=release))
        await world.settle()

    await compare()
    await world.forward(minutes=10)
    await world.apply(TURNS.replace("every: day", "every: day, length: 2"))
    await world.settle()
    world.mail.sent.clear()  # that the edit has moved shifts
    whenever.reset_tzpath((moved(tmp_path),))
    forget_zones()
    await compare("2027a")
    told = {message.to for _, message in world.mail.sent
            if "a new release of the time zones moves it" in message.text}  # fmt: skip
    assert told == {"ana@example.org", "ben@example.org"}
