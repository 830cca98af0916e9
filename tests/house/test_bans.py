"""What is banned is banned everywhere but where it says so: here, by name."""

import ast
import re

from house_source import modules

# who may ask the clock and the environment; the linter bans both, and each of these lifts the ban
LIFTED = {
    "src/tocsin/kernel/clock.py": {"datetime.now(UTC)"},
    "src/tocsin/kernel/settings.py": {"os.environ"},
    "src/tocsin/cli/alerts.py": {"datetime.now(UTC)"},
    "src/tocsin/cli/sentinel.py": {"datetime.now(UTC)"},
    "src/tocsin/cli/incident_watch.py": {"datetime.now(UTC)"},
}
MOCKS = {"mock", "unittest.mock", "pytest_mock"}
PATCHES = {"monkeypatch.setattr", "monkeypatch.setitem", "mocker.patch", "mock.patch", "patch"}


def test_a_ban_is_lifted_at_named_places_only() -> None:
    stray = []
    for module in modules():
        for number, line in enumerate(module.text.splitlines(), 1):
            code, _, reason = line.partition("# noqa: TID251")
            allowed = LIFTED.get(module.name, set())
            if reason and not any(name in code for name in allowed):
                stray.append(f"{module.name}:{number}: {code.strip()}")
    assert not stray, "\n".join(stray)


def _patches(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(name.name in MOCKS for name in names)
        case ast.ImportFrom(module=module, names=names):
            return {module, *(f"{module}.{name.name}" for name in names)} & MOCKS != set()
        case ast.Call(func=door):
            return re.sub(r"^self\.", "", ast.unparse(door)) in PATCHES
        case _:
            return False


def test_nothing_is_mocked_or_patched() -> None:
    found = [
        f"{module.name}:{getattr(node, 'lineno', 0)}"
        for module in modules("tests", "bench")
        for node in ast.walk(module.tree)
        if _patches(node)
    ]
    assert not found, "a fake keeps the port's promise (tests/fakes):\n" + "\n".join(found)
