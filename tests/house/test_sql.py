"""A context's SQL names its own schema and stands where the style wants it."""

import re
from collections.abc import Iterator

from house_source import CONTEXTS, Module, modules, strings

STATEMENT = re.compile(
    r"^\s*(--.*\n\s*)*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|LOCK|TRUNCATE|CREATE|ALTER|DROP)\s"
)
TABLE = re.compile(rf"(?<![\w.])({'|'.join((*CONTEXTS, 'kernel'))})\.[a-z_]+")
# of a statement that is put together, also the part that names the table
PART = re.compile(rf"\b(FROM|JOIN|INTO|UPDATE|LOCK|COPY|TABLE)\s+{TABLE.pattern}")


def _statements() -> Iterator[tuple[Module, int, str]]:
    for module in modules():
        for line, text in strings(module.tree):
            if STATEMENT.match(text) or PART.search(text):
                yield module, line, text


def test_sql_names_only_the_schema_of_its_own_context() -> None:
    trespasses = [
        f"{module.name}:{line} names {found.group()}"
        for module, line, text in _statements()
        for found in TABLE.finditer(text)
        if found.group(1) != (module.context or "kernel")
    ]
    assert not trespasses, "\n".join(trespasses)


def test_a_context_has_its_sql_in_store_and_reads_alone() -> None:
    stray = [
        f"{module.name}:{line}"
        for module, line, _ in _statements()
        if module.context is not None and module.role not in {"store", "reads"}
    ]
    assert not stray, "SQL outside store and reads:\n" + "\n".join(stray)
