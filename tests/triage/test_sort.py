"""The spine: what a batch of signals makes of alerts and groups."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace
from triage_world import NOON, Pond, observed

from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.dedupe import Verdict
from tocsin.triage.core.outcomes import (
    GroupCleared,
    GroupGrew,
    GroupNeedsIncident,
    GroupNeedsPage,
    GroupRefired,
    GroupVanished,
)
from tocsin.triage.model import (
    MAX_NEW_GROUPS,
    STORM_PER_MINUTE,
    AlertState,
    GroupState,
    Matcher,
    MatchOp,
    Route,
    Routing,
)

WAITING = Routing(default=Route(name="default", group_wait_s=30, group_interval_s=300))


def test_a_first_alert_opens_a_group_and_pages() -> None:
    pond = Pond()
    result = pond.sort([observed("HighErrorRate", service="checkout", severity="critical")])
    [alert], [page] = result.alerts_new, result.outcomes
    assert isinstance(page, GroupNeedsPage)
    assert not page.raised
    assert page.sample == (alert.id,)
    assert page.group.title == "HighErrorRate on checkout"
    assert page.group.summary == "HighErrorRate is on"
    assert (page.group.state, page.group.firing_count) == (GroupState.ACTIVE, 1)
    assert alert.reasons == (
        "dedupe: new",
        "route: default",
        "group: service=checkout",
        "score: high, severity=critical",
    )


def test_a_repeat_is_a_cheap_refresh_without_an_outcome() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    pond.forward(60)
    result = pond.sort([observed("A", at=pond.now), observed("A", at=pond.now)])
    [refresh] = result.alerts_refreshed
    assert refresh.seen_add == 2
    assert refresh.ends_at == pond.now + timedelta(minutes=4)
    assert refresh.annotations is None
    assert not result.outcomes
    assert not result.groups
    assert not result.alerts_changed
    assert result.counts[Verdict.REPEAT] == 2


def test_a_changed_annotation_travels_with_the_refresh() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    result = pond.sort([observed("A", summary="93 % now")])
    assert result.alerts_refreshed[0].annotations == {"summary": "93 % now"}


def test_the_end_that_a_sender_named_is_not_shortened_by_one_we_assumed() -> None:
    pond = Pond()
    pond.sort([observed("A", lasts_s=900)])
    pond.sort([observed("A", lasts_s=300, ends_by_timeout=True)])
    assert pond.alert("A").ends_at == NOON + timedelta(seconds=900)
    assert not pond.alert("A").ends_by_timeout
    pond.sort([observed("A", lasts_s=1_000, ends_by_timeout=True)])
    assert pond.alert("A").ends_at == NOON + timedelta(seconds=1_000)


def test_an_end_that_we_assumed_gives_way_to_an_earlier_one_that_the_sender_names() -> None:
    pond = Pond()
    pond.sort([observed("A", lasts_s=900, ends_by_timeout=True)])
    pond.sort([observed("A", lasts_s=300)])
    assert pond.alert("A").ends_at == NOON + timedelta(seconds=300)


def test_the_earliest_start_is_kept_while_the_spans_overlap() -> None:
    pond = Pond()
    pond.sort([observed("A", lasts_s=240)])
    pond.sort([observed("A", at=NOON + timedelta(seconds=200))])
    assert pond.alert("A").starts_at == NOON
    later = NOON + timedelta(hours=1)
    result = pond.sort([observed("A", at=later)])
    assert result.alerts_changed[0].starts_at == later


def test_a_resolve_clears_the_group_and_firing_again_reopens_it() -> None:
    pond = Pond()
    pond.sort([observed("A"), observed("B")])
    assert pond.sort([observed("A", resolved=True)]).outcomes == ()
    [cleared] = pond.sort([observed("B", resolved=True)]).outcomes
    assert isinstance(cleared, GroupCleared)
    assert cleared.group.cleared_at == pond.now
    pond.forward(15 * 60)
    [refired] = pond.sort([observed("A", at=pond.now)]).outcomes
    assert isinstance(refired, GroupRefired)
    assert refired.group.id == cleared.group.id
    assert (refired.group.firing_count, refired.group.alert_count) == (1, 2)
    assert pond.alert("A").fired_count == 2


def test_an_end_before_the_beginning_ends_the_episode_at_its_beginning() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    over = replace(observed("A", resolved=True), ends_at=NOON - timedelta(days=9_000))
    [changed] = pond.sort([replace(over, starts_at=over.ends_at)]).alerts_changed
    assert (changed.state, changed.starts_at, changed.ends_at) == (
        AlertState.RESOLVED, NOON, NOON,
    )  # fmt: skip


def test_firing_again_after_a_quarter_of_an_hour_is_a_new_group() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    pond.sort([observed("A", resolved=True)])
    pond.forward(15 * 60 + 1)
    result = pond.sort([observed("A", at=pond.now)])
    old, new = result.groups
    assert (old.state, new.state) == (GroupState.ENDED, GroupState.ACTIVE)
    assert old.key == new.key
    assert [type(outcome) for outcome in result.outcomes] == [GroupNeedsPage]


def test_a_second_resolve_says_nothing() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    pond.sort([observed("A", resolved=True)])
    result = pond.sort([observed("A", resolved=True)])
    assert not result.outcomes
    assert not result.groups
    assert result.counts[Verdict.STILL_RESOLVED] == 1
    assert pond.alert("A").seen_count == 3


def test_what_arrives_resolved_is_kept_and_opens_nothing() -> None:
    pond = Pond()
    result = pond.sort([observed("A", resolved=True)])
    [alert] = result.alerts_new
    assert alert.state is AlertState.RESOLVED
    assert alert.group_id is None
    assert alert.reasons == ("dedupe: arrived resolved",)
    assert not result.groups
    assert not result.outcomes
    [page] = pond.sort([observed("A")]).outcomes
    assert isinstance(page, GroupNeedsPage)


def test_a_late_signal_does_not_undo_newer_knowledge() -> None:
    pond = Pond()
    newer = NOON + timedelta(seconds=60)
    pond.sort([observed("A"), observed("A", at=newer, resolved=True)])
    result = pond.sort([observed("A", at=NOON + timedelta(seconds=30))])
    assert result.counts[Verdict.LATE] == 1
    assert result.outcomes == ()
    assert pond.alert("A").state is AlertState.RESOLVED
    assert pond.alert("A").updated_at == newer
    assert pond.alert("A").seen_count == 3


def test_a_late_signal_may_lengthen_an_alert_but_not_reword_it() -> None:
    pond = Pond()
    pond.sort([observed("A", at=NOON + timedelta(seconds=60), lasts_s=60)])
    pond.sort([observed("A", lasts_s=600, summary="old news", ends_by_timeout=True)])
    assert pond.alert("A").ends_at == NOON + timedelta(seconds=120)
    pond.sort([observed("A", lasts_s=600, summary="old news")])
    assert pond.alert("A").ends_at == NOON + timedelta(seconds=600)
    assert pond.alert("A").annotations == {"summary": "A is on"}


def test_a_late_resolve_does_not_end_an_alert_that_fires_since() -> None:
    pond = Pond()
    pond.sort([observed("A", at=NOON + timedelta(seconds=60))])
    pond.sort([observed("A", resolved=True)])
    assert pond.alert("A").state is AlertState.FIRING


def test_a_signal_that_waited_past_its_end_still_pages() -> None:
    pond = Pond()
    pond.forward(3_600)
    [page] = pond.sort([observed("A")]).outcomes
    assert isinstance(page, GroupNeedsPage)


def test_a_batch_that_fires_and_resolves_says_both() -> None:
    pond = Pond()
    result = pond.sort([observed("A"), observed("A", resolved=True)])
    assert [type(outcome) for outcome in result.outcomes] == [GroupNeedsPage, GroupCleared]
    assert len(result.alerts_new) == 1


def test_what_flaps_inside_one_batch_is_not_worth_a_word() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    flaps = [observed("A", resolved=True), observed("A")] * 20
    assert pond.sort(flaps).outcomes == ()
    assert pond.alert("A").fired_count == 21


def test_an_alert_without_refresh_expires() -> None:
    pond = Pond()
    pond.sort([observed("A", lasts_s=60), observed("B")])
    pond.forward(59)
    assert pond.expire().alerts_changed == ()
    pond.forward(1)
    result = pond.expire()
    [alert] = result.alerts_changed
    assert alert.reasons[0] == "resolved: no refresh until ends_at"
    assert result.outcomes == ()
    pond.forward(3_600)
    assert [type(outcome) for outcome in pond.expire().outcomes] == [GroupCleared]
    assert pond.expire().alerts_changed == ()


def test_a_waiting_group_pages_when_its_wait_is_over() -> None:
    pond = Pond(WAITING)
    assert pond.sort([observed("A")]).outcomes == ()
    assert pond.sort([observed("B")]).outcomes == ()
    assert pond.group().due_at == NOON + timedelta(seconds=30)
    assert pond.due() is None
    pond.forward(30)
    page = pond.due()
    assert isinstance(page, GroupNeedsPage)
    assert (page.group.alert_count, page.group.noted_count) == (2, 2)
    assert page.group.due_at == pond.now + timedelta(seconds=300)


def test_what_resolves_within_the_wait_never_pages_and_says_why() -> None:
    pond = Pond(WAITING)
    pond.sort([observed("A")])
    assert pond.sort([observed("A", resolved=True)]).outcomes == ()
    assert pond.alert("A").reasons[-1] == "group: resolved within group_wait"
    pond.forward(30)
    vanished = pond.due()
    assert isinstance(vanished, GroupVanished)
    assert vanished.group.state is GroupState.ENDED
    pond.sort([observed("A", at=pond.now)])
    assert pond.group().state is GroupState.WAITING
    assert pond.group().id != vanished.group.id


def test_growth_is_told_once_an_interval() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    assert pond.sort([observed("B"), observed("C")]).outcomes == ()
    pond.forward(300)
    grew = pond.due()
    assert isinstance(grew, GroupGrew)
    assert grew.new_count == 2
    pond.forward(300)
    assert pond.due() is None
    assert pond.group().due_at is None
    [grew] = pond.sort([observed("D", at=pond.now)]).outcomes
    assert isinstance(grew, GroupGrew)
    assert grew.new_count == 1
    assert pond.group().due_at == pond.now + timedelta(seconds=300)


def test_a_low_group_needs_an_incident_and_a_page_only_once_raised() -> None:
    pond = Pond()
    [quiet] = pond.sort([observed("A", severity="warning")]).outcomes
    assert isinstance(quiet, GroupNeedsIncident)
    assert pond.sort([observed("B", severity="info")]).outcomes == ()
    [page] = pond.sort([observed("C", severity="critical")]).outcomes
    assert isinstance(page, GroupNeedsPage)
    assert page.raised
    assert pond.sort([observed("D", severity="critical")]).outcomes == ()


def test_a_warning_that_refires_does_not_wake_because_of_the_alert_before_it() -> None:
    pond = Pond()
    pond.sort([observed("A", severity="critical"), observed("B", severity="warning")])
    pond.sort([observed(name, resolved=True) for name in ("A", "B")])
    pond.forward(60)
    [refired] = pond.sort([observed("B", at=pond.now, severity="warning")]).outcomes
    assert isinstance(refired, GroupRefired)
    assert refired.group.urgency is Urgency.LOW
    [page] = pond.sort([observed("A", at=pond.now, severity="critical")]).outcomes
    assert isinstance(page, GroupNeedsPage)


def test_the_thirty_first_group_of_a_minute_is_a_storm() -> None:
    pond = Pond()
    pond.sort([observed("Old", service="old")])
    pond.forward(120)
    many = [observed(f"A{n}", service=f"s{n}", at=pond.now) for n in range(40)]
    result = pond.sort([*many, observed("Other", service="old", at=pond.now)])
    storm = result.groups[-1]
    assert len([group for group in result.groups if not group.storm]) == STORM_PER_MINUTE + 1
    assert result.opened_count == STORM_PER_MINUTE + 1
    assert storm.storm
    assert storm.key == "storm:prometheus"
    assert storm.title == ("Alert storm from prometheus: more than 30 new incidents a minute")
    assert (storm.firing_count, storm.urgency) == (10, Urgency.HIGH)
    reasons = pond.alert("A39").reasons
    assert reasons[2] == "storm: more than 30 new incidents a minute from prometheus"
    assert pond.alert("Other").reasons[2] == "group: service=old"


def test_a_storm_of_one_integration_does_not_swallow_another() -> None:
    pond = Pond()
    pond.sort([observed(f"A{n}", service=f"s{n}") for n in range(40)])
    result = pond.sort([observed("B", service="quiet", integration="grafana")])
    assert [group.storm for group in result.groups] == [False]


def test_two_integrations_meet_in_one_group() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    assert pond.sort([observed("B", integration="grafana")]).outcomes == ()
    assert pond.group().firing_count == 2


def test_a_batch_says_when_it_opens_more_than_a_unit_may() -> None:
    many = [
        observed(f"A{n}", service=f"s{n}", integration=f"i{n % 3}")
        for n in range(MAX_NEW_GROUPS + 1)
    ]
    assert Pond().sort(many).opened_count > MAX_NEW_GROUPS
    assert Pond().sort(many[:25]).opened_count == 25


def test_routes_choose_policy_urgency_and_labels() -> None:
    db = Route(
        name="databases",
        matchers=(Matcher(name="service", op=MatchOp.MATCHES, value="db-.*"),),
        group_by=("cluster", "zone"),
        policy="dba",
        urgency=Urgency.LOW,
    )
    pond = Pond(Routing(routes=(db,)))
    [quiet] = pond.sort([observed("Slow", service="db-1", cluster="eu")]).outcomes
    assert isinstance(quiet, GroupNeedsIncident)
    assert quiet.group.policy == "dba"
    assert quiet.group.labels == {"cluster": "eu"}
    assert quiet.group.title == "Slow (cluster=eu)"
    assert pond.alert("Slow").reasons[3] == "score: low, by route databases"


def test_an_id_is_made_for_new_rows_only() -> None:
    pond = Pond()
    pond.sort([observed("A")])
    made = pond.made_count
    pond.sort([observed("A")] * 3)
    assert pond.made_count == made == 2
    assert pond.alert("A").id == UUID(int=2)


@pytest.mark.parametrize("severity", ["critical", "page", "error", "", "sev1"])
def test_an_unknown_severity_is_urgent(severity: str) -> None:
    [page] = Pond().sort([observed("A", severity=severity)]).outcomes
    assert isinstance(page, GroupNeedsPage)
