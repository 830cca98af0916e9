"""`tocsin policy check` on a real application in this process: names, words and exit codes."""

import json
from pathlib import Path

import pytest
from test_cli_end_to_end import Terminal

from fakes.world import ACME

pytestmark = pytest.mark.db
MORE = """
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: shop}
spec: {match: {service: shop}, policy: default}
"""


def test_a_check_names_what_is_lost_and_ends_with_ten(dsn: str, tmp_path: Path) -> None:
    terminal = Terminal(dsn)
    empty = terminal.run("policy", "check", "--json")
    assert (empty.exit_code, json.loads(empty.stdout)["proven"]) == (10, False)  # no policy
    (tmp_path / "acme.yaml").write_text(ACME + MORE)
    applied = terminal.run("apply", "-f", str(tmp_path))
    assert applied.exit_code == 0, applied.stderr
    found = terminal.run("policy", "check", "--days", "3", "--json")
    assert found.exit_code == 10
    assert [one["route"] for one in json.loads(found.stdout)["paths"]] == ["shop", "default"]
    one = terminal.run("policy", "check", "shop", "--json")
    assert [path["route"] for path in json.loads(one.stdout)["paths"]] == ["shop"]
    table = terminal.run("policy", "check", "shop", "default", "--table")
    assert "Not every alert of the next 30 days wakes somebody." in table.stdout
    assert (
        "Bea Boss cannot be woken: e-mail cannot break through Do Not Disturb" in table.stdout
    )
    assert terminal.run("policy", "check", "nothing").exit_code == 3
    page = terminal.run("policy", "simulate", "default", "--at", "2026-12-24T09:00", "--table")
    assert page.exit_code == 0, page.stderr
    assert "Nobody is reached, not even by the catch-all." in page.stdout
