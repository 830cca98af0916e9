"""Which route an alert takes."""

import pytest

from tocsin.triage.core.matchers import matches
from tocsin.triage.core.routing import route_named, routes_of
from tocsin.triage.model import Matcher, MatchOp, Route, Routing


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("=", "checkout", True),
        ("=", "check", False),
        ("!=", "cart", True),
        ("!=", "checkout", False),
        ("=~", "check.*|cart", True),
        ("=~", "check", False),
        ("!~", "check", True),
        ("!~", ".*", False),
    ],
)
def test_a_matcher_speaks_of_the_whole_value(op: str, value: str, expected: bool) -> None:
    matcher = Matcher(name="service", op=MatchOp(op), value=value)
    assert matches(matcher, {"service": "checkout"}) is expected


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [("=", "", True), ("!=", "x", True), ("=~", ".*", True), ("=~", ".+", False)],
)
def test_an_absent_label_is_the_empty_string(op: str, value: str, expected: bool) -> None:
    assert matches(Matcher(name="zone", op=MatchOp(op), value=value), {}) is expected


def test_the_first_route_that_matches_wins_and_the_default_takes_the_rest() -> None:
    team = Matcher(name="team", op=MatchOp.EQUAL, value="db")
    zone = Matcher(name="zone", op=MatchOp.MATCHES, value="eu.*")
    both = Route(name="both", matchers=(team, zone))
    one = Route(name="one", matchers=(team,))
    config = Routing(routes=(both, one))
    assert routes_of({"team": "db", "zone": "eu-1"}, config) == (both,)
    assert routes_of({"team": "db", "zone": "us-1"}, config) == (one,)
    assert routes_of({"zone": "eu-1"}, config) == (config.default,)


def test_a_deleted_route_is_answered_by_the_default() -> None:
    config = Routing(routes=(Route(name="here"),))
    assert route_named("here", config).name == "here"
    assert route_named("gone", config) is config.default
