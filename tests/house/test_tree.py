"""The tracked tree is free of machine paths, names its files well, and its links lead somewhere."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from house_source import PACKAGE, ROOT, modules, tracked

OURS = ("src", "tests", "bench", "tools")
BINARY = {".png", ".jpg", ".woff2", ".ico", ".gz", ".parquet"}
# written so that this file does not find itself
MACHINE = re.compile(r"(?<![\w.~}])/(work|home|root|opt|tmp(?!/tocsin-))/" + r"[\w.]")
REGISTRY = re.compile(r"(?i)pypi\.org/simple|files\.pythonhosted|registry\.npm|artifact[o]ry")
# words that say of anything that it is something, in the name of a file or a class
VAGUE = {"manager", "helper", "util", "common", "misc", "process", "processor", "info", "data"}


def _texts() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for path in tracked()
        if path.suffix not in BINARY
    ]


@pytest.mark.parametrize("pattern", [MACHINE, REGISTRY], ids=["machine", "registry"])
def test_no_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in _texts()
        for match in pattern.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_file_names_say_what_is_in_them() -> None:
    vague = [m.name for m in modules(*OURS) if {*m.path.stem.split("_")} & (VAGUE | _plural())]
    assert not vague, vague


def test_class_names_say_what_they_are() -> None:
    vague = [
        f"{module.name}: {node.name}"
        for module in modules(*OURS)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and {word.lower() for word in re.findall("[A-Z][a-z]+", node.name)}
        & (VAGUE | _plural())
    ]
    assert not vague, vague


def _plural() -> set[str]:
    return {f"{word}s" for word in VAGUE}


def test_relative_links_in_the_docs_lead_to_a_file() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)\s]+)\)", _prose(path))
        if not re.match(r"https?:|mailto:|#", target)
        and not (path.parent / target.split("#")[0]).exists()
    ]
    assert not broken, "\n".join(broken)


def _prose(path: Path) -> str:
    """Return the page without its code, where brackets mean something else."""
    return re.sub(r"```.*?```|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_every_migration_has_its_own_number_and_says_why() -> None:
    files = sorted((PACKAGE / "migrations").glob("*.sql"))
    numbers = [path.name[:4] for path in files]
    assert numbers == [f"{n:04d}" for n in range(1, len(files) + 1)]
    for path in files:
        assert re.fullmatch(r"\d{4}_(before|after)_[a-z0-9_]+\.sql", path.name), path.name
        first = path.read_text(encoding="utf-8").lstrip()
        assert first.startswith("-- "), f"{path.name} does not begin with why"


def test_every_locked_package_has_a_hash_and_every_dependency_is_locked() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        for entry in re.split(r"\n(?=[a-z0-9])", lock.read_text(encoding="utf-8"))[1:]:
            assert "--hash=sha256:" in entry, f"{lock.name}: {entry.splitlines()[0]}"
    locked = set(
        re.findall(r"(?m)^([a-z0-9-]+)==", (ROOT / "requirements/runtime.txt").read_text())
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[\[<>=!~ ]", name)[0].lower() for name in project["dependencies"]}
    assert wanted <= locked, f"make lock: {sorted(wanted - locked)}"
