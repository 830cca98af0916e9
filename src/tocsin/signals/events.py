"""What intake can say has happened."""

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
