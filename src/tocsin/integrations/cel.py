"""The one door to CEL: compile with limits, evaluate with limits, plain values out.

The engine itself stops after 10,000 iterations and 32 levels of nesting, and its regular
expressions are RE2. What it does not bound are lists that are built (their cost is square)
and text that is doubled again and again; the limits here do.
"""

import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel
from msgspec import Struct

EXPRESSION_MAX = 1000
MACROS_MAX = 4  # all, exists, exists_one, filter, map in one expression
PLUSES_MAX = 16  # in one expression
NODES_MAX = 20_000  # values in a payload, all levels together
ELEMENTS_MAX = 1000  # in one list or map
DEPTH_MAX = 32
TEXT_MAX = 64 * 1024  # characters of one text
INTEGER_MAX = 2**63 - 1
ERROR_MAX = 300

_MISSING = re.compile(r"^Key not found in map : (.*)$")
# between the name and its parenthesis CEL allows blanks and comments
_MACROS = re.compile(r"\b(?:all|exists|exists_one|filter|map)(?:\s|//[^\n]*\n)*\(")
_env = cel.NewEnv(variables={"event": cel.Type.DYN, "item": cel.Type.DYN})


class CelError(Exception):
    """An expression is not one, or cannot be evaluated; the message says why, on one line."""


class Program:
    """One compiled expression."""

    def __init__(self, source: str) -> None:
        """Compile `source`. Raises CelError."""
        if len(source) > EXPRESSION_MAX:
            raise CelError(f"longer than {EXPRESSION_MAX} characters")
        if len(_MACROS.findall(source)) > MACROS_MAX:
            raise CelError(f"more than {MACROS_MAX} of map, filter, all, exists")
        if source.count("+") > PLUSES_MAX:
            raise CelError(f"more than {PLUSES_MAX} times +")
        try:
            self._compiled = _env.compile(source)
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise CelError(_line(str(error))) from None
        self.source = source

    def value(self, scope: "Scope") -> object:
        """Evaluate to plain Python: scalars, lists, dicts. Raises CelError."""
        found = self._evaluated(scope)
        try:
            return found.plain_value()
        except (RuntimeError, RecursionError, ValueError, OverflowError) as error:
            raise CelError(_line(str(error))) from None

    def _evaluated(self, scope: "Scope") -> Any:
        try:
            found = self._compiled.eval(scope.activation)
            failed = found.type() == cel.Type.ERROR
            said = str(found.value()) if failed else ""
        except (RuntimeError, TypeError, RecursionError, ValueError, OverflowError) as error:
            raise CelError(_line(str(error))) from None
        if failed:
            raise CelError(_line(said))
        return found


class Scope(Struct, frozen=True):
    """What the variables stand for; made once for many expressions."""

    activation: Any


def scope(*, event: object, item: object) -> Scope:
    """Bind the variables; both were checked by `measure`. Raises CelError."""
    variables: Mapping[str, Any] = {"event": event, "item": item}
    try:
        return Scope(_env.Activation(variables))
    except (RuntimeError, TypeError, RecursionError, ValueError, OverflowError) as error:
        raise CelError(_line(str(error))) from None


def measure(payload: object) -> str | None:
    """Return why a payload is too much to evaluate anything on; None: it is not."""
    waiting: list[tuple[object, int]] = [(payload, 0)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > DEPTH_MAX:
            return f"the payload is nested deeper than {DEPTH_MAX} levels"
        if count > NODES_MAX:
            return f"the payload has more than {NODES_MAX} values"
        if isinstance(value, dict | list):
            if len(value) > ELEMENTS_MAX:
                return f"a list or map in the payload has more than {ELEMENTS_MAX} elements"
            children = value.values() if isinstance(value, dict) else value
            waiting += [(child, depth + 1) for child in children]
        elif isinstance(value, str) and len(value) > TEXT_MAX:
            return f"a text in the payload is longer than {TEXT_MAX} characters"
        elif isinstance(value, int) and abs(value) > INTEGER_MAX:
            return "a number in the payload does not fit into 64 bits"
    return None


def _line(text: str) -> str:
    """Return what matters of an error: its first line, without the engine's own words."""
    first = next(iter(text.strip().splitlines()), "").strip()
    for word in ("INVALID_ARGUMENT: ", "ERROR: ", "NOT_FOUND: ", "INTERNAL: ", "UNKNOWN: "):
        first = first.removeprefix(word)
    first = first.removeprefix("<input>:").removesuffix(" [INTERNAL]")
    first = _MISSING.sub(r"there is no \1; write has(…) first where it may be missing", first)
    first = first.partition(" expecting {")[0].replace(" (in container '')", "")
    return first[:ERROR_MAX] or "cannot be evaluated"
