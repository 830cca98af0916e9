"""Every verb and every read asks for a permission before it does anything else."""

import ast
from collections.abc import Iterator

from house_source import Function, Module, modules

from tocsin.kernel.access import VERBS


def _verbs() -> Iterator[tuple[Module, Function]]:
    for module in modules():
        if module.context is None or module.role not in {"actions", "reads"}:
            continue
        for node in module.tree.body:
            if (
                isinstance(node, Function)
                and not node.name.startswith("_")
                and _takes_unit(node)
            ):
                yield module, node


def _takes_unit(function: Function) -> bool:
    arguments = function.args.posonlyargs + function.args.args
    return bool(arguments) and ast.unparse(arguments[0].annotation or ast.Constant(0)) == "Unit"


def _permission(function: Function) -> str | None:
    """Return what the first statement after the docstring requires, if it requires anything."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    match body[0] if body else None:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="unit"), attr="require"),
                args=[ast.Constant(value=str(permission))],
            )
        ):
            return permission
        case _:
            return None


def test_every_verb_and_read_begins_with_require() -> None:
    open_doors = [
        f"{module.name}:{function.lineno} {function.name}"
        for module, function in _verbs()
        if _permission(function) is None
    ]
    assert not open_doors, "these do not begin with unit.require(…):\n" + "\n".join(open_doors)


def _asked() -> Iterator[str]:
    """Find every permission that anything asks for, at the beginning of a verb or later."""
    for module in modules():
        for node in ast.walk(module.tree):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="require" | "require_on" | "may" | "may_on"),
                    args=[ast.Constant(value=str(permission)), *_],
                ):
                    yield permission
                case _:
                    pass


def test_the_permissions_that_are_asked_for_are_those_of_the_table() -> None:
    assert {*_asked()} == {*VERBS}, {*_asked()} ^ {*VERBS}
