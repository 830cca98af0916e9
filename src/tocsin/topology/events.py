"""What topology can say has happened."""

from uuid import UUID

from typing_extensions import override

from tocsin.kernel.events import Event, Names


class ChangeRecorded(Event, frozen=True, tag="topology.change_recorded"):
    """Something was deployed, switched or configured; its words are kept beside the log."""

    change_id: UUID
    service: str
    integration: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        what = f"A change of {self.service}" if self.service else "A change"
        return f"{what} was reported by {self.integration}"
