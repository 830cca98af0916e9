"""Each house test has been broken on purpose: on a tree with that one mistake in it, it fails.

A guard that has never stopped anybody may be asleep. The suite breaks a copy of the tree in all
places at once; `--each-break` (make proof) makes one mistake after the other.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from house_breaks import Break, broken, copied, run
from house_breaks_code import CODE
from house_breaks_pages import PAGES, TEMPLATES
from house_breaks_rules import BANNED, RULES
from house_source import ROOT
from test_templates import BANNED as IN_TEMPLATES

BREAKS: tuple[Break, ...] = (*CODE, *PAGES)
HERE = Path(__file__)


def _house_tests() -> set[str]:
    return {
        f"{path.name}::{node.name}"
        for path in HERE.parent.glob("test_*.py")
        if path != HERE
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def test_every_house_test_is_broken_somewhere() -> None:
    assert _house_tests() == {one.test for one in BREAKS}


def test_every_mistake_can_be_made_and_mended(tmp_path: Path) -> None:
    tree = copied(tmp_path / "tree")
    before = {one.file: (tree / one.file).exists() for one in BREAKS}
    for one in BREAKS:
        with broken(tree, (one,)):
            assert (tree / one.file).exists()
    assert {one.file: (tree / one.file).exists() for one in BREAKS} == before


def test_every_banned_thing_is_broken_somewhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    bans = project["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert set(BANNED) == set(bans)
    said = {one.says for one in TEMPLATES}
    assert not [why for why in IN_TEMPLATES.values() if not any(one in why for one in said)]


def _linted(text: str) -> str:
    """Return what the linter says of a module of the core that reads like this."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format=concise", "--no-cache"]
    done = subprocess.run(
        [*command, "--stdin-filename=src/tocsin/triage/core/mistakes.py", "-"],
        cwd=ROOT, input=text, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def test_the_linter_stops_every_banned_thing() -> None:
    said = _linted('"""Only mistakes."""\n' + "\n".join(BANNED.values()))
    slept = [name for name in BANNED if f"TID251 `{name}` is banned" not in said]
    assert not slept, said


def test_the_linter_stops_what_the_house_has_no_test_for() -> None:
    slept = {rule: text for rule, text in RULES.items() if f" {rule} " not in _linted(text)}
    assert not slept


def _slept(breaks: tuple[Break, ...], said: str) -> list[str]:
    return [
        f"{one.test} does not say {one.says!r}"
        for one in breaks
        if f"FAILED tests/house/{one.test}" not in said or one.says not in said
    ]


@pytest.mark.slow
def test_a_house_that_is_broken_everywhere_is_not_passed(tmp_path: Path) -> None:
    at_once = tuple(one for one in BREAKS if not one.alone)
    tree = copied(tmp_path / "tree")
    with broken(tree, at_once):
        code, said = run(tree, dict.fromkeys(one.test for one in at_once))
    assert code == 1, said
    slept = _slept(at_once, said)
    assert not slept, "\n".join([*slept, said])


@pytest.mark.slow
def test_each_mistake_alone_is_found_and_without_one_the_house_stands(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    if not request.config.getoption("--each-break"):
        pytest.skip("one mistake after the other takes minutes; make proof ARGS=house")
    tree = copied(tmp_path / "tree")
    code, said = run(tree, sorted({test.partition("::")[0] for test in _house_tests()}))
    assert code == 0, said
    slept = []
    for one in BREAKS:
        with broken(tree, (one,)):
            code, said = run(tree, [one.test])
        slept += _slept((one,), said) or ([f"{one.test}: exit {code}"] if code != 1 else [])
    record_testsuite_property("house_tests", len(_house_tests()))
    record_testsuite_property("mistakes", len(BREAKS))
    record_testsuite_property("banned", len(BANNED) + len(RULES))
    assert not slept, "\n".join(slept)
