"""The command line on a real application in this process, as on a machine without a token."""

import asyncio
import getpass
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fakes.world import ACME, NOON, running
from tocsin.app.runtime import Runtime
from tocsin.cli.main import cli
from tocsin.kernel.settings import Settings

pytestmark = pytest.mark.db


class Terminal:
    """Runs command lines on one database."""

    def __init__(self, dsn: str) -> None:
        self._runtime = Runtime()
        self._runtime._settings = Settings(database_url=dsn)

    def run(self, *words: str, stdin: str | None = None) -> Result:
        """Run one command line."""
        return CliRunner(env={"COLUMNS": "160"}).invoke(
            cli, words, obj=self._runtime, input=stdin
        )


@pytest.fixture
def terminal(dsn: str) -> Terminal:
    return Terminal(dsn)


def test_configuration_access_and_reading_work_without_a_server(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "acme.yaml").write_text(ACME)
    applied = terminal.run("apply", "-f", str(tmp_path))
    assert applied.exit_code == 0, applied.stderr
    assert "created Schedule/primary" in json.loads(applied.stdout)["changes"]
    who = json.loads(terminal.run("oncall", "who").stdout)
    assert who[0]["now"]["person"]["name"] in {"Maya Okafor", "Jonas Weber"}
    made = terminal.run("token", "create", "prom", "--role", "integration", "--rate", "9")
    assert made.stdout.startswith("tocsin_")
    again = terminal.run("token", "create", "prom", "--role", "integration")
    assert (again.exit_code, again.stdout) == (5, "")
    assert "choose another name" in again.stderr
    assert terminal.run("link").stdout.startswith("http://127.0.0.1:8640/sign-in/")
    me = json.loads(terminal.run("api", "GET", "/me").stdout)
    assert (me["kind"], me["role"]) == ("local", "admin")
    assert terminal.run("incident", "show", "INC-7").exit_code == 3
    assert json.loads(terminal.run("incident", "list").stdout) == []


def test_a_broken_set_names_file_line_and_cure_and_changes_nothing(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(ACME.replace("{person: jonas}", "{person: nobody}"))
    refused = terminal.run("apply", "-f", str(file))
    assert refused.exit_code == 2
    line = next(n for n, text in enumerate(ACME.splitlines(), 1) if "{person: jonas}" in text)
    words = "EscalationPolicy/default: spec.steps[1].targets: there is no Person named 'nobody'"
    assert refused.stderr.startswith(f"Error: {file}:{line}: {words}")
    assert json.loads(terminal.run("oncall", "who").stdout) == []


def test_people_read_tables_about_an_incident(dsn: str) -> None:
    async def fire() -> None:
        async with running(dsn) as world:
            await world.apply(ACME)
            labels = {
                "alertname": "HighErrorRate",
                "service": "checkout",
                "severity": "critical",
            }
            await world.signal(labels, ends_at=NOON + timedelta(days=4000), summary="too many")
            await world.forward(minutes=6)

    asyncio.run(fire())
    terminal = Terminal(dsn)

    def table(*words: str) -> str:
        shown = terminal.run(*words, "--table")
        assert shown.exit_code == 0, shown.stderr
        return shown.stdout

    assert "HighErrorRate on checkout" in table("incident", "list")
    shown = table("incident", "show", "INC-1")
    for words in ("1 firing of 1", "escalating", "Jonas Weber", "Step 2: calling", "step 2"):
        assert words in shown
    why = table("page", "why", "INC-1")
    for words in ("Next: Jonas Weber at 2026-03-27 12:15:00 UTC", "was on call for primary"):
        assert words in why
    alert_id = json.loads(terminal.run("alert", "list").stdout)[0]["id"]
    assert alert_id in table("alert", "list")
    assert "too many" in table("alert", "show", alert_id)
    assert "severity=critical" in table("alert", "why", alert_id)
    assert "is acknowledged" in table("incident", "ack", "INC-1")
    assert "INC-1 is resolved." in table("incident", "resolve", "INC-1")
    story = table("incident", "show", "INC-1")
    me = f"local:{getpass.getuser()}"
    assert story.index("Step 1: calling") < story.index(f"Acknowledged by cli ({me})")
    assert f"INC-1 resolved by {me}" in story


def test_the_story_is_printed(terminal: Terminal) -> None:
    assert "MUST response.page_for_group" in terminal.run("reactions").stdout
    assert terminal.run("migrate", "--check").stdout == "The database is up to date.\n"
