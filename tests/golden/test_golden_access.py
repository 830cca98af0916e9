"""Who may do what: every verb and every role, as a table."""

from collections.abc import Callable

from tocsin.kernel.access import VERBS, Role, decide


def test_who_may_do_what_is_as_agreed(golden: Callable[[str, str], None]) -> None:
    width = max(map(len, VERBS))
    lines = ["  ".join([" " * width, *Role])]
    for verb in VERBS:
        marks = [("✔" if decide(role, verb) else "✘").ljust(len(role)) for role in Role]
        lines.append("  ".join([verb.ljust(width), *marks]).rstrip())
    golden("permissions.txt", "\n".join(lines) + "\n")
