"""Routes: both grammars of matchers, going on, repeating, and trying without doing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triage_world import Pond, observed

from tocsin.kernel.errors import Invalid
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.config import RouteSpec, compile_routing
from tocsin.triage.core.grouping import place
from tocsin.triage.core.lifecycle import repeat_due, repeat_later
from tocsin.triage.core.matchers import matches, parse_matcher, spell
from tocsin.triage.core.outcomes import GroupReached, GroupStillFires
from tocsin.triage.core.routing import routes_of
from tocsin.triage.core.trying import try_labels
from tocsin.triage.model import Matcher, MatchOp, Route, Routing

_names = st.sampled_from(["team", "zone", "my label", "größe", 'quo"te'])
_values = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=6)
_patterns = st.sampled_from(["a.*", "b|c", "", ".+", "[a-c]{1,2}", "(?i)EU.*"])
_labels = st.dictionaries(_names, _values | st.sampled_from(["a", "b", "eu-1"]), max_size=4)


def routing(**specs: RouteSpec) -> Routing:
    return compile_routing(
        Resources(Resource(None, "Route", name, spec) for name, spec in specs.items())
    )


@given(st.dictionaries(_names, _values, max_size=3), _labels)
def test_match_says_what_matchers_say(match: dict[str, str], labels: dict[str, str]) -> None:
    matchers = [spell(Matcher(name=n, op=MatchOp.EQUAL, value=v)) for n, v in match.items()]
    old = routing(old=RouteSpec(match=match))
    new = routing(old=RouteSpec(matchers=tuple(matchers)))
    assert routes_of(labels, old)[0].name == routes_of(labels, new)[0].name
    assert old == new


@given(st.dictionaries(_names, _patterns, max_size=3), _labels)
def test_match_re_says_what_matchers_say(match: dict[str, str], labels: dict[str, str]) -> None:
    matchers = [spell(Matcher(name=n, op=MatchOp.MATCHES, value=v)) for n, v in match.items()]
    old = routing(old=RouteSpec(match_re=match))
    new = routing(old=RouteSpec(matchers=tuple(matchers)))
    assert routes_of(labels, old)[0].name == routes_of(labels, new)[0].name
    assert old == new


@given(_names, st.sampled_from(MatchOp), _patterns | _values, _labels)
def test_a_matcher_is_read_back_as_it_is_spelled(
    name: str, op: MatchOp, value: str, labels: dict[str, str]
) -> None:
    matcher = Matcher(name=name, op=op, value=value)
    try:
        found = parse_matcher(spell(matcher))
    except ValueError:
        assert op in (MatchOp.MATCHES, MatchOp.NOT_MATCHES)  # the value is no expression
        return
    assert found == matcher
    assert matches(found, labels) is matches(matcher, labels)


@given(_labels, st.lists(st.tuples(_names, _patterns, st.booleans()), max_size=5))
def test_a_trial_takes_the_routes_that_an_alert_takes(
    labels: dict[str, str], wanted: list[tuple[str, str, bool]]
) -> None:
    config = Routing(
        routes=tuple(
            Route(
                name=f"r{at}",
                matchers=(Matcher(name=name, op=MatchOp.MATCHES, value=pattern),),
                goes_on=goes_on,
                policy=f"p{at}",
            )
            for at, (name, pattern, goes_on) in enumerate(wanted)
        )
    )
    trial = try_labels(labels, config)
    taken = tuple(one.name for one in trial.routes if one.taken)
    assert taken == tuple(one.name for one in routes_of(labels, config))
    assert all(one.asked for one in trial.routes if one.taken)
    assert trial.placement == place(labels, config)


def test_a_route_that_goes_on_adds_its_policy_and_the_first_decides_the_group() -> None:
    config = routing(
        a=RouteSpec(
            order=1, matchers=('team="db"',), continue_=True, policy="dba", group_by=("team",)
        ),
        b=RouteSpec(order=2, policy="everyone", group_by=("zone",)),
        c=RouteSpec(order=3, policy="never"),
    )
    placed = place({"team": "db", "zone": "eu"}, config)
    assert placed.routes == ("a", "b")
    assert placed.policies == ("dba", "everyone")
    assert placed.labels == {"team": "db"}
    assert place({"zone": "eu"}, config).policies == ("everyone",)


def test_each_route_says_whether_its_own_policy_is_called() -> None:
    config = routing(
        a=RouteSpec(order=1, continue_=True, policy="chatty", urgency=Urgency.LOW),
        b=RouteSpec(order=2, policy="pager"),
    )
    urgent = place({"severity": "critical"}, config)
    assert (urgent.urgency, urgent.policies) == (Urgency.HIGH, ("pager",))
    calm = place({"severity": "info"}, config)
    assert (calm.urgency, calm.policies) == (Urgency.LOW, ())


def test_a_group_pages_a_further_policy_when_an_alert_brings_one() -> None:
    config = routing(
        a=RouteSpec(order=1, continue_=True, policy="first", group_by=("service",)),
        b=RouteSpec(order=2, matchers=('severity="critical"',), policy="second"),
    )
    pond = Pond(config)
    pond.sort([observed("Slow", severity="error")])
    assert pond.group().paged_policies == ("first",)
    pond.sort([observed("Down", severity="critical")])
    assert pond.group().paged_policies == ("first", "second")
    assert [o.policies for o in pond.outcomes if isinstance(o, GroupReached)] == [("second",)]
    pond.sort([observed("Down2", severity="critical")])
    assert len([o for o in pond.outcomes if isinstance(o, GroupReached)]) == 1


def test_what_still_fires_is_told_again_after_the_repeat_interval() -> None:
    pond = Pond(routing(default=RouteSpec(repeat_interval="1h")))
    pond.sort([observed("Down", lasts_s=9_000)])
    group = pond.group()
    assert group.repeat_at is not None
    early = repeat_due(group, pond.config, pond.now)
    assert early == (group, None)
    pond.forward(3600)
    after, outcome = repeat_due(group, pond.config, pond.now)
    assert outcome == GroupStillFires(after)
    assert after.repeat_at is not None
    assert (after.repeat_at - pond.now).total_seconds() == 3600


def test_a_repeat_counts_from_the_acknowledgement() -> None:
    pond = Pond(routing(default=RouteSpec(repeat_interval="1h")))
    pond.sort([observed("Down", lasts_s=9_000)])
    pond.forward(3000)
    later = repeat_later(pond.group(), pond.config, pond.now)
    pond.forward(600)
    assert repeat_due(later, pond.config, pond.now) == (later, None)


def test_what_has_cleared_or_can_wait_is_never_repeated() -> None:
    pond = Pond(routing(default=RouteSpec(repeat_interval="1h")))
    pond.sort([observed("Slow", severity="info")])
    assert pond.group().repeat_at is None
    pond.sort([observed("Down", severity="critical", service="cart")])
    pond.forward(60)
    pond.sort(
        [pond.moved(observed("Down", severity="critical", service="cart", resolved=True))]
    )
    assert all(group.repeat_at is None for group in pond.groups.values())


@pytest.mark.parametrize(
    ("name", "spec", "says"),
    [
        ("r", RouteSpec(matchers=("severity",)), "matchers\\[0\\]: bad matcher format"),
        ("r", RouteSpec(matchers=('a=~"["',)), "error parsing regexp"),
        ("r", RouteSpec(match_re={"a": "("}), "matchRe.a: not a pattern"),
        ("default", RouteSpec(matchers=('a="b"',)), "default route matches everything"),
        ("default", RouteSpec(continue_=True), "default route is the last"),
        ("r", RouteSpec(repeat_interval="5s"), "repeatInterval: at least 60s"),
    ],
)
def test_a_route_that_cannot_be_meant_is_refused(name: str, spec: RouteSpec, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        routing(**{name: spec})
