"""`tocsin heartbeat` against a runtime that answers from a table, and `tocsin run` for real."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from fake_runtime import FakeRuntime, tocsin

from integrations.loopback import answer, http_server
from tocsin.cli import run
from tocsin.cli.run import TAIL_BYTES, Tail, ping

ONE: dict[str, Any] = {
    "name": "backup", "state": "late", "description": "Nightly dump", "team": None,
    "every": "10m", "cron": "", "timezone": "UTC", "grace": "2m", "severity": "critical",
    "labels": {}, "runbook_url": "", "paused_by": "", "has_key": False, "key_made_at": None,
    "last_ping_at": "2026-03-27T12:00:00Z", "last_ok_at": "2026-03-27T12:00:00Z",
    "started_at": None, "down_at": None, "expected_at": "2026-03-27T12:10:00Z",
    "missed_at": "2026-03-27T12:12:00Z", "pings": 3,
}  # fmt: skip
PING = {"at": "2026-03-27T12:00:00Z", "kind": "fail", "exit_code": 3, "text": "no\x1b space",
        "sender": "curl"}  # fmt: skip


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


def test_heartbeats_are_listed_and_shown(runtime: FakeRuntime) -> None:
    runtime.answers.table["GET /heartbeats"] = [{"items": [ONE]}, {"items": []}]
    listed = tocsin(runtime, "heartbeat", "list", "--table").stdout
    assert "every 10m" in listed
    assert "late" in listed
    assert "apply a document" in tocsin(runtime, "heartbeat", "list", "--table").stdout
    runtime.answers.table["GET /heartbeats/backup"] = [{**ONE, "recent": [PING]}]
    shown = tocsin(runtime, "heartbeat", "show", "backup", "--table").stdout
    assert "tocsin heartbeat key backup" in shown
    assert "no\N{REPLACEMENT CHARACTER} space" in shown


def test_verbs_say_what_became_of_it(runtime: FakeRuntime) -> None:
    for verb in ("pause", "resume", "ping"):
        runtime.answers.table[f"POST /heartbeats/backup/{verb}"] = [ONE]
        assert json.loads(tocsin(runtime, "heartbeat", verb, "backup").stdout) == ONE
    runtime.answers.table["POST /heartbeats/backup/ping"] = [None]  # who may not read
    assert "noted" in tocsin(runtime, "heartbeat", "ping", "backup", "--table").stdout
    url = "http://tocsin.test/heartbeat/abc"
    runtime.answers.table["POST /heartbeats/backup/key"] = [{"key": "abc", "url": url}]
    assert tocsin(runtime, "heartbeat", "key", "backup", "--table").stdout == f"{url}\n"


def test_run_ends_as_its_command_does(runtime: FakeRuntime) -> None:
    command = (sys.executable, "-c", "import sys; print('out'); sys.exit(3)")
    assert tocsin(runtime, "run", "--", *command).exit_code == 3
    killed = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert tocsin(runtime, "run", "--", *killed).exit_code == 137
    missing = tocsin(runtime, "run", "--", "/nonexistent/backup")
    assert missing.exit_code == 127
    assert "No such file" in missing.stderr


def test_a_url_that_is_none_is_refused(runtime: FakeRuntime) -> None:
    refused = tocsin(runtime, "run", "--heartbeat", "backup", "--", "true")
    assert refused.exit_code == 2
    assert "tocsin heartbeat key NAME" in refused.stderr


async def test_a_heartbeat_that_cannot_be_told_is_said_and_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not await ping("http://127.0.0.1:9/heartbeat/s3cret/start", b"", pauses_s=(0.0,))
    assert capsys.readouterr().err == "tocsin run: the heartbeat was not told: ConnectError\n"


def test_the_tail_of_what_was_said_is_whole_characters() -> None:
    tail = Tail()
    for _ in range(3):
        tail.add("ö".encode() * TAIL_BYTES)
    tail.add(b"x")
    assert tail.kept().decode().endswith("öx")
    assert len(tail.kept()) <= TAIL_BYTES


async def test_a_heartbeat_is_told_the_start_the_exit_code_and_what_was_said(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    script = "import sys; print('42 rows'); sys.stderr.write('no space'); sys.exit(3)"
    command = (sys.executable, "-c", script)
    async with http_server(answer(200), answer(503), answer(200)) as server:
        url = f"http://127.0.0.1:{server.port}/heartbeat/s3cret"
        code = await run.tell_and_run(url, command, pauses_s=(0.0,))
    assert code == 3
    paths = [(one.method, one.path) for one in server.requests]
    assert paths == [
        ("POST", "/heartbeat/s3cret/start"),
        ("POST", "/heartbeat/s3cret/3"),
        ("POST", "/heartbeat/s3cret/3"),
    ]
    said = server.requests[-1].body
    assert b"42 rows" in said
    assert b"no space" in said
    assert capfdbinary.readouterr().err == b"no space"


@pytest.mark.parametrize(
    "words",
    [("log", "--", "path"), ("job", "--help"), ("job", "--heartbeat", "X"), ("-x", "--", "--")],
)
def test_what_comes_after_the_command_is_its_own(words: tuple[str, ...]) -> None:
    script = "import sys; print(sys.argv[1:])"
    command = [sys.executable, "-m", "tocsin", "run", sys.executable, "-c", script, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == f"{list(words)}\n"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "ImportError"),
        ("ALL_PROXY", "gopher://127.0.0.1:9", "ValueError"),
        ("SSL_CERT_FILE", "/nonexistent/ca.pem", "FileNotFoundError"),
    ],
)
def test_the_command_runs_whatever_is_wrong_with_the_environment(
    name: str, value: str, why: str
) -> None:
    command = [sys.executable, "-m", "tocsin", "run", "--", sys.executable, "-c", "print(42)"]
    variables = {**os.environ, name: value, "HEARTBEAT_URL": "http://192.0.2.1/heartbeat/KEY"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert done.stderr.count(why) == 2


async def test_what_a_command_leaves_behind_is_not_waited_for() -> None:
    script = "import subprocess; print('left', subprocess.Popen(['sleep', '30']).pid)"
    async with asyncio.timeout(15):
        async with http_server(answer(200), answer(200)) as server:
            url = f"http://127.0.0.1:{server.port}/heartbeat/s3cret"
            assert await run.tell_and_run(url, (sys.executable, "-c", script)) == 0
    word, pid = server.requests[-1].body.split()
    assert word == b"left"
    os.kill(int(pid), signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signals_reach_the_command_and_after_it_the_last_ping(number: int) -> None:
    script = (
        "import os, signal, sys; signal.signal(int(sys.argv[1]), lambda *_: sys.exit(7));"
        " os.kill(os.getppid(), int(sys.argv[1])); signal.pause()"
    )
    command = [sys.executable, "-m", "tocsin", "run", sys.executable, "-c", script]
    async with http_server(answer(200), answer(200)) as server:
        url = f"http://127.0.0.1:{server.port}/heartbeat/s3cret"
        child = await asyncio.create_subprocess_exec(
            *command, str(int(number)), env={**os.environ, "HEARTBEAT_URL": url}
        )
        assert await child.wait() == 7
    assert server.requests[-1].path.endswith("/7")
    handlers = [signal.getsignal(one) for one in run.FORWARDED]
    assert await run.tell_and_run("", ("true",)) == 0
    assert [signal.getsignal(one) for one in run.FORWARDED] == handlers
