"""A field that begins or ends is told value by value, as people read YAML."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.resources.differences import leaves
from tocsin.kernel.resources.model import FieldChange

_words = st.text("abc", min_size=1, max_size=3)
_scalars = st.booleans() | st.integers() | _words
_values = st.recursive(
    _scalars | st.lists(_scalars, min_size=1, max_size=3),
    lambda inner: (
        st.dictionaries(_words, inner, min_size=1, max_size=3)
        | st.lists(st.dictionaries(_words, inner, min_size=1, max_size=2), min_size=1, max_size=3)
    ),
    max_leaves=12,
)  # fmt: skip


def found(value: Any) -> list[tuple[str, Any]]:
    change = FieldChange(path="spec.rotation", after=value)
    return [(one.path, one.after) for one in leaves(change)]


def test_a_table_in_a_table_is_a_line_for_each_value() -> None:
    value = {"start": "2026-01-05T09:00", "people": ["maya", "jonas"], "shifts": [{"day": 1}]}
    assert found(value) == [
        ("spec.rotation.start", "2026-01-05T09:00"),
        ("spec.rotation.people", ["maya", "jonas"]),
        ("spec.rotation.shifts[0].day", 1),
    ]


@given(_values)
def test_every_value_is_told_once_and_none_is_a_table(value: Any) -> None:
    told = found(value)
    assert len({path for path, _ in told}) == len(told)
    assert told
    for path, one in told:
        assert not isinstance(one, dict)
        assert not (isinstance(one, list) and isinstance(one[0], dict))
        assert at(value, path.removeprefix("spec.rotation")) == one


def at(value: Any, path: str) -> Any:
    for step in path.replace("[", ".[").split(".")[1:]:
        value = value[int(step[1:-1])] if step.startswith("[") else value[step]
    return value


def test_what_ends_is_told_so_and_what_changes_or_is_secret_stays_one_line() -> None:
    [one] = leaves(FieldChange(path="spec.a", before={"b": 1}))
    assert (one.path, one.before, one.after) == ("spec.a.b", 1, None)
    for change in (
        FieldChange(path="spec.a", before=[1], after={"b": 1}),
        FieldChange(path="spec.a", after={"b": 1}, secret=True),
        FieldChange(path="spec.a", private=True),
    ):
        assert list(leaves(change)) == [change]
