"""The walks through the code lead somewhere: every file they name exists and holds what they say."""

import ast
import re
from pathlib import Path

import pytest
from house_source import PACKAGE, ROOT, Function

# `web/inbound.py`, `kernel/units.py: Units.run`, `src/tocsin/migrations/`, `*/events.py`
PLACE = re.compile(r"`([\w*.-]+/[\w*./-]*)(?:: ([\w.]+))?`")
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md", "docs/explanation/threat-model.md")


def _places(page: str) -> list[tuple[str, str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [(path, name) for path, name in PLACE.findall(text) if "." in path or name]


def _files(path: str) -> list[Path]:
    wanted = path.rstrip("/").replace("NNNN", "*")
    return [found for top in (ROOT, PACKAGE) for found in top.glob(wanted)]


def _names(file: Path) -> set[str]:
    """Return the functions and classes of a file, and its methods as `Class.method`."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, Function | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{m.name}" for m in node.body if isinstance(m, Function)}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_place_that_a_walk_names_is_there(page: str) -> None:
    lost = [
        f"{path}: {name}"
        for path, name in _places(page)
        if not any(not name or name in _names(file) for file in _files(path))
    ]
    assert not lost, "\n".join(lost)


def test_the_walks_name_places() -> None:
    assert len([name for _, name in _places("ARCHITECTURE.md") if name]) > 20
