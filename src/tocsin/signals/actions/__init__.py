"""What can be asked of intake: keep a request, and hand on what is not sorted yet."""

from tocsin.signals.actions.intake import QUEUE_MAX, Intake
from tocsin.signals.actions.pace import Pace
from tocsin.signals.actions.sorting import (
    flush_tally,
    keep_partitions,
    set_aside,
    take,
    take_light,
    try_out,
)

__all__ = [
    "QUEUE_MAX",
    "Intake",
    "Pace",
    "flush_tally",
    "keep_partitions",
    "set_aside",
    "take",
    "take_light",
    "try_out",
]
