"""`tocsin oncall show|gaps|me`."""

import json
from typing import Any

import pytest
from fake_runtime import FakeRuntime, tocsin

PLAN: dict[str, Any] = {
    "name": "primary", "zone": "UTC", "start_at": "2026-03-27T12:00:00Z",
    "end_at": "2026-04-10T12:00:00Z", "covered": 0.988, "gaps": [],
    "shifts": [
        {
            "person": {"id": "1", "name": "Maya"}, "people": [{"id": "1", "name": "Maya"}],
            "slot": "primary", "layer": "rotation", "turn": 11, "overrides": [],
            "start_at": "2026-03-23T08:00:00Z", "end_at": "2026-03-30T07:00:00Z",
        },
    ],
}  # fmt: skip
GAP = {"slot": "primary", "start_at": "2026-03-30T07:00:00Z", "end_at": "2026-03-31T07:00:00Z"}
SHIFTS = "GET /oncall/schedules/primary/shifts"


@pytest.fixture
def runtime() -> FakeRuntime:
    found = FakeRuntime()
    found.answers.table |= {
        SHIFTS: [PLAN],
        "GET /oncall/schedules": [{"items": [{"name": "primary"}]}],
    }
    return found


def test_a_schedule_is_shown_with_its_gaps_in_order(runtime: FakeRuntime) -> None:
    runtime.answers.table[SHIFTS] = [PLAN | {"gaps": [GAP]}]
    shown = tocsin(runtime, "oncall", "show", "primary", "--table").stdout
    assert "98.8% covered" in shown
    assert shown.index("Maya") < shown.index("nobody")
    tocsin(runtime, "oncall", "show", "primary", "--weeks", "5")
    assert runtime.answers.asked[-1].params == {
        "from": "2026-03-27T12:00:00+00:00", "to": "2026-05-01T12:00:00+00:00",
    }  # fmt: skip


def test_a_gap_stops_a_pipeline(runtime: FakeRuntime) -> None:
    whole = tocsin(runtime, "oncall", "gaps", "--table")
    assert (whole.exit_code, whole.stdout) == (0, "No gaps in the next 4 weeks.\n")
    runtime.answers.table[SHIFTS] = [PLAN | {"gaps": [GAP]}]
    torn = tocsin(runtime, "oncall", "gaps", "primary")
    assert torn.exit_code == 10
    assert json.loads(torn.stdout) == [{"schedule": "primary", **GAP}]


def test_i_am_told_my_turns(runtime: FakeRuntime) -> None:
    turn = {"schedule": "primary", "zone": "UTC", **GAP}
    mine = {"at": "", "until": GAP["end_at"], "shifts": [turn]}
    runtime.answers.table["GET /oncall/me"] = [mine, {"at": "", "until": None, "shifts": []}]
    shown = tocsin(runtime, "oncall", "me", "--table").stdout
    assert "on call until 2026-03-31 07:00:00 UTC" in shown
    assert "primary" in shown
    assert tocsin(runtime, "oncall", "me", "--table").stdout == "You are not on call.\n"
