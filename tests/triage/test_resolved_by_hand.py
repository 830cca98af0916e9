"""An alert that a person resolved stays so until it fires anew."""

from datetime import timedelta

from msgspec.structs import replace
from triage_world import NOON, Pond, observed

from tocsin.triage.core import sort as core
from tocsin.triage.model import NO_END, AlertState, GroupState, Observed, State


def resolved(pond: Pond, *names: str) -> None:
    alerts = [pond.alert(name) for name in names]
    state = State(alerts={}, groups={}, groups_by_id=pond.groups, opened_last_minute={})
    pond._save(core.resolve(state, alerts, pond.now))
    pond.check()


def again(pond: Pond, **changes: object) -> Observed:
    """Return the word of a sender that names the start of the episode."""
    seen = pond.moved(observed("Down"))
    return replace(seen, **({"starts_at": NOON - timedelta(minutes=1)} | changes))


def test_it_stays_resolved_while_the_sender_repeats_it() -> None:
    pond = Pond()
    pond.sort([again(pond)])
    pond.forward(60)
    resolved(pond, "Down")
    assert pond.alert("Down").state is AlertState.RESOLVED
    assert pond.group().state is GroupState.CLEARED
    for _ in range(10):
        pond.forward(60)
        pond.sort([again(pond)])
    assert pond.alert("Down").state is AlertState.RESOLVED
    assert pond.alert("Down").fired_count == 1
    assert pond.alert("Down").reasons[0] == "resolved: by hand, until it fires anew"


def test_a_new_start_is_a_new_episode() -> None:
    pond = Pond()
    pond.sort([again(pond)])
    pond.forward(60)
    resolved(pond, "Down")
    pond.forward(60)
    pond.sort([again(pond, starts_at=pond.now - timedelta(seconds=5))])
    assert pond.alert("Down").state is AlertState.FIRING
    assert pond.alert("Down").held_until is None


def test_the_senders_own_resolve_ends_the_episode_for_good() -> None:
    pond = Pond()
    pond.sort([again(pond)])
    pond.forward(60)
    resolved(pond, "Down")
    pond.forward(30)
    pond.sort([again(pond, ends_at=pond.now)])
    assert pond.alert("Down").held_until is None
    pond.forward(30)
    pond.sort([again(pond)])
    assert pond.alert("Down").state is AlertState.FIRING


def test_a_sender_that_fell_silent_and_comes_back_fires_anew() -> None:
    pond = Pond()
    pond.sort([again(pond)])
    resolved(pond, "Down")
    pond.forward(3600)
    pond.sort([again(pond)])
    assert pond.alert("Down").state is AlertState.FIRING


def test_a_sender_that_names_no_start_is_held_by_its_repeats() -> None:
    pond = Pond()
    pond.sort([observed("Down")])
    resolved(pond, "Down")
    for _ in range(5):
        pond.forward(60)
        pond.sort([pond.moved(observed("Down"))])  # its start is the instant of arrival
    assert pond.alert("Down").state is AlertState.RESOLVED


def test_a_sender_that_names_neither_start_nor_end_does_not_repeat_itself() -> None:
    pond = Pond()
    for_ever = NO_END + timedelta(days=1)
    pond.sort([replace(observed("Down"), ends_at=for_ever)])
    resolved(pond, "Down")
    pond.forward(3600)
    pond.sort([replace(pond.moved(observed("Down")), ends_at=for_ever)])
    assert pond.alert("Down").state is AlertState.FIRING


def test_one_that_names_a_start_and_no_end_is_held_until_it_names_a_later_one() -> None:
    pond = Pond()
    for_ever = NO_END + timedelta(days=1)
    pond.sort([again(pond, ends_at=for_ever)])
    pond.forward(60)
    resolved(pond, "Down")
    pond.forward(3600)
    pond.sort([again(pond, ends_at=for_ever)])
    assert pond.alert("Down").state is AlertState.RESOLVED
    pond.sort([again(pond, starts_at=pond.now - timedelta(seconds=9), ends_at=for_ever)])
    assert pond.alert("Down").state is AlertState.FIRING
