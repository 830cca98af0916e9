"""Every command shows examples, and every example is a command line that can be read."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from fake_runtime import FakeRuntime, tocsin

from tocsin.cli.examples import EXAMPLES
from tocsin.cli.main import cli

FILES = ("payload.json", "uptime.yaml", "alert.json", "config/one.yaml")


def leaves(group: click.Group, path: str = "") -> Iterator[str]:
    for name, child in group.commands.items():
        here = f"{path} {name}".strip()
        if isinstance(child, click.Group):
            yield from leaves(child, here)
        else:
            yield here


def test_every_command_has_an_example_and_every_example_a_command() -> None:
    assert sorted(leaves(cli)) == sorted(EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES)
def test_help_ends_with_the_examples(path: str) -> None:
    shown = tocsin(FakeRuntime(), *path.split(), "--help")
    assert shown.exit_code == 0
    for line in EXAMPLES[path]:
        assert f"    {line}\n" in shown.stdout


@pytest.mark.parametrize(
    ("path", "line"), [(path, line) for path, lines in EXAMPLES.items() for line in lines]
)
def test_an_example_can_be_read(
    path: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("{}", encoding="utf-8")
    found = re.search(r"(?:^|[(| ])(tocsin [^|>]+)", line)
    assert found is not None
    words = shlex.split(found[1].removesuffix(')"').strip())[1:]
    assert words[: len(path.split())] == path.split()
    parent, command = click.Context(cli, info_name="tocsin"), cli
    for name in path.split():
        command = command.commands[name]  # type: ignore[assignment]
    command.make_context(path, words[len(path.split()) :], parent=parent)
