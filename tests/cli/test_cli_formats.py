"""One command, many readers: people, programs, wikis, shells; and what a login leaves behind."""

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from fake_runtime import FakeRuntime, tocsin

from tocsin.cli import config, raw
from tocsin.cli.client import remote
from tocsin.cli.config import Saved
from tocsin.cli.main import cli
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.settings import Settings

ROW = {
    "reference": "INC-1", "status": "investigating", "severity": 1, "urgency": "high",
    "title": "disk | full \\ on *db*", "opened_at": "2026-03-27T12:00:00Z",
}  # fmt: skip


@pytest.fixture
def runtime() -> FakeRuntime:
    found = FakeRuntime()
    found.answers.table["GET /incidents"] = [{"items": [ROW], "next": None}]
    return found


def test_the_same_answer_is_json_yaml_a_table_and_markdown(runtime: FakeRuntime) -> None:
    def told(*words: str) -> str:
        result = tocsin(runtime, "incident", "list", *words)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert json.loads(told()) == [ROW]
    assert told("--json") == told("-o", "json") == told()
    assert yaml.safe_load(told("--output", "yaml")) == [ROW]
    assert told("-o", "table") == told("--table")
    assert "INC-1" in told("--table")
    lines = told("-o", "md").splitlines()
    assert lines[1] == "| --- | --- | --- | --- | --- | --- |"
    assert r"| disk \| full \\ on *db* |" in lines[2]
    assert told("--output", "table", "--json") == told("--table")


def test_quiet_says_nothing_but_refusals(runtime: FakeRuntime) -> None:
    done = tocsin(runtime, "incident", "list", "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    runtime.answers.table["GET /incidents"] = [NotFound("nothing there")]
    refused = tocsin(runtime, "incident", "list", "-q")
    assert (refused.exit_code, refused.stderr) == (3, "Error: nothing there\n")


def test_a_choice_that_is_left_out_is_named_with_what_could_stand_there(
    runtime: FakeRuntime,
) -> None:
    result = tocsin(runtime, "person", "invite", "ada")
    assert result.exit_code == 2
    assert "Missing option '--role'" in result.stderr
    assert "responder" in result.stderr


def test_a_misspelt_word_is_answered_with_the_word_that_was_meant(runtime: FakeRuntime) -> None:
    for words, meant in (
        (["incident", "lst"], "'list'"),
        (["incident", "list", "--limt", "3"], "'--limit'"),
        (["incident", "list", "--status", "opn"], "'open'"),
        (["completion", "bsh"], "'bash'"),
    ):
        result = tocsin(runtime, *words)
        assert result.exit_code == 2
        assert re.search(f"Did you mean.* {meant}", result.stderr)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_completes(shell: str) -> None:
    script = CliRunner().invoke(cli, ["completion", shell], prog_name="tocsin")
    assert script.exit_code == 0
    assert "_TOCSIN_COMPLETE" in script.stdout
    words = {"bash": {"COMP_WORDS": "tocsin incident w", "COMP_CWORD": "2"}}.get(
        shell,
        {"COMP_WORDS": "tocsin incident w", "COMP_CWORD": "w" if shell == "fish" else "2"},
    )
    env = {**words, "_TOCSIN_COMPLETE": f"{shell}_complete"}
    done = CliRunner(env=env).invoke(
        cli, [], prog_name="tocsin", complete_var="_TOCSIN_COMPLETE"
    )
    assert "watch" in done.output


def test_any_request_can_be_sent_raw(runtime: FakeRuntime, tmp_path: Path) -> None:
    runtime.answers.table["POST /things"] = [{"ok": True}]
    file = tmp_path / "body.json"
    file.write_text('{"from": "file"}')

    def sent(*words: str, stdin: str | None = None) -> object:
        result = tocsin(runtime, "api", "POST", "/things", *words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return runtime.answers.asked[-1].body

    assert sent("-f", str(file)) == {"from": "file"}
    assert sent("-f", "-", stdin="[1]") == [1]
    assert sent("--data", f"@{file}") == {"from": "file"}
    assert sent("-d", '{"a": 1}') == {"a": 1}
    assert sent("-d", "name=ada", "-d", "rate:=5", "-d", "note=a=b") == {
        "name": "ada", "rate": 5, "note": "a=b",
    }  # fmt: skip
    assert sent() is None
    for wrong in (["-d", "name"], ["-d", "n:=["], ["-d", "=x"], ["-f", "no", "-d", "a=b"]):
        assert tocsin(runtime, "api", "POST", "/things", *wrong).exit_code == 2
    assert tocsin(runtime, "api", "POST", "/things", "-f", "absent").exit_code == 2


def test_headers_are_typed_as_for_curl() -> None:
    assert raw.named(['If-Match: "7"', "X-A:b:c"]) == {"if-match": '"7"', "x-a": "b:c"}
    for wrong in ("no colon", ": x"):
        with pytest.raises(Invalid):
            raw.named([wrong])


def test_a_login_is_kept_for_its_owner_alone_and_read_back(tmp_path: Path) -> None:
    assert config.read(tmp_path) == Saved()
    saved = Saved("https://tocsin.example.org", 'tocsin_"\\x')
    path = config.write(saved, tmp_path)
    assert path == tmp_path / ".config/tocsin/config.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert config.read(tmp_path) == saved
    assert config.forget(tmp_path)
    assert not config.forget(tmp_path)


def test_a_login_is_kept_where_xdg_says_if_that_is_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert config.write(Saved("u", "t")) == tmp_path / "xdg/tocsin/config.toml"
    assert config.read() == Saved("u", "t")
    for nowhere in ("", "relative/path"):  # the specification: relative paths are ignored
        monkeypatch.setenv("XDG_CONFIG_HOME", nowhere)
        assert config.place() == tmp_path / "home/.config/tocsin/config.toml"


@pytest.mark.parametrize("text", ["url = ", "token = 7", 'who = "me"', "\x00"])
def test_a_spoilt_login_says_where_and_what_helps(tmp_path: Path, text: str) -> None:
    path = config.write(Saved("u", "t"), tmp_path)
    path.write_text(text)
    with pytest.raises(Invalid, match=r"config\.toml"):
        config.read(tmp_path)


def test_the_environment_wins_over_a_login_and_a_named_database_is_meant() -> None:
    saved = Saved("https://kept.example.org", "kept")

    def there(**settings: str) -> Saved:
        return remote(Settings(**settings), saved)  # type: ignore[arg-type]

    assert there() == saved
    assert there(token="given") == Saved("https://kept.example.org", "given")
    given = there(token="given", url="https://given.example.org")
    assert given == Saved("https://given.example.org", "given")
    assert there(database_url="postgresql:///tocsin") == Saved()
    assert there(url="https://given.example.org") == Saved()
    assert there(url=saved.url) == saved
    assert remote(Settings(), Saved()) == Saved()


def test_a_login_makes_commands_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    config.write(Saved("http://127.0.0.1:9", "tocsin_x"))  # the discard port
    result = tocsin(FakeRuntime(database_url=""), "incident", "list")
    assert result.exit_code == 6
    assert "http://127.0.0.1:9 does not answer" in result.stderr
