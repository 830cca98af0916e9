"""A process that was stopped says so for a moment after it has gone on."""

from tocsin.kernel.pulse import STALE_S, STOPPED_S, Pulse


class Machine:
    """Runs for as long as a test says."""

    def __init__(self) -> None:
        self.ran_s = 100.0

    def elapsed_s(self) -> float:
        return self.ran_s


async def test_what_is_at_hand_right_after_a_stop_is_old() -> None:
    machine = Machine()
    pulse = Pulse(machine.elapsed_s)
    assert not pulse.was_stopped()  # nobody beats
    await pulse.beat()
    assert not pulse.was_stopped()
    machine.ran_s += STOPPED_S + 1  # SIGSTOP, or asleep
    assert pulse.was_stopped()
    await pulse.beat()
    assert pulse.was_stopped()  # what was read before this beat is still on its way
    machine.ran_s += STALE_S
    assert not pulse.was_stopped()


async def test_a_beat_that_is_only_late_means_nothing() -> None:
    machine = Machine()
    pulse = Pulse(machine.elapsed_s)
    await pulse.beat()
    machine.ran_s += STOPPED_S - 1
    assert not pulse.was_stopped()
    await pulse.beat()
    assert not pulse.was_stopped()
