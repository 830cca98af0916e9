"""What Tocsin answers as an Alertmanager: fingerprints, listings, matchers, status."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tocsin.integrations.alertmanager.errors import HandlerError
from tocsin.integrations.alertmanager.matchers import parse_matcher, parse_receiver
from tocsin.integrations.alertmanager.wire import (
    State,
    alerts_body,
    fingerprint,
    instant,
    receivers_body,
    status_body,
    to_wire,
)
from tocsin.triage.core.matchers import matches
from tocsin.triage.model import Matcher, MatchOp

TEN = datetime(2026, 9, 1, 10, 0, 0, 123_999, tzinfo=UTC)


def test_the_fingerprint_is_prometheus_own() -> None:
    assert fingerprint({"alertname": "ok1"}) == "d7252752c04bd3c5"
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"b": "2", "a": "1"}) == fingerprint({"a": "1", "b": "2"})


def test_instants_are_utc_with_milliseconds_cut_off() -> None:
    assert instant(TEN) == "2026-09-01T10:00:00.123Z"
    assert instant(TEN.astimezone(timezone(timedelta(hours=5)))) == "2026-09-01T10:00:00.123Z"


def test_a_listing_is_sorted_and_has_every_field_its_clients_need() -> None:
    alerts = [
        to_wire(
            labels={"alertname": name},
            annotations={},
            starts_at=TEN,
            updated_at=TEN,
            ends_at=TEN,
            source_url=url,
            receivers=("default",),
            state=state,
            silenced_by=silenced_by,
        )
        for name, url, state, silenced_by in [
            ("b3", "http://x/y", State.ACTIVE, ()),
            ("ok1", "", State.SUPPRESSED, ("s-1",)),
            ("a", "", State.UNPROCESSED, ()),
        ]
    ]
    listed = json.loads(alerts_body(alerts))
    assert [one["fingerprint"] for one in listed] == sorted(
        one["fingerprint"] for one in listed
    )
    by_name = {one["labels"]["alertname"]: one for one in listed}
    assert by_name["ok1"] == {
        "annotations": {},
        "endsAt": "2026-09-01T10:00:00.123Z",
        "fingerprint": "d7252752c04bd3c5",
        "receivers": [{"name": "default"}],
        "startsAt": "2026-09-01T10:00:00.123Z",
        "status": {
            "state": "suppressed",
            "silencedBy": ["s-1"],
            "inhibitedBy": [],
            "mutedBy": [],
        },
        "updatedAt": "2026-09-01T10:00:00.123Z",
        "labels": {"alertname": "ok1"},
    }
    assert by_name["b3"]["generatorURL"] == "http://x/y"


def test_the_status_carries_a_configuration_that_a_strict_reader_accepts() -> None:
    answer = json.loads(
        status_body(started_at=TEN, receivers=("default", 'a "b"'), group_by=("service", "ä"))
    )
    original = yaml.safe_load(answer["config"]["original"])
    assert original["route"]["receiver"] == "default"
    assert original["route"]["group_by"] == ["service", "ä"]
    assert [one["name"] for one in original["receivers"]] == ["default", 'a "b"']
    assert answer["cluster"] == {"status": "disabled", "peers": []}
    assert answer["uptime"] == "2026-09-01T10:00:00.123Z"
    assert json.loads(receivers_body(["a"])) == [{"name": "a"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a="b"', Matcher(name="a", op=MatchOp.EQUAL, value="b")),
        (" a = b ", Matcher(name="a", op=MatchOp.EQUAL, value="b")),
        ("a!=b", Matcher(name="a", op=MatchOp.NOT_EQUAL, value="b")),
        ('a=~"b|c"', Matcher(name="a", op=MatchOp.MATCHES, value="b|c")),
        ("a!~b.*", Matcher(name="a", op=MatchOp.NOT_MATCHES, value="b.*")),
        ("a=", Matcher(name="a", op=MatchOp.EQUAL, value="")),
        (r'a="x\"y\\z\n\q"', Matcher(name="a", op=MatchOp.EQUAL, value='x"y\\z\n\\q')),
        (r'a="x\\n"', Matcher(name="a", op=MatchOp.EQUAL, value=r"x\n")),
        (
            r'"my name"="x\u00e9\x41\101\t"',
            Matcher(name="my name", op=MatchOp.EQUAL, value="xéAA\t"),
        ),
        ("größe=5", Matcher(name="größe", op=MatchOp.EQUAL, value="5")),
        ('"a.b"=~"c"', Matcher(name="a.b", op=MatchOp.MATCHES, value="c")),
    ],
)
def test_old_and_new_matchers_are_read(text: str, expected: Matcher) -> None:
    assert parse_matcher(text) == expected


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("{bad", "bad matcher format: {bad"),
        ("", "bad matcher format: "),
        ('{a="b"}', 'bad matcher format: {a="b"}'),
        ('a="b"c"', 'matcher value contains unescaped double quote: "b"c"'),
        ('a="b', 'matcher value contains unescaped double quote: "b'),
        ('a=~"["', "error parsing regexp: missing closing ]: `[)$`"),
        ('""="b"', 'bad matcher format: ""="b"'),
        (r'"a b"="\400"', r'bad matcher format: "a b"="\400"'),
        ("a=~" + "x" * 1025, "error parsing regexp: longer than 1024 bytes"),
    ],
)
def test_a_bad_matcher_is_refused_in_upstreams_words(text: str, answer: str) -> None:
    with pytest.raises(HandlerError) as caught:
        parse_matcher(text)
    assert caught.value.message == answer
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ('foo=""', True),
        ('foo!="x"', True),
        ('foo=~".*"', True),
        ('foo!=""', False),
        ("a=~b", False),
        ("a=~b.*", True),
        ("a!~b", True),
        ("a=bc", True),
    ],
)
def test_an_absent_label_is_empty_and_expressions_are_anchored(text: str, does: bool) -> None:
    assert matches(parse_matcher(text), {"a": "bc"}) is does


def test_a_hostile_expression_costs_no_more_than_a_plain_one() -> None:
    assert not matches(parse_matcher("a=~(a+)+$(.*.*.*.*)*x"), {"a": "a" * 4096})


def test_a_bad_receiver_expression_names_the_parameter() -> None:
    assert parse_receiver("d.*").fullmatch("default")
    with pytest.raises(
        HandlerError, match="failed to parse receiver param: error parsing regexp"
    ):
        parse_receiver("[")


@given(st.text(max_size=40))
def test_no_text_breaks_the_matcher(text: str) -> None:
    try:
        matches(parse_matcher(text), {"a": text})
    except HandlerError as error:
        json.loads(error.body)
