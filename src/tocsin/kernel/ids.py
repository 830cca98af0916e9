"""Ids that cross context boundaries, and the one place that makes them."""

import os
import threading
import time
from typing import NewType
from uuid import UUID

AlertId = NewType("AlertId", UUID)
GroupId = NewType("GroupId", UUID)
IncidentId = NewType("IncidentId", UUID)
NotificationId = NewType("NotificationId", UUID)
PageId = NewType("PageId", UUID)
PersonId = NewType("PersonId", UUID)
PolicyId = NewType("PolicyId", UUID)
ScheduleId = NewType("ScheduleId", UUID)

_lock = threading.Lock()
_last_ns = 0


def uuid7() -> UUID:
    """Return a new UUIDv7 (RFC 9562, method 3): 48 bits of ms, 12 bits of sub-ms, 62 random.

    Strictly increasing inside one process, so ids of one writer sort in the order they were made.
    """
    global _last_ns  # noqa: PLW0603 - the counter is the point: two calls never share a stamp
    with _lock:
        _last_ns = stamp_ns = max(time.time_ns(), _last_ns + 250)
    ms, rest_ns = divmod(stamp_ns, 1_000_000)
    sub_ms = rest_ns * 4096 // 1_000_000
    tail = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=ms << 80 | 0x7 << 76 | sub_ms << 64 | 0b10 << 62 | tail)
