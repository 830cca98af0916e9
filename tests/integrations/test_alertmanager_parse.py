"""Alertmanager's POST: recorded bodies against goldens, and the properties of the cut."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.integrations.alertmanager.errors import FrameworkError, HandlerError, refused
from tocsin.integrations.alertmanager.parse import dedup_key, read, split
from tocsin.signals.model import Unreadable

FIXTURES = Path(__file__).parent / "alertmanager"
RECEIVED_AT = datetime(2026, 9, 1, 10, tzinfo=UTC)
BODIES = sorted(p for p in FIXTURES.glob("*.json") if not p.name.endswith(".expected.json"))

names = st.text(min_size=1, max_size=12)
labels = st.dictionaries(names, st.text(max_size=30), max_size=8)


def story(body: bytes) -> object:
    """All that happens to one body, from the door to the signals, in a form to compare."""
    try:
        cut = split(body, lanes=1)
    except Unreadable as unreadable:
        return {"status": unreadable.status, "answer": unreadable.body.decode()}
    answer = refused(cut.refusals) if cut.refusals else None
    signals = [signal for piece in cut.accepted for signal in read(piece.body, RECEIVED_AT)]
    return {
        "status": answer.status if answer else 200,
        "answer": answer.body.decode() if answer else "",
        "signals": [
            {**msgspec.to_builtins(signal), "dedup_key": signal.dedup_key.hex()}
            for signal in signals
        ],
    }


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_a_recorded_body_is_read_as_expected(path: Path) -> None:
    expected = path.with_suffix(".expected.json")
    assert story(path.read_bytes()) == json.loads(expected.read_text())


def test_the_dedup_key_never_drifts() -> None:
    found = dedup_key({"severity": "page", "alertname": "Ünïcode"})
    assert found.hex() == "cdfa6508bde330b95ef88d7be31298a7"
    assert found == dedup_key({"alertname": "Ünïcode", "severity": "page"})


@given(st.lists(labels, max_size=20), st.integers(1, 16))
def test_every_good_alert_is_in_exactly_one_slice_of_its_own_lane(
    sets: list[dict[str, str]], lanes: int
) -> None:
    body = msgspec.json.encode([{"labels": pairs} for pairs in sets])
    cut = split(body, lanes=lanes)
    good = [{k: v for k, v in pairs.items() if v} for pairs in sets]
    good = [pairs for pairs in good if pairs]
    assert len(cut.refusals) == len(sets) - len(good)
    assert len({piece.lane for piece in cut.accepted}) == len(cut.accepted)
    found = []
    for piece in cut.accepted:
        signals = read(piece.body, RECEIVED_AT)
        assert len(signals) == piece.count
        for signal in signals:
            (alone,) = split(
                msgspec.json.encode([{"labels": signal.labels}]), lanes=lanes
            ).accepted
            assert alone.lane == piece.lane
            found.append(signal.labels)
    wanted = [
        {k.replace("\0", "\ufffd"): v.replace("\0", "\ufffd") for k, v in p.items()}
        for p in good
    ]
    assert sorted(map(str, map(sorted, map(dict.items, found)))) == sorted(
        map(str, map(sorted, map(dict.items, wanted)))
    )


@given(st.binary(max_size=200))
def test_no_body_breaks_the_door(body: bytes) -> None:
    try:
        cut = split(body, lanes=4)
    except Unreadable as unreadable:
        json.loads(unreadable.body)
    else:
        assert all(read(piece.body, RECEIVED_AT) for piece in cut.accepted)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["labels", "Labels", "startsAt", "endsAt", "a"]), inner
            )
        ),
        max_leaves=10,
    )
)
def test_no_json_breaks_the_door(value: object) -> None:
    try:
        cut = split(json.dumps(value).encode(), lanes=4)
    except FrameworkError as error:
        json.loads(error.body)
    else:
        assert all(read(piece.body, RECEIVED_AT) for piece in cut.accepted)


def test_fire_and_resolve_of_one_alert_share_a_lane_in_order() -> None:
    body = (FIXTURES / "prometheus.json").read_bytes()
    (first, *_) = json.loads(body)
    many = [{**first, "annotations": {"n": str(n)}} for n in range(50)]
    (only,) = split(json.dumps(many).encode(), lanes=16).accepted
    assert [s.annotations["n"] for s in read(only.body, RECEIVED_AT)] == [
        str(n) for n in range(50)
    ]


def test_too_many_labels_and_too_long_values_are_refused_beside_the_good() -> None:
    alerts = [
        {"labels": {f"l{n}": "x" for n in range(64)}},
        {"labels": {f"l{n}": "x" for n in range(65)}},
        {"labels": {"a": "x" * 4096}},
        {"labels": {"a": "ü" * 2049}},
        {"labels": {"a": "x"}, "annotations": {"summary": "x" * 4097}},
    ]
    cut = split(json.dumps(alerts, ensure_ascii=False).encode(), lanes=1)
    assert sum(piece.count for piece in cut.accepted) == 2
    assert cut.refusals == (
        "65 labels, the limit is 64",
        'label "a" is longer than 4096 bytes',
        'annotation "summary" is longer than 4096 bytes',
    )


def test_classic_names_can_be_asked_for() -> None:
    body = b'[{"labels":{"bad-name":"x"}},{"labels":{"good_1":"x"}}]'
    assert split(body, lanes=1).refusals == ()
    cut = split(body, lanes=1, classic_names=True)
    assert cut.refusals == ('invalid label set: invalid name "bad-name"',)
    assert cut.accepted[0].count == 1


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    with pytest.raises(FrameworkError):
        split(b'[{"labels":' + b"[" * 100_000, lanes=1)


def test_the_two_shapes_of_errors_differ() -> None:
    assert HandlerError(400, "a; b").body == b'"a; b"\n'
    assert FrameworkError(422, 602, "x").body == b'{"code":602,"message":"x"}'
