"""A broad `except` stands at a named door, or raises what it caught."""

import ast

from house_source import modules

BROAD = {"Exception", "BaseException"}


def _is_broad(door: ast.ExceptHandler) -> bool:
    named = door.type.elts if isinstance(door.type, ast.Tuple) else [door.type]
    return any(name is None or ast.unparse(name) in BROAD for name in named)


def test_whoever_catches_everything_says_at_which_door() -> None:
    unnamed = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and _is_broad(node)
        and "noqa: BLE001 - door: " not in module.line(node.lineno)
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]
    assert not unnamed, "except Exception without `# noqa: BLE001 - door: …`:\n" + "\n".join(
        unnamed
    )
