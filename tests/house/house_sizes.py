"""How long files and functions are."""

from collections.abc import Iterable, Iterator

from house_source import Module

FILE_LINES_MAX = 400
FILE_LINES_AIM = 300
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_AIM = 50


def long_files(modules: Iterable[Module], limit: int) -> Iterator[str]:
    """Name the files above `limit` lines."""
    for module in modules:
        if (count := len(module.text.splitlines())) > limit:
            yield f"{module.name}: {count} lines"


def long_functions(modules: Iterable[Module], limit: int) -> Iterator[str]:
    """Name the functions above `limit` lines, decorators not counted."""
    for module in modules:
        for function in module.functions():
            count = (function.end_lineno or function.lineno) - function.lineno + 1
            if count > limit:
                yield f"{module.name}:{function.lineno} {function.name}: {count} lines"
