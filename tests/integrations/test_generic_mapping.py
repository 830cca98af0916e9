"""JSON webhooks: recorded payloads against goldens, and what holds for any payload at all."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.integrations import cel
from tocsin.integrations.cel import CelError, Program
from tocsin.integrations.generic.api import GenericWebhook
from tocsin.integrations.generic.evaluate import Unmappable, items
from tocsin.integrations.generic.mapping import Mappings, compiled
from tocsin.kernel.errors import Invalid
from tocsin.signals.core.config import IntegrationSpec, MappingSpec
from tocsin.signals.model import IntegrationType

FIXTURES = Path(__file__).parent / "generic"
CASES = sorted(p for p in FIXTURES.glob("*.json") if not p.name.endswith(".expected.json"))
NOW = datetime(2026, 9, 1, 10, tzinfo=UTC)
HOOK = GenericWebhook(lambda: Mappings({}, {}), {})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
expressions = st.sampled_from(
    (
        "", "item", "item.a", "event.a", "item[0]", "[item, event]", "{'a': item}", "true",
        "'x'", "1", "1.5", "timestamp('2026-01-01T00:00:00Z')", "duration('1h')", "b'x'", "null",
        "size(item)", "string(item)", "item.a.b", "type(item)", "{1: 2}", "1/0", "item == event",
    )
)  # fmt: skip
specs = st.builds(
    MappingSpec, items=st.sampled_from(("", "event", "event.a", "[event]")),
    dedup_key=expressions, firing=expressions, labels=expressions, annotations=expressions,
    summary=expressions, severity=expressions, starts_at=expressions, source_url=expressions,
)  # fmt: skip


def attempt(mapping: object, payload: bytes) -> object:
    spec = msgspec.convert({"type": "webhook", "mapping": mapping}, IntegrationSpec)
    return json.loads(msgspec.json.encode(HOOK.attempt(spec, payload, NOW)))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_recorded_payload_is_mapped_as_expected(path: Path) -> None:
    case = json.loads(path.read_text())
    found = attempt(case["mapping"], json.dumps(case["payload"]).encode())
    assert found == json.loads(path.with_suffix(".expected.json").read_text())


@given(specs, json_values)
@settings(max_examples=400)
def test_any_mapping_over_any_payload_gives_signals_or_reasons(
    spec: MappingSpec, payload: object
) -> None:
    found = HOOK.attempt(
        msgspec.convert(
            {"type": "webhook", "mapping": msgspec.to_builtins(spec)}, IntegrationSpec
        ),
        json.dumps(payload).encode(),
        NOW,
    )
    assert not (found.signals and found.mistakes)
    for one in found.mistakes:
        assert one.field
        assert one.error
        assert "\n" not in one.error
    for signal in found.signals:
        assert signal.labels
        assert all(isinstance(v, str) and v and "\0" not in v for v in signal.labels.values())
        assert signal.starts_at <= NOW


@given(st.binary(max_size=40))
def test_any_bytes_have_an_answer(body: bytes) -> None:
    attempt({"labels": {"a": "string(item)"}}, body)


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_is_refused_on_one_line(source: str) -> None:
    said = "fine"
    try:
        Program(source)
    except CelError as error:
        said = str(error)
    assert said
    assert "\n" not in said


@given(st.lists(st.text(min_size=1, max_size=5), max_size=20), st.integers(1, 16))
def test_every_signal_is_in_one_slice_of_its_own_lane(names: list[str], lanes: int) -> None:
    hook = GenericWebhook(
        lambda: Mappings({"x": compiled(MappingSpec(labels={"n": "item"}))}, {"x": None}), {}
    )
    try:
        kept = hook.map(json.dumps(names).encode(), integration="x", lanes=lanes)
    except Invalid:
        assert any(not name.strip() for name in names)
        return
    assert sum(part.count for part in kept) == len(names)
    assert len({part.lane for part in kept}) == len(kept)
    lane_of = {}
    for part in kept:
        found = hook.read(part.body, NOW)
        assert len(found) == part.count
        for signal in found:
            assert lane_of.setdefault(signal.dedup_key, part.lane) == part.lane


@pytest.mark.parametrize(
    "payload",
    [
        {"a": list(range(1001))},
        {"a": [[0] * 900] * 30},
        {"a": "x" * 70_000},
        {"a": 2**70},
        json.loads("[" * 40 + "]" * 40),
    ],
    ids=["long", "many", "text", "number", "deep"],
)
def test_a_payload_beyond_the_limits_is_refused_before_anything_is_evaluated(
    payload: object,
) -> None:
    with pytest.raises(Unmappable, match="payload"):
        items(compiled(MappingSpec(labels={"a": "'x'"})), payload)


def test_a_hostile_payload_holds_the_process_no_longer_than_the_budget() -> None:
    costly = "event.x.map(a, a).map(a, a).filter(a, a > 0).size() > 0 ? 'y' : 'n'"
    mapping = compiled(MappingSpec(items="event.x", labels={f"l{n}": costly for n in range(8)}))
    begun = time.monotonic()
    with pytest.raises(Unmappable, match=r"takes longer|Iteration"):
        items(mapping, {"x": list(range(500))})
    assert time.monotonic() - begun < 3  # the budget is 0.25 s; machines stall
    assert cel.measure({"x": list(range(500))}) is None


def test_too_many_items_are_refused() -> None:
    with pytest.raises(Unmappable, match="at most 500"):
        items(compiled(MappingSpec(labels={"a": "'x'"})), [1] * 501)


def test_what_resolves_by_itself_ends_when_it_is_not_heard_of() -> None:
    spec = IntegrationSpec(
        type=IntegrationType.WEBHOOK,
        mapping=MappingSpec(labels={"a": "item"}),
        resolve_after="1h",
    )
    (signal,) = HOOK.attempt(spec, b'["x"]', NOW).signals
    assert (signal.ends_at - NOW).total_seconds() == 3600
    assert signal.ends_by_timeout


@pytest.mark.parametrize("between", ["", " ", "\n", "// a comment\n", " // one\n // two\n "])
def test_a_comment_hides_no_macro_from_the_limit(between: str) -> None:
    few = "".join(f".{between}map{between}(x{n}, x{n})" for n in range(cel.MACROS_MAX))
    assert Program(f"event{few}").value(cel.scope(event=[1], item=1)) == [1]
    with pytest.raises(CelError, match="more than 4"):
        Program(f"event{few}.{between}map{between}(y, y)")
