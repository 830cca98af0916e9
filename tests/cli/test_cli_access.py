"""Commands about access: what they ask, what they print, and what they keep."""

from pathlib import Path
from typing import Any

import pytest
from fake_runtime import Asked, FakeRuntime, tocsin

from tocsin.cli import config

TOKEN = {
    "id": "1", "name": "prom", "role": "integration", "rate": None, "teams": ["payments"],
    "integration": None, "owner": None, "created_at": "2026-03-27T12:00:00Z",
    "expires_at": None, "last_used_at": None,
}  # fmt: skip
MAYA = {
    "id": "2", "name": "maya", "display_name": "Maya Okafor", "active": True,
    "teams": [{"team": "payments", "role": "manager"}], "methods_count": 1, "state": "active",
    "role": "responder", "signed_in_at": None,
}  # fmt: skip


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (
            ("prom", "--role", "integration", "--expires", "90d", "--integration", "grafana"),
            "/tokens",
            {
                "name": "prom", "role": "integration", "rate": None, "expires_in": "90d",
                "integration": "grafana",
            },
        ),
        (
            ("bot", "--role", "responder", "--team", "a", "--team", "b", "--expires", "never"),
            "/tokens",
            {
                "name": "bot", "role": "responder", "rate": None, "teams": ["a", "b"],
                "expires_in": None,
            },
        ),
        (("laptop", "--own"), "/me/tokens", {"name": "laptop"}),
    ],
)  # fmt: skip
def test_a_token_is_made_as_it_was_asked_for(
    runtime: FakeRuntime, words: tuple[str, ...], path: str, body: dict[str, Any]
) -> None:
    runtime.answers.table[f"POST {path}"] = [{"token": "tocsin_x"}]
    made = tocsin(runtime, "token", "create", *words)
    assert (made.exit_code, made.stdout) == (0, "tocsin_x\n"), made.stderr
    assert runtime.answers.asked == [Asked("POST", path, {}, body)]


@pytest.mark.parametrize(
    "words",
    [
        ("x",),
        ("x", "--role", "system"),
        ("x", "--role", "viewer", "--rate", "many"),
        ("x", "--own", "--rate", "5"),
    ],
)
def test_a_token_that_cannot_be_is_not_asked_for(
    runtime: FakeRuntime, words: tuple[str, ...]
) -> None:
    assert tocsin(runtime, "token", "create", *words).exit_code == 2
    assert not runtime.answers.asked


def test_tokens_are_listed_and_revoked(runtime: FakeRuntime) -> None:
    runtime.answers.table |= {
        "GET /tokens": [{"items": [TOKEN]}],
        "DELETE /tokens/prom": [TOKEN],
        "DELETE /me/tokens/a%2Fb": [TOKEN],
    }
    listed = tocsin(runtime, "token", "list", "--table").stdout
    for words in ("prom", "payments", "when revoked", "never"):
        assert words in listed
    assert tocsin(runtime, "token", "revoke", "prom").stdout == (
        "Token prom (integration) is revoked.\n"
    )
    assert tocsin(runtime, "token", "revoke", "a/b", "--own").exit_code == 0


def test_people_are_listed_invited_and_changed(runtime: FakeRuntime) -> None:
    runtime.answers.table |= {
        "GET /people": [{"items": [MAYA]}],
        "POST /people/maya/invite": [{"url": "https://t.test/sign-in/s"}],
        "POST /people/maya/reset": [{"url": "https://t.test/sign-in/r"}],
        "POST /people/maya/role": [MAYA],
        "POST /people/maya/disable": [MAYA],
        "POST /people/maya/enable": [MAYA],
    }
    assert "payments: manager" in tocsin(runtime, "person", "list", "--table").stdout
    for words, said in (
        (("invite", "maya", "--role", "responder"), "https://t.test/sign-in/s\n"),
        (("reset", "maya"), "https://t.test/sign-in/r\n"),
        (("role", "maya", "responder"), "Maya Okafor is responder.\n"),
        (("disable", "maya"), "Maya Okafor has no access"),
        (("enable", "maya"), "Maya Okafor may sign in again"),
    ):
        assert tocsin(runtime, "person", *words).stdout.startswith(said)
    assert runtime.answers.asked[1].body == {"role": "responder"}
    assert tocsin(runtime, "person", "role", "maya", "integration").exit_code == 2


def test_whoami_says_by_what_one_acts(runtime: FakeRuntime) -> None:
    me = {
        "kind": "token", "id": "1", "name": "cli", "role": "responder", "person": "Maya Okafor",
        "teams": [{"team": "payments", "role": "manager"}], "permissions": ["page:read"],
    }  # fmt: skip
    runtime.answers.table["GET /me"] = [me]
    shown = tocsin(runtime, "whoami", "--table").stdout
    for words in ("Maya Okafor", "token cli", "payments: manager", "page:read"):
        assert words in shown


def test_logging_out_where_nobody_is_logged_in_is_no_failure(
    runtime: FakeRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert "Nobody is logged in" in tocsin(runtime, "logout").stdout
    config.write(config.Saved("http://127.0.0.1:9", "tocsin_x"))  # the discard port
    said = tocsin(runtime, "logout").stdout
    assert "was not revoked" in said
    assert not config.place().exists()


def test_a_login_to_what_is_no_url_or_does_not_answer_keeps_nothing(
    runtime: FakeRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert tocsin(runtime, "login", "tocsin.example.org", stdin="x\nx\n").exit_code == 2
    assert tocsin(runtime, "login", "http://127.0.0.1:9", stdin="maya\nx\n").exit_code == 6
    assert not config.place().exists()
