"""How a heartbeat stands: never missed too early, never too late, and not for a deafness of ours."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tocsin.signals.core.expecting import expected_after
from tocsin.signals.core.heartbeat import (
    AGAIN_MAX,
    REMIND,
    Outcome,
    edited,
    heard,
    look,
    paused,
    resumed,
    shown,
)
from tocsin.signals.model import Beat, BeatState, Deaf, PingKind, Rule

NOON = datetime(2026, 7, 6, 12, tzinfo=UTC)
STARTS = (  # both changes of the clocks in Berlin, and some days without one
    (datetime(2026, 3, 28, 20, tzinfo=UTC), 36_000),
    (datetime(2026, 10, 24, 20, tzinfo=UTC), 36_000),
    (datetime(2026, 7, 1, tzinfo=UTC), 700_000),
)
ROUND_THE_CLOCKS = st.builds(
    lambda at, second: at[0] + timedelta(seconds=second % at[1]),
    st.sampled_from(STARTS),
    st.integers(0, 700_000),
)
GRACE = st.integers(0, 7200)
RULES = st.one_of(
    st.builds(Rule, every_s=st.integers(10, 200_000), grace_s=GRACE),
    st.builds(
        Rule,
        cron=st.sampled_from(["*/5 * * * *", "30 2 * * *", "0 1-4 * * *", "15 3 * * 0"]),
        zone=st.just("Europe/Berlin"),
        grace_s=GRACE,
    ),
)
KINDS = st.sampled_from(list(PingKind))
PINGS = st.lists(st.tuples(st.integers(0, 90_000), KINDS), max_size=12)
SECOND = timedelta(seconds=1)


def told(
    rule: Rule, start: datetime, pings: list[tuple[int, PingKind]]
) -> tuple[Beat, datetime]:
    """Let pings come one after another, and everything due be looked at in time."""
    beat, now = Beat(), start
    for after_s, kind in pings:
        now = now + timedelta(seconds=after_s)
        while beat.due_at is not None and beat.due_at <= now:
            beat = look(beat, rule, beat.due_at).beat
        beat = heard(beat, rule, kind, now).beat
    return beat, now


@given(RULES, ROUND_THE_CLOCKS)
def test_who_pings_is_missed_when_the_grace_after_the_next_time_is_over(
    rule: Rule, now: datetime
) -> None:
    beat = heard(Beat(), rule, PingKind.OK, now).beat
    expected_at = expected_after(rule, now)
    missed_at = expected_at + timedelta(seconds=rule.grace_s)
    assert (beat.state, beat.expected_at, beat.due_at) == (BeatState.UP, expected_at, missed_at)
    assert shown(beat, expected_at - SECOND) is BeatState.UP
    assert shown(beat, expected_at) is BeatState.LATE
    assert look(beat, rule, missed_at - SECOND).outcome is Outcome.NOTHING
    step = look(beat, rule, missed_at)
    assert (step.outcome, step.beat.state) == (Outcome.MISSED, BeatState.DOWN)
    assert step.beat.down_at == missed_at


@settings(max_examples=40)  # each is a whole life
@given(RULES, ROUND_THE_CLOCKS, PINGS)
def test_whatever_comes_a_heartbeat_is_looked_at_again_or_waits_for_its_first_ping(
    rule: Rule, start: datetime, pings: list[tuple[int, PingKind]]
) -> None:
    beat, now = told(rule, start, pings)
    if beat.state is BeatState.NEW:
        assert all(kind is PingKind.START for _, kind in pings)
    else:
        assert beat.due_at is not None
        assert beat.due_at >= now
    if beat.state is BeatState.NEW and pings:
        assert beat.due_at is not None
    if pings and pings[-1][1] is PingKind.OK:
        assert beat.state is BeatState.UP
        assert beat.down_at is None
        assert beat.started_at is None
    if pings and pings[-1][1] is PingKind.FAIL:
        assert beat.state is BeatState.DOWN


@settings(max_examples=40)  # each is a whole life
@given(RULES, ROUND_THE_CLOCKS, PINGS)
def test_a_failure_fires_at_once_and_the_next_good_ping_ends_it(
    rule: Rule, start: datetime, pings: list[tuple[int, PingKind]]
) -> None:
    beat, now = told(rule, start, pings)
    failed = heard(beat, rule, PingKind.FAIL, now)
    assert failed.outcome is Outcome.FAILED
    assert failed.beat.down_at == (beat.down_at or now)
    again = heard(failed.beat, rule, PingKind.OK, now + SECOND)
    assert (again.outcome, again.beat.state) == (Outcome.RECOVERED, BeatState.UP)
    assert heard(again.beat, rule, PingKind.OK, now + 2 * SECOND).outcome is Outcome.NOTHING


@given(RULES, ROUND_THE_CLOCKS, st.integers(0, 3600))
def test_a_run_that_began_has_to_end_within_the_grace_time(
    rule: Rule, now: datetime, after_s: int
) -> None:
    beat = heard(Beat(), rule, PingKind.OK, now).beat
    began_at = now + timedelta(seconds=after_s)
    assume(beat.due_at is not None and began_at < beat.due_at)
    began = heard(beat, rule, PingKind.START, began_at).beat
    grace = timedelta(seconds=rule.grace_s)
    assert beat.due_at is not None
    ends_by = began_at + grace if rule.grace_s else expected_after(rule, began_at)
    assert began.due_at == min(beat.due_at, ends_by)
    assert look(began, rule, began.due_at).outcome is Outcome.MISSED
    ended = heard(began, rule, PingKind.OK, began_at + grace / 2).beat
    assert ended.started_at is None


def test_the_first_run_is_missed_if_it_never_ends_however_often_it_begins() -> None:
    rule = Rule(every_s=600, grace_s=60)
    beat = heard(Beat(), rule, PingKind.START, NOON).beat
    again = heard(beat, rule, PingKind.START, NOON + timedelta(seconds=50)).beat
    assert again.due_at == NOON + timedelta(seconds=60)
    assert look(again, rule, again.due_at).outcome is Outcome.MISSED


def test_who_was_never_heard_of_is_never_missed() -> None:
    step = look(Beat(), Rule(every_s=60), NOON + timedelta(days=900))
    assert (step.outcome, step.beat) == (Outcome.NOTHING, Beat())


@given(RULES, ROUND_THE_CLOCKS, st.integers(0, 200_000), st.integers(31, 200_000))
def test_who_may_have_pinged_while_nobody_heard_gets_more_time_and_not_for_ever(
    rule: Rule, now: datetime, quiet_s: int, deaf_s: int
) -> None:
    beat = heard(Beat(), rule, PingKind.OK, now).beat
    since = now + timedelta(seconds=quiet_s)
    deaf = Deaf(since, since + timedelta(seconds=deaf_s))
    assert beat.due_at is not None
    assert beat.expected_at is not None
    at = max(beat.due_at, deaf.until)
    step = look(beat, rule, at, deaf)
    may_have_come = beat.due_at >= deaf.since and beat.expected_at <= deaf.until
    if not may_have_come:
        assert step.outcome is Outcome.MISSED
        return
    again = min(expected_after(rule, deaf.until), deaf.until + AGAIN_MAX)
    until = again + timedelta(seconds=rule.grace_s)
    if until <= at:
        assert step.outcome is Outcome.MISSED
        return
    assert step.outcome is Outcome.HELD
    assert step.beat.due_at == until
    assert look(step.beat, rule, until, deaf).outcome is Outcome.MISSED


@given(
    RULES, ROUND_THE_CLOCKS, st.integers(31, 3600), st.integers(1, 600), st.integers(31, 3600)
)
def test_a_second_deafness_within_the_time_that_the_first_one_gave_gives_more(
    rule: Rule, now: datetime, first_s: int, between_s: int, second_s: int
) -> None:
    beat = heard(Beat(), rule, PingKind.OK, now).beat
    assert beat.due_at is not None
    first = Deaf(beat.due_at - SECOND, beat.due_at + timedelta(seconds=first_s))
    held = look(beat, rule, first.until, first).beat
    since = first.until + timedelta(seconds=between_s)
    assert held.due_at is not None
    assume(held.state is BeatState.UP and held.due_at > since)
    second = Deaf(since, since + timedelta(seconds=second_s))
    step = look(held, rule, max(held.due_at, second.until), second)
    assert step.outcome is not Outcome.MISSED or held.due_at >= second.until


def test_a_run_that_began_after_a_deafness_has_its_grace_and_not_all_the_time_of_one_not_heard() -> (
    None
):
    rule = Rule(every_s=7200, grace_s=300)
    beat = heard(Beat(), rule, PingKind.OK, NOON).beat
    deaf = Deaf(NOON + timedelta(minutes=110), NOON + timedelta(minutes=130))
    given_more = look(beat, rule, deaf.until, deaf).beat
    for before, minute in ((beat, 131), (given_more, 140)):
        began_at = NOON + timedelta(minutes=minute)
        began = heard(before, rule, PingKind.START, began_at).beat
        ends_by = began_at + timedelta(seconds=300)
        early = look(began, rule, ends_by - SECOND, deaf)  # the ping before it may be lost
        assert early.outcome in (Outcome.NOTHING, Outcome.HELD)
        assert early.beat.due_at == ends_by
        assert look(early.beat, rule, ends_by, deaf).outcome is Outcome.MISSED


@given(RULES, ROUND_THE_CLOCKS)
def test_who_stays_away_is_spoken_of_again_but_not_every_minute(
    rule: Rule, now: datetime
) -> None:
    beat = heard(Beat(), rule, PingKind.FAIL, now).beat
    assert beat.due_at is not None
    assert beat.due_at - now >= REMIND
    step = look(beat, rule, beat.due_at)
    assert step.outcome is Outcome.STILL_DOWN
    assert step.beat.down_at == now
    assert step.beat.due_at is not None
    assert step.beat.due_at > beat.due_at


@settings(max_examples=40)  # each is a whole life
@given(RULES, ROUND_THE_CLOCKS, PINGS, KINDS)
def test_a_paused_heartbeat_is_not_missed_and_begins_anew(
    rule: Rule, start: datetime, pings: list[tuple[int, PingKind]], kind: PingKind
) -> None:
    beat, now = told(rule, start, pings)
    step = paused(beat)
    assert (step.outcome is Outcome.ENDED) == (beat.state is BeatState.DOWN)
    pinged = heard(step.beat, rule, kind, now)
    assert (pinged.outcome, pinged.beat.state) == (Outcome.NOTHING, BeatState.PAUSED)
    assert look(pinged.beat, rule, now + timedelta(days=900)).outcome is Outcome.NOTHING
    again = resumed(step.beat, rule, now)
    if beat.heard_at is None:
        assert again.beat == Beat()
    else:
        assert again.beat.state is BeatState.UP
        assert again.beat.expected_at == expected_after(rule, now)
    assert resumed(again.beat, rule, now).beat == again.beat


@settings(max_examples=60)
@given(RULES, RULES, ROUND_THE_CLOCKS, st.integers(0, 200_000))
def test_a_new_rule_misses_nobody_at_once(
    old: Rule, new: Rule, now: datetime, after_s: int
) -> None:
    beat = heard(Beat(), old, PingKind.OK, now).beat
    at = now + timedelta(seconds=after_s)
    assume(beat.due_at is not None and at < beat.due_at)
    after = edited(beat, new, at)
    assert after.due_at is not None
    assert after.due_at > at or new.grace_s == 0
    assert replace(after, expected_at=None, due_at=None) == replace(
        beat, expected_at=None, due_at=None
    )


def test_without_grace_a_run_may_take_until_its_next_regular_time() -> None:
    rule = Rule(every_s=600, grace_s=0)
    beat = heard(Beat(), rule, PingKind.OK, NOON).beat
    began = heard(beat, rule, PingKind.START, NOON + timedelta(seconds=60)).beat
    assert began.due_at == beat.due_at == NOON + timedelta(seconds=600)
    first = heard(Beat(), rule, PingKind.START, NOON).beat
    assert first.due_at == NOON + timedelta(seconds=600)
    after = edited(began, Rule(every_s=900, grace_s=0), NOON + timedelta(seconds=70))
    assert after.due_at == NOON + timedelta(seconds=900)
