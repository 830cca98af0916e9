"""What can be asked of intake and of heartbeats: keep a request, sort it, hear a ping, miss one."""

from tocsin.signals.actions.heartbeats import (
    KEY_LENGTH,
    follow,
    key_hash,
    make_key,
    pause,
    resume,
)
from tocsin.signals.actions.intake import QUEUE_MAX, Intake
from tocsin.signals.actions.pace import Pace
from tocsin.signals.actions.pinging import Heard, hear, note_listening, ping, watch
from tocsin.signals.actions.sorting import (
    flush_tally,
    keep_partitions,
    set_aside,
    take,
    take_light,
    try_out,
)

__all__ = [
    "KEY_LENGTH",
    "QUEUE_MAX",
    "Heard",
    "Intake",
    "Pace",
    "flush_tally",
    "follow",
    "hear",
    "keep_partitions",
    "key_hash",
    "make_key",
    "note_listening",
    "pause",
    "ping",
    "resume",
    "set_aside",
    "take",
    "take_light",
    "try_out",
    "watch",
]
