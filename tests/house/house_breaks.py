"""How the house is broken on purpose, in a copy of the tree, and what a house test says then."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from house_source import ROOT, tracked
from msgspec import Struct


class Break(Struct, frozen=True, kw_only=True):
    """One change that one house test must not let pass.

    `add` goes to the end of `file`, which is made if it is not there, or stands `instead_of`
    what is said. `says` is what the failing test must name. `alone`: others hide behind it.
    """

    test: str
    file: str
    add: str
    instead_of: str = ""
    says: str
    alone: bool = False


def copied(to: Path) -> Path:
    """Copy what is, or would be, committed below `to`."""
    for path in tracked():
        target = to / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return to


@contextmanager
def broken(tree: Path, breaks: Iterable[Break]) -> Iterator[None]:
    """Break a copy, and mend it at the end of the block."""
    with ExitStack() as mending:
        for one in breaks:
            _break(tree / one.file, one, mending)
        yield


def _break(file: Path, one: Break, mending: ExitStack) -> None:
    before = file.read_text(encoding="utf-8") if file.exists() else None
    if before is None:
        first = next(up for up in (file, *file.parents) if up.parent.exists())
        mending.callback(shutil.rmtree if first != file else Path.unlink, first)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(one.add, encoding="utf-8")
        return
    mending.callback(file.write_text, before, encoding="utf-8")
    if one.instead_of:
        assert one.instead_of in before, f"{one.file} does not hold {one.instead_of!r}"
        after = before.replace(one.instead_of, one.add)
    else:
        after = before + one.add
    assert len(after) != len(before), "of equal size it could run as it was compiled before"
    file.write_text(after, encoding="utf-8")


def run(tree: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Run house tests of a copy on that copy; return pytest's exit code and all it says."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [*command, *(f"tests/house/{test}" for test in tests)],
        cwd=tree,
        env=clean | {"PYTHONPATH": str(tree / "src"), "COLUMNS": "160"},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr
