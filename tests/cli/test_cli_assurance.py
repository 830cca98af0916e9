"""`tocsin policy check` and `tocsin policy simulate`: words for people, an exit code for pipelines."""

from typing import Any

from fake_runtime import FakeRuntime, tocsin

HOLE: dict[str, Any] = {
    "start_at": "2026-12-24T08:00:00Z", "end_at": "2026-12-24T16:00:00Z", "after_seconds": None,
    "words": "2026-12-24 09:00 to 17:00 (Europe/Berlin): step 1: nobody on call in payments",
    "causes": [],
}  # fmt: skip
PATH = {
    "route": "payments", "policy": "payments", "urgency": "high", "outcome": "lost",
    "words": "there are times at which an alert wakes nobody", "worst_seconds": None,
    "timezone": "Europe/Berlin", "holes": [HOLE] * 12, "more": 3,
}  # fmt: skip
FOUND: dict[str, Any] = {
    "start_at": "2026-12-01T00:00:00Z", "end_at": "2026-12-31T00:00:00Z", "proven": False,
    "paths": [PATH],
}  # fmt: skip
TELL = {
    "person_id": "p1", "name": "Ada", "method": "sms", "at": "2026-12-24T08:05:00Z", "wakes": True,
}  # fmt: skip
CALL = {
    "at": "2026-12-24T08:00:00Z", "after_seconds": 0, "round": 1, "step": 1, "tells": [],
    "missing": ["payments has nobody on call then"], "held_until": None,
}  # fmt: skip
PAGE: dict[str, Any] = {
    "policy": "payments", "at": "2026-12-24T08:00:00Z", "urgency": "high", "after_seconds": 300,
    "calls": [
        CALL,
        {**CALL, "step": 0, "after_seconds": 300, "tells": [TELL], "missing": []},
        {**CALL, "held_until": "2026-12-24T09:00:00Z"},
    ],
}  # fmt: skip


def test_what_is_not_proven_ends_with_ten_and_says_when_and_why() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["GET /policies/check"] = [FOUND]
    result = tocsin(runtime, "policy", "check", "payments", "--days", "20", "--table")
    assert result.exit_code == 10
    assert "Not every alert of the next 20 days wakes somebody." in result.stdout
    assert "nobody on call in payments" in result.stdout
    assert "and 5 more; --json has them" in result.stdout


def test_what_is_proven_ends_with_zero() -> None:
    runtime = FakeRuntime()
    proven = {**FOUND, "proven": True, "paths": [{**PATH, "outcome": "proven", "holes": []}]}
    runtime.answers.table["GET /policies/check"] = [proven]
    result = tocsin(runtime, "policy", "check", "--table")
    assert result.exit_code == 0, result.stderr
    assert "Every alert of the next 30 days wakes somebody." in result.stdout


def test_a_simulated_page_is_told_rung_by_rung() -> None:
    runtime = FakeRuntime()
    runtime.answers.table["GET /policies/payments/simulate"] = [PAGE]
    result = tocsin(
        runtime, "policy", "simulate", "payments", "--at", "2026-12-24T09:00+01:00", "--table"
    )
    assert result.exit_code == 0, result.stderr
    assert "catch-all" in result.stdout
    assert "nobody" in result.stdout  # wrapped by the width of the table
    assert "waits" in result.stdout
    assert "The first who is reached is told after 5m." in result.stdout
    for after, words in ((0, "at once"), (None, "not even by the catch-all")):
        runtime.answers.table["GET /policies/payments/simulate"] = [
            {**PAGE, "after_seconds": after}
        ]
        assert words in tocsin(runtime, "policy", "simulate", "payments", "--table").stdout
    assert tocsin(runtime, "policy", "simulate", "payments", "--at", "soon").exit_code == 2
