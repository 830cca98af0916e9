"""Which fields of a resource differ, each by its path."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from tocsin.kernel.resources.model import Current, FieldChange, Kind, Scheduled
from tocsin.kernel.resources.reading import plain, typed
from tocsin.kernel.resources.secret import hidden, shown

MANAGED_BY = "managedBy"


def changed_fields(
    before: Current | Scheduled | None, after: Current | Scheduled | None, kind: Kind
) -> Iterator[FieldChange]:
    """Return each field that differs; of what begins or ends, those that are not default."""
    if before is not None and after is not None:
        old, new = {**before.spec, **before.private}, {**after.spec, **after.private}
    else:
        old = plain(typed(kind, before)) if before else {}
        new = plain(typed(kind, after)) if after else {}
    old, new = hidden(kind, old), hidden(kind, new)
    for name in dict.fromkeys((*old, *new)):
        for one in differences(old.get(name), new.get(name), f"spec.{name}"):
            yield replace(shown(one), private=name in kind.private)
    if before is not None and after is not None and before.managed_by != after.managed_by:
        yield FieldChange(path=MANAGED_BY, before=before.managed_by, after=after.managed_by)


def differences(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    """Return what differs between two JSON values; lists of tables are compared row by row."""
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}")
    elif _is_table(before) and _is_table(after):
        for n in range(max(len(before), len(after))):
            old = before[n] if n < len(before) else None
            new = after[n] if n < len(after) else None
            yield from differences(old, new, f"{path}[{n}]")
    else:
        yield FieldChange(path=path, before=before, after=after)


def leaves(change: FieldChange) -> Iterator[FieldChange]:
    """Return a field that begins or ends as one for each value in it, as people read YAML."""
    if change.secret or (change.before is None) == (change.after is None):
        yield change
        return
    begins = change.before is None
    for path, value in _values(change.after if begins else change.before, change.path):
        before, after = (None, value) if begins else (value, None)
        yield replace(change, path=path, before=before, after=after)


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _values(one, f"{path}.{name}")
    elif value and _is_table(value):
        for n, one in enumerate(value):
            yield from _values(one, f"{path}[{n}]")
    elif value is not None:
        yield path, value


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)
