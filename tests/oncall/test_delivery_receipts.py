"""What a page does when a receipt says that a message was lost, or when none says anything."""

from hypothesis import given
from hypothesis import strategies as st
from page_tables import Org, Row
from page_world import World, deliver, facts, triggered, two_steps

from tocsin.oncall.core.effects import (
    MethodFailed,
    MethodUnconfirmed,
    PersonUnreachable,
    PullForward,
    Retry,
    Stale,
)


def tell(world: World, user: str, word: str, now: int) -> None:
    """Let a receipt come for what was sent to somebody last."""
    row = [row for row in world.rows if row.user == user and row.state == "sent"][-1]
    world.on_end(row, word, now)


def pending(world: World) -> list[int]:
    return [timer.due for timer in world.timers if not timer.done]


def test_what_was_lost_after_it_was_sent_is_followed_by_the_next_method() -> None:
    world = triggered(two_steps())
    deliver(world, "ana", "sent", 1)
    tell(world, "ana", "permanent", 20)
    assert [(row.method, row.state) for row in world.rows] == [(0, "failed"), (1, "queued")]
    assert len(facts(world, MethodFailed)) == 1
    assert pending(world) == [300]


def test_what_nothing_confirms_stays_sent_and_the_next_method_follows() -> None:
    world = triggered(two_steps())
    deliver(world, "ana", "sent", 1)
    tell(world, "ana", "unconfirmed", 61)
    assert [(row.method, row.state) for row in world.rows] == [(0, "sent"), (1, "queued")]
    deliver(world, "ana", "sent", 61)
    tell(world, "ana", "unconfirmed", 121)
    assert len(facts(world, MethodUnconfirmed)) == 2
    # it may have arrived: nobody is given up, and the step has its time
    assert not facts(world, PersonUnreachable)
    assert not facts(world, PullForward)
    assert pending(world) == [300]


def test_when_all_that_was_sent_is_lost_the_next_step_does_not_wait() -> None:
    world = triggered(two_steps())
    for now in (1, 21):
        deliver(world, "ana", "sent", now)
        tell(world, "ana", "permanent", now + 10)
    assert facts(world, PersonUnreachable)
    assert pending(world) == [31]


def test_a_receipt_after_the_acknowledgement_changes_nothing_more() -> None:
    world = triggered(two_steps())
    deliver(world, "ana", "sent", 1)
    world.ack("ana", 2)
    tell(world, "ana", "unconfirmed", 3)
    tell(world, "ana", "permanent", 4)
    assert len(world.rows) == 1
    assert len(facts(world, Stale)) == 2
    assert not facts(world, MethodUnconfirmed)


def test_a_provider_that_is_left_alone_costs_no_time_where_there_is_another() -> None:
    world = triggered(two_steps())
    deliver(world, "ana", "down", 1)
    assert [(row.method, row.state) for row in world.rows] == [(0, "failed"), (1, "queued")]
    deliver(world, "ana", "down", 1)  # her last method: here it is worth waiting
    assert [one.attempt_count for one in facts(world, Retry)] == [1]


ORG = Org(steps=[(["ana", "ben"], 300)], methods={"ana": 3, "ben": 2, "boss": 1}, repeat=0)
words = st.sampled_from(
    ["sent", "transient", "permanent", "down", "down for long", "lost", "unconfirmed"]
)


@given(st.lists(st.tuples(words, st.integers(0, 30)), max_size=40))
def test_whatever_receipts_say_each_method_is_tried_once_and_the_page_is_never_left(
    news: list[tuple[str, int]],
) -> None:
    world, now = triggered(ORG), 0
    for word, wait_s in news:
        now += wait_s
        if word in ("lost", "unconfirmed"):
            sent = [row for row in world.rows if row.state == "sent"]
            if sent:
                told = "permanent" if word == "lost" else word
                world.on_end(sent[-1], told, now)
        else:
            ready = [row for row in world.claimable(now) if not world.is_fenced(row)]
            if ready:
                assert world.claim(ready[0], now)
                world.on_end(ready[0], word, now)
        keys = [row.key for row in world.rows]
        assert len(keys) == len(set(keys))
        assert pending(world)
        assert all(_is_followed(world, row) for row in world.rows if row.state == "failed")


def _is_followed(world: World, failed: Row) -> bool:
    """Say whether a method that failed has a next one, or was the last (I5)."""
    is_last = failed.method + 1 == world.org.methods[failed.user]
    return is_last or any(
        (row.rung, row.user, row.method) == (failed.rung, failed.user, failed.method + 1)
        for row in world.rows
    )
