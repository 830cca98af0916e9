"""What intake and heartbeats can say has happened."""

from datetime import datetime
from uuid import UUID

from typing_extensions import override

from tocsin.kernel.events import Event, Names


class SignalUnsortable(Event, frozen=True, tag="signals.signal_unsortable"):
    """No rule could read a signal; it is kept aside and somebody is told."""

    receipt_id: UUID
    integration: str
    format: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"A signal from {self.integration} could not be sorted ({self.format})"


class HeartbeatMissed(Event, frozen=True, tag="signals.heartbeat_missed"):
    """A job was not heard of in time; its alert is on its way to be sorted."""

    heartbeat_id: UUID
    heartbeat: str
    expected_at: datetime | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        expected = f", expected at {_utc(self.expected_at)}" if self.expected_at else ""
        return f"Heartbeat {self.heartbeat} was missed{expected}"


class HeartbeatFailed(Event, frozen=True, tag="signals.heartbeat_failed"):
    """A job said that it went wrong; its alert is on its way to be sorted."""

    heartbeat_id: UUID
    heartbeat: str
    exit_code: int | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        code = "" if self.exit_code is None else f" with exit code {self.exit_code}"
        return f"Heartbeat {self.heartbeat} reported a failure{code}"


class HeartbeatRecovered(Event, frozen=True, tag="signals.heartbeat_recovered"):
    """A job that was missed, or had failed, was heard of well again."""

    heartbeat_id: UUID
    heartbeat: str
    down_at: datetime | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        since = f", down since {_utc(self.down_at)}" if self.down_at else ""
        return f"Heartbeat {self.heartbeat} was heard of again{since}"


class HeartbeatPaused(Event, frozen=True, tag="signals.heartbeat_paused"):
    """Somebody has paused a heartbeat by hand."""

    heartbeat_id: UUID
    heartbeat: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Heartbeat {self.heartbeat} was paused"


class HeartbeatResumed(Event, frozen=True, tag="signals.heartbeat_resumed"):
    """Somebody has resumed a heartbeat that was paused by hand."""

    heartbeat_id: UUID
    heartbeat: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Heartbeat {self.heartbeat} was resumed"


class HeartbeatKeyMade(Event, frozen=True, tag="signals.heartbeat_key_made"):
    """A heartbeat got a key; `replaced`: the one it had opens nothing any more."""

    heartbeat_id: UUID
    heartbeat: str
    replaced: bool

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Heartbeat {self.heartbeat} got a {'new' if self.replaced else 'first'} key"


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
