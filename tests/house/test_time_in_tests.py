"""Tests forward a clock or wait for a condition; they never sleep and hope."""

import ast

from house_source import modules

SLEEPS = {"time.sleep", "asyncio.sleep", "sleep"}


def test_no_test_sleeps() -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules("tests")
        if module.path.name.startswith("test_")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in SLEEPS
        and [ast.unparse(argument) for argument in node.args] != ["0"]
    ]
    assert not found, "\n".join(found)
