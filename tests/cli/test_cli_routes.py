"""`tocsin route|policy|service` and what `tocsin alert` does beside listing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake_runtime import FakeRuntime, tocsin

from tocsin.kernel.errors import Unauthenticated


@pytest.mark.parametrize(
    "content",
    [
        {"service": "checkout"},
        {"labels": {"service": "checkout"}},
        [{"labels": {"service": "checkout"}}],
        {"alerts": [{"labels": {"service": "checkout"}}]},
    ],
)
def test_an_alert_is_tried_from_any_file_that_holds_one(
    tmp_path: Path, content: object
) -> None:
    path = tmp_path / "alert.json"
    path.write_text(json.dumps(content))
    runtime = FakeRuntime()
    runtime.answers.table["POST /routes/try"] = [{"taken": ["default"]}]
    result = tocsin(runtime, "route", "try", str(path), "--json")
    assert result.exit_code == 0, result.stderr
    assert runtime.answers.asked[-1].body == {"labels": {"service": "checkout"}}


@pytest.mark.parametrize("words", [["nowhere.json"], ["service=a", "oops"], ["=x"]])
def test_what_is_no_label_is_refused_with_the_cure(words: list[str]) -> None:
    result = tocsin(FakeRuntime(), "route", "try", *words)
    assert result.exit_code == 2
    assert "write" in result.stderr


def test_filters_of_a_list_become_its_address() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["GET /alerts"] = [{"items": [], "next": None}]
    filters = ["--filter", 'service="a"', "--filter", "zone!=b", "--team", "payments"]
    assert tocsin(runtime, "alert", "list", *filters).exit_code == 0
    asked = runtime.answers.asked[-1].params
    assert asked["filter"] == 'service="a", zone!=b'
    assert asked["team"] == "payments"
    assert "q" not in asked


def test_alerts_are_resolved_by_their_ids() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["POST /alerts/resolve"] = [{"resolved": [{}]}]
    wanted = "0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876"
    result = tocsin(runtime, "alert", "resolve", wanted, "--table")
    assert result.stdout == "1 alert is resolved.\n"
    assert runtime.answers.asked[-1].body == {"alerts": [wanted]}
    assert tocsin(runtime, "alert", "resolve", "seven").exit_code == 2


def test_one_alert_is_sent_as_prometheus_would() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["POST /api/v2/alerts"] = [None]
    result = tocsin(runtime, "alert", "send", "alertname=Test", "service=a", "--summary", "Hm")
    assert result.exit_code == 0, result.stderr
    sent = {"labels": {"alertname": "Test", "service": "a"}, "annotations": {"summary": "Hm"}}
    assert runtime.answers.asked[-1].body == [sent]
    runtime.answers.table["POST /api/v2/alerts"] = [Unauthenticated("send a token")]
    result = tocsin(runtime, "alert", "send", "alertname=Test")
    assert "TOCSIN_TOKEN" in result.stderr


def test_one_alert_that_is_over_ended_just_now_and_not_long_ago() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["POST /api/v2/alerts"] = [None]
    result = tocsin(runtime, "alert", "send", "alertname=Test", "--resolved")
    assert result.exit_code == 0, result.stderr
    [sent] = runtime.answers.asked[-1].body
    ended_at = datetime.fromisoformat(sent["endsAt"])
    assert timedelta() < datetime.now(UTC) - ended_at < timedelta(minutes=2)


@pytest.mark.parametrize("words", [["route", "list"], ["policy", "list"], ["service", "list"]])
def test_empty_lists_say_what_to_do(words: list[str]) -> None:
    runtime = FakeRuntime()
    path = {"route": "/routes", "policy": "/policies", "service": "/services"}[words[0]]
    runtime.answers.table[f"GET {path}"] = [{"items": []}]
    assert tocsin(runtime, *words, "--table").exit_code == 0
