"""YAML, the schema and what is said of mistakes: whatever is written is read back as it was."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from resources_shelf import document

from tocsin.app.wiring import KINDS
from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources import yaml_text
from tocsin.kernel.resources.mistakes import mistake
from tocsin.kernel.resources.reading import plain, read
from tocsin.kernel.resources.schema import json_schema, template
from tocsin.oncall.core.config import PersonSpec, PolicySpec, ScheduleSpec
from tocsin.topology.core.config import ServiceSpec

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SPECS = {kind.name: kind for kind in KINDS}
# words that some YAML reads as something else
_WORDS = st.sampled_from(
    ["on", "No", "~", "null", "1e3", "0x10", "012", "12:30", "2026-03-30", "<<", "=", ".5", "+1",
     "- a", "a: b", "#", "", " ", "é\n\nb", "yes", "1_000", "\u2028", "'", '"', "@x", "%y", "!z"]
)  # fmt: skip
_text = st.one_of(
    _WORDS, st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))
)
_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**40), 2**40),
        st.floats(-1e6, 1e6, allow_nan=False, width=32),
        _text,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_text.filter(bool), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(specs=st.lists(st.dictionaries(_text.filter(bool), _values, max_size=4), max_size=3))
def test_what_is_written_is_read_back_as_it_was(specs: list[dict[str, Any]]) -> None:
    documents = [document("Route", f"r-{n}", spec) for n, spec in enumerate(specs)]
    found = yaml_text.parse("x.yaml", yaml_text.write(documents))
    assert [one.document for one in found] == documents


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_a_form_to_fill_in_and_a_place_in_the_schema(kind: Any) -> None:
    blank = template(kind)
    [placed] = yaml_text.parse("x.yaml", yaml_text.write([blank]))
    assert placed.document == blank
    schema = json_schema(KINDS)
    names = [one["if"]["properties"]["kind"]["const"] for one in schema["allOf"]]
    assert kind.name in names
    assert {"apiVersion", "kind", "metadata", "spec"} == set(schema["required"])
    metadata = schema["$defs"]["Metadata"]["properties"]
    assert metadata["effectiveFrom"]["anyOf"][0]["format"] == "date-time"


@pytest.mark.parametrize(
    ("spec", "kind", "path", "words"),
    [
        ({"layers": []}, ScheduleSpec, "spec.timezone", "is required"),
        ({"displayName": "A", "shoeSize": 4}, PersonSpec, "spec.shoeSize", "known: displayName"),
        ({"displayNme": "A"}, PersonSpec, "spec.displayNme", "did you mean displayName?"),
        ({"displayName": "A", "contact": [{"type": "fax"}]}, PersonSpec,
         "spec.contact[0].type", "'fax' is not known; known: "),
        ({"timezone": "UTC", "rotation": {"start": "2026-01-05T09:00", "every": "wek",
                                          "people": ["a"]}}, ScheduleSpec,
         "spec.rotation.every", "did you mean week? known: day, hour, month, week"),
        ({"steps": [{"targets": [{"persn": "a"}]}]}, PolicySpec,
         "spec.steps[0].targets[0].persn", "did you mean person?"),
        ({"steps": [{"targets": 1}]}, PolicySpec, "spec.steps[0].targets", "got `int`; write a list"),
        ({"steps": [{"targets": [{"person": "a"}], "timeout": 5}]}, PolicySpec,
         "spec.steps[0].timeout", "got `int`; write e.g. 5m"),
        ({"displayName": 42}, PersonSpec, "spec.displayName", "got `int`; put it in quotes"),
        ({"displayName": ["a"]}, PersonSpec, "spec.displayName", "got `array`; write text"),
        ({"tier": "1"}, ServiceSpec, "spec.tier", "got `str`; write a whole number, without quotes"),
        ({"displayName": "A", "active": "yes"}, PersonSpec, "spec.active", "write true or false"),
        ({"steps": [{"targets": []}]}, PolicySpec, "spec.steps[0].targets", "write at least 1 entry"),
        ({"displayName": ""}, PersonSpec, "spec.displayName", "write at least 1 character"),
        ({"displayName": "A", "contact": [{"type": "email", "address": "a"}]}, PersonSpec,
         "spec.contact[0].address", "write e.g. ada@example.org"),
        ({"timezone": "UTC", "rotation": {"start": "monday", "every": "week", "people": ["a"]}},
         ScheduleSpec, "spec.rotation.start", "write e.g. 2026-01-05T09:00"),
        ({"displayName": "A", "tier": 9}, ServiceSpec, "spec.tier", "write a number that is at most 4"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_could_stand_there(
    spec: Any, kind: Any, path: str, words: str
) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(spec, kind)
    found = mistake(caught.value, kind)
    assert found.path == path
    assert words in found.words


def test_a_spec_is_shown_as_people_would_write_it() -> None:
    written = {"displayName": "Ada", "contact": [{"type": "email", "address": "a@example.org"}]}
    assert plain(msgspec.convert(written, PersonSpec)) == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: [a\n", r"x\.yaml:2: .*; look at the quotes, brackets and indentation"),
        ("\tkind: a\n", r"x\.yaml:1: .*; indent with spaces"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line_and_where_to_look(
    text: str, words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        yaml_text.parse("x.yaml", text)


@given(word=_WORDS.filter(lambda word: not NAME.fullmatch(word)))
def test_a_name_that_is_none_is_refused_with_its_line(word: str) -> None:
    text = yaml_text.write([document("Route", "ok", {})]).replace("ok", repr(word))
    with pytest.raises(Invalid, match=r"x\.yaml:\d+"):
        yaml_text.parse("x.yaml", text)


def test_a_spec_that_is_too_large_is_refused() -> None:
    spec = {"groupBy": ["x" * 300_000]}
    with pytest.raises(Exception, match="larger than"):
        read([document("Route", "web", spec)], _SPECS)
