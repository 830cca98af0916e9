"""What intake needs from outside: something that reads a vendor's format."""

from datetime import datetime
from typing import Protocol

from tocsin.signals.core.config import IntegrationSpec
from tocsin.signals.model import Signal, Tried

LANES = 16


class Reader(Protocol):
    """The form in which a sender's signals are kept; a pure function."""

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        """Turn a slice back into signals, in order."""
        ...


class Trier(Protocol):
    """Reads a payload as an integration would, and keeps nothing."""

    def attempt(self, spec: IntegrationSpec, body: bytes, now: datetime) -> Tried:
        """Say what signals `body` would make, or what is wrong, field by field."""
        ...
