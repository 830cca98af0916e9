"""A broad `except` stands at a named door, or raises what it caught."""

import ast

from house_source import modules

BROAD = {"Exception", "BaseException"}


def _is_broad(node: ast.AST) -> bool:
    """Say whether it is an `except`, or a `suppress(…)`, of everything."""
    match node:
        case ast.ExceptHandler(type=ast.Tuple(elts=named)):
            return any(ast.unparse(name) in BROAD for name in named)
        case ast.ExceptHandler(type=name):
            return name is None or ast.unparse(name) in BROAD
        case ast.Call(func=door, args=named):
            is_door = ast.unparse(door) in {"suppress", "contextlib.suppress"}
            return is_door and any(ast.unparse(name) in BROAD for name in named)
        case _:
            return False


def test_whoever_catches_everything_says_at_which_door() -> None:
    unnamed = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if _is_broad(node)
        and "noqa: BLE001 - door: " not in module.line(node.lineno)
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]
    assert not unnamed, "except Exception without `# noqa: BLE001 - door: …`:\n" + "\n".join(
        unnamed
    )
