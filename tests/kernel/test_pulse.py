"""A process that was stopped says so for a moment after it has gone on."""

from tocsin.kernel.pulse import STALE_S, STOPPED_S, Pulse


async def test_what_is_at_hand_right_after_a_stop_is_old() -> None:
    pulse = Pulse()
    assert not pulse.was_stopped()  # nobody beats
    await pulse.beat()
    assert not pulse.was_stopped()
    assert pulse._beat_s is not None
    pulse._beat_s -= STOPPED_S + 1
    assert pulse.was_stopped()
    await pulse.beat()
    assert pulse.was_stopped()  # what was read before this beat is still on its way
    pulse._fresh_from_s -= STALE_S
    assert not pulse.was_stopped()


async def test_a_beat_that_is_only_late_means_nothing() -> None:
    pulse = Pulse()
    await pulse.beat()
    assert pulse._beat_s is not None
    pulse._beat_s -= STOPPED_S - 1
    assert not pulse.was_stopped()
    await pulse.beat()
    assert not pulse.was_stopped()
