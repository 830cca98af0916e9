"""Which alerts are told together, under which key, how urgently."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.grouping import ALL_LABELS, group_key, group_labels, place, placer
from tocsin.triage.core.urgency import score
from tocsin.triage.model import Matcher, MatchOp, Route, Routing

names = st.sampled_from(["alertname", "service", "severity", "zone", "pod", "a"])
label_sets = st.dictionaries(names, st.text(min_size=1, max_size=5), min_size=1)
DEFAULT = Route(name="default")


def test_alerts_group_by_service_else_by_name_else_by_all_they_have() -> None:
    assert group_labels({"alertname": "A", "service": "s", "pod": "p"}, DEFAULT) == {
        "service": "s"
    }
    assert group_labels({"alertname": "A", "pod": "p"}, DEFAULT) == {"alertname": "A"}
    assert group_labels({"pod": "p", "zone": "z"}, DEFAULT) == {"pod": "p", "zone": "z"}


def test_three_dots_group_by_all_labels_and_nothing_makes_one_group() -> None:
    labels = {"service": "s", "pod": "p"}
    each = Route(name="each", group_by=(ALL_LABELS,))
    one = Route(name="one", group_by=())
    assert group_labels(labels, each) == labels
    assert group_labels(labels, one) == {}
    assert place(labels, Routing(default=one)).reasons[1] == "group: all of the route"


@given(label_sets, label_sets)
def test_two_keys_are_equal_only_for_equal_labels(
    one: dict[str, str], other: dict[str, str]
) -> None:
    shuffled = dict(reversed(one.items()))
    assert group_key("r", one) == group_key("r", shuffled)
    assert (group_key("r", one) == group_key("r", other)) == (one == other)
    assert group_key("r", one) != group_key("s", one)


@given(st.text(min_size=600, max_size=5_000))
def test_a_key_stays_short_enough_to_be_indexed(value: str) -> None:
    key = group_key("default", {"service": value})
    assert len(key) <= 500
    assert key != group_key("default", {"service": value + "x"})


@given(st.lists(label_sets, max_size=20))
def test_a_placer_that_remembers_answers_like_one_that_does_not(
    batch: list[dict[str, str]],
) -> None:
    zone = Matcher(name="zone", op=MatchOp.MATCHES, value="[a-m]*")
    pod = Matcher(name="pod", op=MatchOp.EQUAL, value="")
    config = Routing(
        routes=(
            Route(name="zoned", matchers=(zone, pod), group_by=("a", "zone")),
            Route(name="each", matchers=(zone,), group_by=(ALL_LABELS,)),
        )
    )
    placed = placer(config)
    assert [placed(labels) for labels in batch] == [place(labels, config) for labels in batch]


def test_the_route_beats_the_severity_label_and_silence_is_urgent() -> None:
    quiet = Route(name="quiet", urgency=Urgency.LOW)
    assert score(quiet, {"severity": "critical"}) == (
        Urgency.LOW,
        "score: low, by route quiet",
    )
    assert score(DEFAULT, {"severity": "Warning"}) == (
        Urgency.LOW,
        "score: low, severity=Warning",
    )
    assert score(DEFAULT, {}) == (Urgency.HIGH, "score: high, no severity label")
