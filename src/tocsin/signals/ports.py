"""What intake needs from outside: something that reads a vendor's format."""

from datetime import datetime
from typing import Protocol

from tocsin.signals.model import Signal, Split

LANES = 16


class Parser(Protocol):
    """One wire format. Both functions are pure."""

    def split(self, body: bytes, *, lanes: int) -> Split:
        """Check a request and cut it by lane. Raises Unreadable, answered in the vendor's words."""
        ...

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        """Turn a slice that `split` has made into signals."""
        ...
