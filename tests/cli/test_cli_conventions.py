"""What holds for every command: exit codes, streams, formats, lateness of imports."""

import errno
import json
import re
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner
from fake_runtime import FakeRuntime, tocsin

from tocsin.cli import client
from tocsin.cli.main import cli
from tocsin.kernel.errors import (
    ALL,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refused("no"), 1),
        (Invalid("no", field="x"), 2),
        (NotFound("no incident INC-9; `tocsin incident list` shows what there is"), 3),
        (Forbidden("no"), 4),
        (Conflict("no"), 5),
        (Unavailable("no"), 6),
        (httpx.ConnectError("refused"), 6),
        (httpx.ReadTimeout("slow"), 6),
    ],
)
def test_a_refusal_ends_with_its_exit_code_and_one_sentence_on_stderr(
    runtime: FakeRuntime, refusal: Exception, code: int
) -> None:
    runtime.answers.table["POST /incidents/INC-9/acknowledge"] = [refusal]
    result = tocsin(runtime, "incident", "ack", "INC-9")
    assert result.exit_code == code
    assert result.stdout == ""
    assert re.fullmatch(r"Error: .+\n", result.stderr)
    assert "Traceback" not in result.stderr


def test_a_remote_tocsin_that_does_not_answer_is_unreachable_and_the_cure_is_named() -> None:
    runtime = FakeRuntime(token="tocsin_x", url="http://127.0.0.1:9")  # the discard port
    result = tocsin(runtime, "incident", "list")
    assert result.exit_code == 6
    assert "http://127.0.0.1:9 does not answer" in result.stderr
    assert "tocsin serve" in result.stderr


@pytest.mark.parametrize("kind", ALL)
def test_every_problem_becomes_the_refusal_it_was(kind: type[Refused]) -> None:
    body = json.dumps({"code": kind.code, "detail": "why", "status": kind.status})
    back = client.refusal(kind.status, body.encode())
    assert (type(back), back.detail) == (kind, "why")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"code": 7}', b"\xff"])
def test_an_answer_that_is_no_problem_is_still_a_refusal(body: bytes) -> None:
    assert client.refusal(404, body).exit_code == 3
    assert client.refusal(502, body).detail == "the answer is HTTP 502"


def test_a_bug_is_a_sentence_and_debug_shows_where_it_was(runtime: FakeRuntime) -> None:
    runtime.serving_fails = ZeroDivisionError("division by zero")
    result = tocsin(runtime, "serve")
    assert result.exit_code == 1
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "Traceback" not in result.output
    assert isinstance(tocsin(runtime, "--debug", "serve").exception, ZeroDivisionError)


def test_a_refusal_inside_a_task_group_is_still_that_refusal(runtime: FakeRuntime) -> None:
    runtime.serving_fails = BaseExceptionGroup(
        "two", [ExceptionGroup("one", [Conflict("newer")])]
    )
    result = tocsin(runtime, "serve")
    assert (result.exit_code, result.stderr) == (5, "Error: newer\n")


def test_a_port_in_use_is_named_with_its_cure(runtime: FakeRuntime) -> None:
    runtime.serving_fails = OSError(errno.EADDRINUSE, "Address already in use")
    result = tocsin(runtime, "serve", "--port", "8641")
    assert result.exit_code == 1
    assert "127.0.0.1:8641 is in use" in result.stderr
    assert "--port" in result.stderr


def test_a_wrong_word_is_a_usage_error(runtime: FakeRuntime) -> None:
    for words in (["nope"], ["incident", "nope"], ["incident", "list", "--status", "x"]):
        assert tocsin(runtime, *words).exit_code == 2


def test_behind_a_pipe_comes_json_and_a_table_where_it_is_asked_for(
    runtime: FakeRuntime,
) -> None:
    shift = {
        "person": {"id": "1", "name": "Maya"},
        "start_at": None,
        "end_at": "2026-03-30T07:00:00Z",
    }
    schedule = {"id": "1", "name": "primary", "zone": "UTC", "now": shift, "next": None}
    runtime.answers.table["GET /oncall"] = [{"at": "", "schedules": [schedule]}]
    assert json.loads(tocsin(runtime, "oncall", "who").stdout) == [schedule]
    table = tocsin(runtime, "oncall", "who", "--table").stdout
    assert re.search(r"primary\s+Maya\s+2026-03-30 07:00:00\s+nobody", table)
    assert "\x1b" not in table
    missing = tocsin(runtime, "oncall", "who", "nope")
    assert (missing.exit_code, missing.stdout) == (3, "")


def test_what_a_sender_wrote_cannot_steer_the_terminal(runtime: FakeRuntime) -> None:
    evil = "ok\x1b]0;owned\x07\x1b[2J\u202egnp.exe"
    row = {
        "reference": "INC-1", "status": "investigating", "severity": 1, "urgency": "high",
        "title": evil, "opened_at": "2026-03-27T12:00:00Z",
    }  # fmt: skip
    runtime.answers.table["GET /incidents"] = [{"items": [row], "next": None}]
    shown = tocsin(runtime, "incident", "list", "--table").stdout
    assert "INC-1" in shown
    assert "SEV1" in shown
    assert not set("\x1b\x07\u202e") & set(shown)


def test_help_needs_no_server_no_database_and_no_http() -> None:
    late = ("httpx", "rich", "yaml", "litestar", "psycopg", "uvicorn", "asyncio", "jinja2")
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom tocsin.cli.main import cli\n"
        "before = set(sys.modules)\n"
        f"print([name for name in {late!r} if name in before])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code.replace("from click.testing import CliRunner\n", "")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == "[]"


def test_every_command_has_help() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).stdout
    for name in cli.commands:
        assert name in shown
        helped = CliRunner().invoke(cli, [name, "--help"])
        assert helped.exit_code == 0, helped.output
        assert helped.stdout.startswith("Usage: ")
    assert "--contact" in CliRunner().invoke(cli, ["sentinel", "--help"]).stdout
