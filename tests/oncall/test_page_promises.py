"""The promises of a page, whatever happens to it in whatever order: the pure step alone."""

from datetime import datetime, timedelta

from climbing_world import ASLEEP, NIGHT, OFFICE, SPACE, calls, id_of, ladder, page, person
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.kernel.ids import PolicyId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.ladder import Ladder
from tocsin.oncall.core.page import due_timer, step
from tocsin.oncall.model import (
    Page,
    PageState,
    PersonTarget,
    Policy,
    Rule,
    TimerKind,
)

WAITS = {PageState.SNOOZED: TimerKind.SNOOZE, PageState.HELD: TimerKind.OPENING}
verbs = st.lists(
    st.tuples(
        st.sampled_from(
            ("timer", "timer", "timer", "ack", "resolve", "escalate", "retrigger", "snooze",
             "hand back", "reassign", "raise", "late timer", "nobody")
        ),
        st.integers(0, 400),
    ),
    max_size=25,
)  # fmt: skip


class Life:
    """One page with its pending timers, as rows would be."""

    def __init__(self, urgency: Urgency, *, hours: bool) -> None:
        self.now = NIGHT
        self.hours = hours
        self.nobody = False
        self.page: Page = page(urgency=urgency)
        self.timers: dict[tuple[TimerKind, int], datetime] = {}
        self.told: set[tuple[object, ...]] = set()

    def ladder(self) -> Ladder:
        people = [
            person("ana", high=(Rule(0, 0), Rule(120, 1)), quiet=ASLEEP if self.hours else ()),
            person("ben"),
        ]
        if self.nobody:
            people = []
        steps = [calls("ana"), calls("ana", "ben", round_robin=True), calls("gone")]
        support = OFFICE if self.hours else ()
        return ladder(people, steps, self.now, support_hours=support, repeat=1)

    def feed(self, happened: inputs.Input) -> None:
        before = self.page
        self.page, found = step(before, happened, self.now)
        assert found, "every step says what it did, or why it did nothing (I8)"
        for one in found:
            match one:
                case effects.SetTimer(kind, due_at, epoch):
                    assert due_at >= self.now
                    assert epoch == self.page.epoch
                    self.timers[kind, epoch] = due_at
                case effects.Notify():
                    assert self.page.is_open, "nobody is told of what does not call"
                    key = (one.rung, one.person_id, one.rule, one.method)
                    assert key not in self.told, "one message of one key (I3)"
                    self.told.add(key)
                case _:
                    pass
        assert self.page.epoch >= before.epoch  # I4
        if before.state is PageState.RESOLVED:
            assert self.page == before or isinstance(happened, inputs.Retrigger)
        if before.urgency is Urgency.HIGH and not isinstance(happened, inputs.Retrigger):
            assert self.page.urgency is Urgency.HIGH

    def do(self, verb: str, wait_s: int) -> None:
        self.now += timedelta(seconds=wait_s)
        by, rungs = id_of("ana"), self.ladder()
        match verb:
            case "timer":
                self.wait()
            case "late timer":
                self.feed(inputs.StepDue(self.page.epoch - 1, rungs))
            case "nobody":
                self.nobody = not self.nobody
            case "ack":
                self.feed(inputs.Acknowledge(by, 1800))
            case "resolve":
                self.feed(inputs.Resolve())
            case "escalate":
                self.feed(inputs.Escalate(by, rungs))
            case "retrigger":
                self.feed(inputs.Retrigger(rungs, self.page.urgency))
            case "snooze":
                self.feed(inputs.Snooze(by, self.now + timedelta(seconds=1 + wait_s)))
            case "hand back":
                self.feed(inputs.HandBack(by, rungs))
            case "raise":
                self.feed(inputs.Raise(rungs))
            case _:
                self.feed(
                    inputs.Reassign(
                        by=by, ladder=rungs, target=PersonTarget(id_of("ben")),
                        policy_id=PolicyId(SPACE), asked_person=None, ticket=0,
                    )
                )  # fmt: skip

    def wait(self) -> None:
        pending = [(at, key) for key, at in self.timers.items() if key[1] == self.page.epoch]
        if not pending:
            return
        at, (kind, epoch) = min(pending)
        self.now = max(self.now, at)
        del self.timers[kind, epoch]
        rungs = self.ladder()
        due: dict[TimerKind, inputs.Input] = {
            TimerKind.STEP: inputs.StepDue(epoch, rungs),
            TimerKind.CATCH: inputs.CatchDue(epoch, rungs),
            TimerKind.ACK_TIMEOUT: inputs.AckExpired(epoch, rungs),
            TimerKind.SNOOZE: inputs.SnoozeOver(epoch, rungs),
            TimerKind.OPENING: inputs.OpeningDue(epoch, rungs),
        }
        self.feed(due[kind])


# Grafana #1187, #895: a chain that did not run, and a step that stalled.
@given(st.sampled_from(Urgency), st.booleans(), verbs)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_something_will_wake_the_page(
    urgency: Urgency, hours: bool, acts: list[tuple[str, int]]
) -> None:
    life = Life(urgency, hours=hours)
    life.feed(inputs.Trigger(life.ladder()))
    for verb, wait_s in acts:
        life.do(verb, wait_s)
        pending = {kind for kind, epoch in life.timers if epoch == life.page.epoch}
        state = life.page.state
        if life.page.is_open:  # I1
            assert pending == {TimerKind.CATCH if life.page.catch else TimerKind.STEP}
        elif state in WAITS:
            assert pending == {WAITS[state]}
            assert life.timers[WAITS[state], life.page.epoch] == life.page.waits_until
        elif state is PageState.RESOLVED:
            assert not pending
        if state is PageState.HELD:
            assert life.page.urgency is Urgency.LOW
        policy = Policy(id=PolicyId(SPACE), name="p", steps=(), ack_timeout_s=1800)
        lost = due_timer(life.page, policy, life.now)  # what the watchdog would set
        assert (lost is None) == (not pending and not life.page.is_waiting)


# Grafana #1931: the wait between two steps was ignored.
def test_the_next_step_is_called_when_its_wait_is_over_and_no_sooner() -> None:
    life = Life(Urgency.HIGH, hours=False)
    life.feed(inputs.Trigger(life.ladder()))
    began = life.now
    life.wait()
    assert life.now - began == timedelta(seconds=300)
    assert life.page.step == 1


@given(st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_a_page_that_nobody_answers_ends_at_the_catch_all_and_goes_on_for_ever(
    times: int,
) -> None:
    life = Life(Urgency.HIGH, hours=False)
    life.feed(inputs.Trigger(life.ladder()))
    for _ in range(times + 8):
        life.wait()
    assert life.page.catch >= times
    assert life.page.is_open
    assert life.page.unpageable == (life.page.catch > 3)  # I2
