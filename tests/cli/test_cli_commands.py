"""Each command against a runtime that answers from a table."""

import json
from pathlib import Path

import pytest
from fake_runtime import Asked, FakeRuntime, tocsin

from tocsin.cli.client import Check


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


def test_serve_takes_options_over_settings(runtime: FakeRuntime) -> None:
    words = (
        "serve",
        "--workers",
        "2",
        "--host",
        "0.0.0.0",
        "--port",
        "0",
        "--roles",
        "accept, work",
    )
    assert tocsin(runtime, *words).exit_code == 0
    [(settings, workers)] = runtime.served
    assert (settings.host, settings.port, settings.roles, workers) == (
        "0.0.0.0",
        0,
        ("accept", "work"),
        2,
    )
    refused = tocsin(runtime, "serve", "--roles", "work,cook")
    assert (refused.exit_code, "known: accept, work" in refused.stderr) == (2, True)


def test_a_worker_of_a_server_serves_alone(runtime: FakeRuntime) -> None:
    tocsin(runtime, "serve", "--workers", "4", "--worker")
    assert runtime.served[0][1] == 1


def test_demo_is_the_runtimes(runtime: FakeRuntime) -> None:
    assert tocsin(runtime, "demo", "--port", "9000").exit_code == 0
    assert runtime.served[0][0].port == 9000


def test_doctor_marks_each_check_and_fails_when_one_does(runtime: FakeRuntime) -> None:
    assert tocsin(runtime, "doctor", "--table").stdout == "✔ database: PostgreSQL 18\n"
    runtime.checks = (
        *runtime.checks,
        Check(name="mail", ok=False, detail="set TOCSIN_SMTP_URL"),
    )
    failed = tocsin(runtime, "doctor", "--table")
    assert failed.exit_code == 1
    assert failed.stdout.splitlines()[1] == "✘ mail: set TOCSIN_SMTP_URL"
    assert [one["ok"] for one in json.loads(tocsin(runtime, "doctor").stdout)] == [True, False]


def test_migrate_check_changes_nothing_and_says_what_is_pending(runtime: FakeRuntime) -> None:
    runtime.pending = ("0002_before_x.sql", "0003_after_y.sql")
    checked = tocsin(runtime, "migrate", "--check")
    assert (checked.exit_code, checked.stdout) == (1, "pending 0002_before_x.sql\n")
    assert tocsin(runtime, "migrate").stdout == "applied 0002_before_x.sql\n"
    assert tocsin(runtime, "migrate", "--check").stdout == "The database is up to date.\n"
    assert tocsin(runtime, "migrate", "--after").stdout == "applied 0003_after_y.sql\n"


@pytest.mark.parametrize(("rate", "sent"), [("500", 500), ("unlimited", None)])
def test_token_create_prints_the_token_alone(
    runtime: FakeRuntime, rate: str, sent: int | None
) -> None:
    runtime.answers.table["POST /tokens"] = [{"token": "tocsin_secret"}]
    made = tocsin(runtime, "token", "create", "prom", "--role", "integration", "--rate", rate)
    assert made.stdout == "tocsin_secret\n"
    body = {"name": "prom", "role": "integration", "rate": sent}
    assert runtime.answers.asked == [Asked("POST", "/tokens", {}, body)]


def test_a_token_needs_a_role_that_can_be_granted_and_a_rate_that_is_one(
    runtime: FakeRuntime,
) -> None:
    for words in (["x"], ["x", "--role", "system"], ["x", "--role", "viewer", "--rate", "-1"]):
        assert tocsin(runtime, "token", "create", *words).exit_code == 2
    assert runtime.answers.asked == []


def test_link_prints_a_url(runtime: FakeRuntime) -> None:
    runtime.answers.table["POST /links/sign-in"] = [{"url": "http://t/sign-in/x"}]
    assert tocsin(runtime, "link", "--role", "viewer").stdout == "http://t/sign-in/x\n"
    assert runtime.answers.asked[0].body == {"role": "viewer"}


def test_lists_follow_the_cursor_up_to_the_limit(runtime: FakeRuntime) -> None:
    first = {"items": [{"n": n} for n in range(200)], "next": "abc"}
    second = {"items": [{"n": n} for n in range(200, 250)], "next": "def"}
    runtime.answers.table["GET /alerts"] = [first, second]
    shown = tocsin(runtime, "alert", "list", "--state", "all", "--limit", "250")
    assert len(json.loads(shown.stdout)) == 250
    assert [one.params for one in runtime.answers.asked] == [
        {"limit": "200", "state": "all"},
        {"limit": "50", "cursor": "abc", "state": "all"},
    ]


def test_empty_lists_say_so(runtime: FakeRuntime) -> None:
    empty = {"items": [], "next": None}
    runtime.answers.table |= {"GET /incidents": [empty], "GET /alerts": [empty]}
    assert tocsin(runtime, "incident", "list", "--table").stdout == "No open incidents.\n"
    assert tocsin(runtime, "alert", "list", "--table").stdout == "No alerts fire.\n"
    assert tocsin(runtime, "alert", "list").stdout == "[]\n"


def test_ack_says_who_has_it_and_a_strange_reference_stays_one_part_of_the_path(
    runtime: FakeRuntime,
) -> None:
    page = {"id": "p1", "state": "acknowledged", "acknowledged_by": {"id": "1", "name": "Maya"}}
    answer = {"incident": {"reference": "INC-1"}, "pages": [page]}
    runtime.answers.table["POST /incidents/INC-1/acknowledge"] = [answer]
    shown = tocsin(runtime, "incident", "ack", "INC-1", "--table")
    assert shown.stdout == "INC-1: page p1 is acknowledged by Maya.\n"
    tocsin(runtime, "incident", "ack", "../../links/sign-in?x")
    assert (
        runtime.answers.asked[-1].path == "/incidents/..%2F..%2Flinks%2Fsign-in%3Fx/acknowledge"
    )


def test_page_why_asks_for_a_page_or_for_all_of_an_incident(runtime: FakeRuntime) -> None:
    runtime.answers.table["GET /incidents/INC-1/why"] = [{"reference": "INC-1", "verdict": "x"}]
    runtime.answers.table["GET /pages/p2"] = [{"id": "p2"}]
    shown = json.loads(tocsin(runtime, "page", "why", "INC-1").stdout)
    assert shown == {"reference": "INC-1", "verdict": "x"}
    assert json.loads(tocsin(runtime, "page", "why", "p2").stdout) == {"id": "p2"}


def test_an_alert_id_that_is_none_is_a_usage_error(runtime: FakeRuntime) -> None:
    assert tocsin(runtime, "alert", "why", "../tokens").exit_code == 2
    assert runtime.answers.asked == []


def test_api_sends_what_it_is_given_and_prints_what_it_gets(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    runtime.answers.table |= {"GET /me": [{"name": "x"}], "POST /tokens": [{"ok": True}]}
    assert tocsin(runtime, "api", "GET", "/me").stdout == '{"name":"x"}\n'
    assert tocsin(runtime, "api", "get", "/api/v1/me").stdout == '{"name":"x"}\n'
    body = tmp_path / "body.json"
    body.write_text('{"a": 1}')
    for words in (["--data", '{"a": 1}'], ["--data", f"@{body}"], ["--data", "@-"]):
        sent = tocsin(runtime, "api", "POST", "/tokens", *words, stdin='{"a": 1}')
        assert sent.exit_code == 0
        assert runtime.answers.asked[-1].body == {"a": 1}
    assert tocsin(runtime, "api", "POST", "/tokens", "--data", "@/none").exit_code == 2


def test_small_commands(runtime: FakeRuntime) -> None:
    assert tocsin(runtime, "version").stdout.strip()
    assert "MUST response.page_for_group" in tocsin(runtime, "reactions").stdout
    for shell in ("bash", "zsh", "fish"):
        assert "_TOCSIN_COMPLETE" in tocsin(runtime, "completion", shell).stdout
