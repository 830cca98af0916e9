"""PagerDuty's events: recorded bodies against goldens, and what holds for any body at all."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.integrations.pagerduty.api import PagerdutyApi
from tocsin.signals.model import FOR_EVER, Unreadable

FIXTURES = Path(__file__).parent / "pagerduty"
BODIES = sorted(p for p in FIXTURES.glob("*.json") if not p.name.endswith(".expected.json"))
RECEIVED_AT = datetime(2026, 9, 1, 10, tzinfo=UTC)
API = PagerdutyApi()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
fields = st.sampled_from(
    ("routing_key", "event_action", "dedup_key", "payload", "links", "images", "client", "client_url")
)  # fmt: skip
inner_fields = st.sampled_from(
    (
        "summary",
        "source",
        "severity",
        "timestamp",
        "component",
        "group",
        "class",
        "custom_details",
    )
)
words = st.sampled_from(("trigger", "acknowledge", "resolve", "critical", "info", "2026-01-01"))
payloads = st.dictionaries(inner_fields, words | json_values, max_size=8)
bodies = st.dictionaries(fields, words | payloads | json_values, max_size=8)


def story(body: bytes) -> object:
    try:
        kept, answer = API.event(API.load(body), integration="pd", lanes=1)
    except Unreadable as refused:
        return {"status": refused.status, "answer": json.loads(refused.body)}
    assert b"secret" not in kept.body
    return {
        "status": 202,
        "answer": json.loads(answer),
        "signals": [
            {**msgspec.to_builtins(one), "dedup_key": one.dedup_key.hex()}
            for one in API.read(kept.body, RECEIVED_AT)
        ],
    }


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_a_recorded_event_is_read_as_expected(path: Path) -> None:
    assert story(path.read_bytes()) == json.loads(
        path.with_suffix(".expected.json").read_text()
    )


@given(bodies)
def test_any_object_is_kept_or_refused_in_pagerdutys_words(body: dict[str, Any]) -> None:
    found = story(json.dumps(body).encode())
    assert isinstance(found, dict)
    if found["status"] == 202:
        assert set(found["answer"]) == {"status", "message", "dedup_key"}
        (signal,) = found["signals"]
        assert all(signal["labels"].values())
        assert "\0" not in json.dumps(signal)
    else:
        assert found["status"] == 400
        assert found["answer"]["errors"]


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_have_an_answer(body: bytes) -> None:
    assert isinstance(story(body), dict)


@given(st.text(min_size=1, max_size=255).filter(str.strip), st.integers(1, 16))
def test_all_events_of_a_key_share_a_lane_and_an_identity_within_their_integration(
    key: str, lanes: int
) -> None:
    found = []
    for action in ("trigger", "acknowledge", "resolve"):
        event = {
            "event_action": action, "dedup_key": key,
            "payload": {"summary": "s", "source": "s", "severity": "info"},
        }  # fmt: skip
        kept, _ = API.event(event, integration="pd", lanes=lanes)
        (signal,) = API.read(kept.body, RECEIVED_AT)
        found.append((kept.lane, signal.dedup_key))
        other, _ = API.event(event, integration="other", lanes=lanes)
        assert API.read(other.body, RECEIVED_AT)[0].dedup_key != signal.dedup_key
    assert len(set(found)) == 1


def test_a_trigger_without_a_key_gets_one_and_fires_until_it_is_resolved() -> None:
    event = {
        "event_action": "trigger",
        "payload": {"summary": "s", "source": "s", "severity": "info"},
    }
    kept, answer = API.event(event, integration="pd", lanes=16)
    key = json.loads(answer)["dedup_key"]
    assert len(key) == 32
    assert API.read(kept.body, RECEIVED_AT)[0].ends_at == FOR_EVER


def test_a_change_without_a_time_sent_again_is_the_same_change() -> None:
    change = {"payload": {"summary": "Deploy", "custom_details": {"n": 1}}}
    first, second, later = (
        API.change(change, integration="ci", service="", now=RECEIVED_AT.replace(minute=minute))
        for minute in (1, 3, 50)
    )
    assert first.digest == second.digest
    assert later.digest != first.digest


@given(payloads, json_values)
def test_any_change_is_kept_or_refused(payload: dict[str, Any], links: object) -> None:
    body = json.dumps({"payload": payload, "links": links}).encode()
    if not isinstance(payload.get("summary"), str) or not payload["summary"].strip():
        payload["summary"] = "Deploy"
        body = json.dumps({"payload": payload, "links": links}).encode()
    try:
        change = API.change(API.load(body), integration="ci", service="x", now=RECEIVED_AT)
    except Unreadable:
        assert any(isinstance(payload.get(n), bool | list | dict) for n in ("source",))
        return
    assert change.summary
    assert change.at <= RECEIVED_AT
    assert "\0" not in json.dumps(msgspec.to_builtins(change.details))
