"""Bugs that users reported of other products, each as what would go wrong here."""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from rota_world import ANA, BEN, CLEO, DAN, at, layer, names, schedule, sid, timeline

from tocsin.kernel.errors import Invalid
from tocsin.oncall.core.local_time import typed_instant, use_tzdata_wheel_only
from tocsin.oncall.core.schedule import final, on_call, shift_at
from tocsin.oncall.core.schedule.renumbering import turn_after
from tocsin.oncall.core.schedule.report import Trouble, findings
from tocsin.oncall.core.schedule.versions import Edit, succeed
from tocsin.oncall.model import (
    Advance,
    Layer,
    Override,
    OverrideKind,
    Plan,
    RotationUnit,
    Schedule,
    TemporaryShift,
    Timeline,
    Window,
)

use_tzdata_wheel_only()
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = (Window((0, 1, 2, 3, 4), 9 * 60, 17 * 60),)
ALL = (0, 1, 2, 3, 4, 5, 6)
NOON = at("2026-03-25T11:00")


def local(moment: datetime) -> str:
    return f"{moment.astimezone(BERLIN):%a %H:%M}"


def told(plan: Plan) -> list[tuple[str, str]]:
    return [(names(one.people), local(one.start_at)) for one in plan.shifts]


def override(kind: OverrideKind, n: int = 1, **fields: object) -> Override:
    given = {"schedule_id": sid("web"), "start_at": NOON, "end_at": NOON + timedelta(hours=4)}
    return Override(id=UUID(int=n), kind=kind, created_at=NOON, **(given | fields))  # type: ignore[arg-type]


def test_hours_of_a_layer_do_not_move_when_clocks_change() -> None:
    # Grafana #3261: schedules and their time windows moved by an hour after DST
    found = timeline(layer(ANA, windows=OFFICE))
    for week in ("2026-03-23", "2026-03-30", "2026-10-19", "2026-10-26"):
        start = at(f"{week}T00:00")
        plan = final(found, start, start + timedelta(days=4))
        assert {local(one.start_at)[4:] for one in plan.shifts} == {"09:00"}
        assert {local(one.end_at)[4:] for one in plan.shifts} == {"17:00"}


@pytest.mark.parametrize("day", ["2026-03-27", "2026-10-23"])
def test_a_week_over_a_change_of_clocks_has_neither_gap_nor_overlap(day: str) -> None:
    # Grafana #5247, #5455: a fixed duration left an hour's gap in autumn, an overlap in spring;
    # GoAlert PR #512: the week of the change, and the one after, began an hour off
    found = timeline(layer(ANA, BEN, unit=RotationUnit.WEEK))
    plan = final(found, at(f"{day}T00:00"), at(f"{day}T00:00") + timedelta(days=21))
    assert plan.gaps == ()
    assert {local(one.start_at) for one in plan.shifts} == {"Mon 09:00"}
    assert all(
        a.end_at == b.start_at for a, b in zip(plan.shifts, plan.shifts[1:], strict=False)
    )


def test_hourly_turns_keep_to_the_wall_clock() -> None:
    # GoAlert PR #1252: turns of hours drifted by one after each change of clocks
    found = timeline(layer(ANA, BEN, unit=RotationUnit.HOUR, length=12))
    for day in ("2026-03-28", "2026-03-30", "2026-10-26"):
        plan = final(found, at(f"{day}T00:00"), at(f"{day}T00:00") + timedelta(days=1))
        assert {local(one.start_at)[4:] for one in plan.shifts} == {"09:00", "21:00"}


def test_each_layer_keeps_the_clocks_of_its_own_zone_whatever_the_schedules_and_the_machines_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # OneUptime #1890: layers in several zones were at one hour in the editor, at another in the plan
    office = (Window(ALL, 9 * 60, 17 * 60),)
    layers = [
        layer(who, name=name, zone=zone, windows=office, starts_at_local="2026-01-05T09:00")
        for who, name, zone in (
            (ANA, "west", "America/New_York"),
            (BEN, "east", "Asia/Kolkata"),
        )
    ]
    seen = []
    for machine in ("UTC", "Pacific/Auckland"):
        monkeypatch.setenv("TZ", machine)
        time.tzset()
        # clocks in New York are changed in between, and those in Kolkata never
        seen.append(final(timeline(*layers), at("2026-03-04T00:00"), at("2026-03-14T00:00")))
    monkeypatch.undo()
    time.tzset()
    assert seen[0] == seen[1]
    for name, zone in (("west", "America/New_York"), ("east", "Asia/Kolkata")):
        own = [one for one in seen[0].shifts if one.layer == name]
        hours = {f"{one.start_at.astimezone(ZoneInfo(zone)):%H:%M}" for one in own}
        assert hours == {"09:00"}, "at nine by its own clocks, on every day"
    assert len({one.start_at.hour for one in seen[0].shifts if one.layer == "west"}) == 2


def test_who_looks_and_from_where_changes_nothing_of_what_is_kept() -> None:
    # Grafana #3576, #4688: the viewer's zone leaked into the data
    found = timeline(layer(ANA, BEN, windows=OFFICE))
    start = datetime(2026, 3, 25, 0, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert final(found, start, start + timedelta(days=3)).shifts == final(
        found, at("2026-03-24T15:00"), at("2026-03-27T15:00")
    ).shifts  # fmt: skip


@pytest.mark.parametrize("text", ["2026-01-05T09:00+01:00", "2026-01-05T09:00Z"])
def test_a_start_with_an_offset_is_no_start(text: str) -> None:
    # PagerDuty TF #4, #168, #200: a stored offset was right for half of the year
    with pytest.raises(ValueError, match=r".?"):
        shift_at(timeline(layer(ANA, starts_at_local=text)), "primary", NOON)


def test_a_replacement_is_on_call_only_where_the_other_one_would_be() -> None:
    # GoAlert PR #4306: `replace` acted as `add`: both were on call
    one = override(
        OverrideKind.REPLACE, person_id=DAN, replaced_id=BEN, end_at=NOON + timedelta(days=2)
    )
    found = timeline(layer(ANA, BEN), overrides=(one,))
    plan = final(found, NOON, NOON + timedelta(days=2))
    assert [names(shift.people) for shift in plan.shifts] == ["dan", "ana", "dan"]
    assert all(len(shift.people) == 1 for shift in plan.shifts)
    away = override(OverrideKind.REPLACE, person_id=DAN, replaced_id=CLEO)
    assert on_call(timeline(layer(ANA, BEN), overrides=(away,)), "primary", NOON) != (DAN,)


def test_somebody_is_replaced_below_one_who_has_left_and_so_is_the_one_who_has() -> None:
    layers = (layer(BEN, name="low"), layer(ANA, name="high"))
    for replaced, absent in ((BEN, {ANA}), (ANA, {ANA}), (ANA, set())):
        one = override(OverrideKind.REPLACE, person_id=DAN, replaced_id=replaced)
        found = timeline(*layers, overrides=(one,), absent=frozenset(absent))
        assert names(on_call(found, "primary", NOON)) == "dan"
    hidden = override(OverrideKind.REPLACE, person_id=DAN, replaced_id=BEN)
    found = timeline(*layers, overrides=(hidden,))
    assert names(on_call(found, "primary", NOON)) == "ana"


def test_an_override_of_an_override_stands() -> None:
    # Grafana #1021: an override could not be overridden
    first = override(OverrideKind.COVER, 1, person_id=DAN)
    second = override(OverrideKind.REPLACE, 2, person_id=CLEO, replaced_id=DAN)
    found = timeline(layer(ANA), overrides=(first, second))
    assert names(on_call(found, "primary", NOON)) == "cleo"
    back = override(OverrideKind.COVER, 3, person_id=ANA, end_at=NOON + timedelta(hours=1))
    found = timeline(layer(ANA), overrides=(first, second, back))
    assert names(on_call(found, "primary", NOON)) == "ana"
    assert names(on_call(found, "primary", NOON + timedelta(hours=2))) == "cleo"


def test_an_override_made_after_a_temporary_schedule_is_not_hidden_by_it() -> None:
    # GoAlert #929: an override disappeared under a temporary schedule
    shift = TemporaryShift(people=(CLEO,), start_at=NOON, end_at=NOON + timedelta(hours=2))
    temporary = override(OverrideKind.TEMPORARY, 1, shifts=(shift,))
    cover = override(OverrideKind.COVER, 2, person_id=DAN, end_at=NOON + timedelta(hours=1))
    found = timeline(layer(ANA), overrides=(temporary, cover))
    hours = [NOON + timedelta(minutes=30 + 60 * n) for n in range(3)]
    assert [names(on_call(found, "primary", hour)) for hour in hours] == ["dan", "cleo", ""]
    earlier = timeline(layer(ANA), overrides=(cover, temporary))
    assert names(on_call(earlier, "primary", hours[0])) == "cleo"


def test_a_swap_follows_its_turn_when_the_handoff_moves() -> None:
    # Grafana #4182: a swap stayed where the shift had been
    k = shift_at(timeline(layer(ANA, BEN)), "primary", NOON).k  # type: ignore[union-attr]
    swap = override(
        OverrideKind.SWAP, layer="rotation", turn=k, person_id=DAN,
        replaced_id=(ANA, BEN)[k % 2], start_at=at("1970-01-01T00:00"),
        end_at=at("2900-01-01T00:00"),
    )  # fmt: skip
    for start in ("2026-01-05T09:00", "2026-01-05T15:00"):
        found = timeline(layer(ANA, BEN, starts_at_local=start), overrides=(swap,))
        plan = final(found, NOON - timedelta(days=3), NOON + timedelta(days=3))
        assert [one.k for one in plan.shifts if one.people == (DAN,)] == [k]


@pytest.mark.parametrize(
    ("edited", "becomes"),
    [
        ({"starts_at_local": "2026-03-02T09:00"}, 5),  # the same handoffs, counted from later
        ({"starts_at_local": "2026-01-05T15:00"}, 13),
        ({"length": 2}, 6),
        ({"name": "turns"}, 13),
        ({"starts_at_local": "2026-12-28T09:00"}, 13),  # in force after that turn
    ],
)
def test_a_swap_is_of_the_same_shift_after_an_edit_that_counts_otherwise(
    edited: dict[str, Any], becomes: int
) -> None:
    weekly = layer(ANA, BEN, unit=RotationUnit.WEEK, length=1)
    after = replace(weekly, **edited)
    edit = Edit(
        before=schedule(weekly), after=schedule(after), at=NOON, exact=False, there={ANA, BEN}
    )
    found = succeed((), edit)
    moved = turn_after(edit, (), found, weekly.name, 13, NOON)
    assert moved == (after.name if "name" in edited else weekly.name, becomes)
    back = Edit(
        before=schedule(after), after=schedule(weekly), at=NOON, exact=False, there={ANA, BEN}
    )
    undone = turn_after(back, found, succeed(found, back), *moved, NOON)
    assert undone == (weekly.name, 13)


def test_turns_in_which_a_layer_is_not_in_force_are_nobodys() -> None:
    # OneUptime #2413: who had the weekend was always the same, since idle days counted as turns
    weekend = (Window((5, 6), 0, 0),)
    found = {
        how: final(
            timeline(layer(ANA, BEN, CLEO, windows=weekend, advance=how,
                           starts_at_local="2026-01-05T00:00")),
            at("2026-01-05T00:00"), at("2026-02-16T00:00"),
        )
        for how in Advance
    }  # fmt: skip
    active = [names(one.people) for one in found[Advance.ACTIVE].shifts]
    assert active[:6] == ["ana", "ben", "cleo", "ana", "ben", "cleo"]
    assert [names(one.people) for one in found[Advance.CALENDAR].shifts][:6] != active[:6]


def test_a_group_is_one_shift_and_not_one_after_the_other() -> None:
    # GoAlert #912: a rotation of n people made n escalations
    found = timeline(layer((ANA, BEN, CLEO)))
    [shift] = final(found, NOON, NOON + timedelta(hours=1)).shifts
    assert shift.people == (ANA, BEN, CLEO)


@pytest.mark.parametrize("unit", list(RotationUnit))
def test_turns_are_not_only_weeks(unit: RotationUnit) -> None:
    # linkedin/oncall #424: only weekly rotations
    found = timeline(layer(ANA, BEN, unit=unit, length=2))
    assert final(found, NOON, NOON + timedelta(days=90)).gaps == ()


def test_nobody_is_told_of_gaps_that_are_over() -> None:
    # Grafana #1108: the report nagged about the past
    ended = layer(ANA, starts_at_local="2026-01-05T09:00", ends_at_local="2026-02-01T09:00")
    later = layer(BEN, name="later", starts_at_local="2026-04-01T09:00")
    found = findings([timeline(ended, later)], {}, NOON, NOON + timedelta(days=90))
    [gap] = [one for one in found if one.trouble is Trouble.GAP]
    assert (gap.start_at, local(gap.end_at)) == (NOON, "Wed 09:00")


def test_who_cannot_be_woken_counts_like_a_gap_and_one_person_is_a_single_point() -> None:
    # Grafana #1326, #1511, OneUptime #1809: a schedule looked covered by people whom nothing reached
    found = findings([timeline(layer(ANA))], {ANA: "no method"}, NOON, NOON + timedelta(days=2))
    assert {(one.trouble, one.person_id) for one in found} == {
        (Trouble.UNREACHABLE, ANA), (Trouble.SINGLE, ANA),
    }  # fmt: skip
    both = timeline(layer((ANA, BEN)))
    pair = findings([both], {BEN: "not verified"}, NOON, NOON + timedelta(hours=2))
    assert [(one.trouble, one.person_id) for one in pair] == [(Trouble.UNREACHABLE, BEN)]
    left = timeline(layer(ANA, BEN), absent=frozenset({BEN}))
    troubles = {one.trouble for one in findings([left], {}, NOON, NOON + timedelta(days=3))}
    assert troubles == {Trouble.GAP, Trouble.LEAVER, Trouble.SINGLE}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-29T02:30", "never"),
        ("2026-10-25T02:30", "twice"),
        ("soon", "no instant"),
        ("1026-01-05T09:00", "1970"),
        ("9999-12-31T23:59-12:00", "2199"),
    ],
)
def test_a_time_that_is_typed_in_and_is_none_or_two_is_asked_for_again(
    text: str, words: str
) -> None:
    # OpsKnight #378: 02:30 became 03:30, and nobody had said so
    with pytest.raises(Invalid) as refused:
        typed_instant(text, "Europe/Berlin", field="start_at")
    assert words in refused.value.detail
    assert refused.value.field == "start_at"
    if words == "twice":
        assert "+02:00 or +01:00" in refused.value.detail


def test_a_broken_schedule_is_said_to_be_broken() -> None:
    odd = Timeline(schedule=Schedule(id=sid("odd"), name="odd", zone="UTC", layers=(broken(),)))
    [found] = findings([odd], {}, NOON, NOON + timedelta(days=1))
    assert found.trouble is Trouble.BROKEN
    assert schedule(layer(ANA)).people == (ANA,)


def broken() -> Layer:
    return layer(ANA, zone="Europe/Atlantis")


def test_a_layer_that_has_ended_in_the_middle_of_a_turn_has_ended() -> None:
    ends = layer(ANA, unit=RotationUnit.HOUR, length=2, ends_at_local="2026-03-25T12:00")
    found = timeline(ends)
    assert on_call(found, "primary", at("2026-03-25T10:59")) == (ANA,)
    assert on_call(found, "primary", at("2026-03-25T11:00")) == ()
