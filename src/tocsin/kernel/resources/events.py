"""What can have happened to the configuration."""

from datetime import datetime
from uuid import UUID

from typing_extensions import override

from tocsin.kernel.events import Event, Names

WORDS_MAX = 20  # changes an event names


class ResourcesApplied(Event, frozen=True, tag="kernel.resources_applied"):
    """The configuration has a new revision."""

    revision: int
    changed: tuple[UUID, ...]
    words: tuple[str, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Configuration revision {self.revision}: {', '.join(self.words) or 'no change'}"


class ResourcesScheduled(Event, frozen=True, tag="kernel.resources_scheduled"):
    """Changes were written down for later, or such changes were cancelled."""

    changed: tuple[UUID, ...]
    words: tuple[str, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Configuration for later: {', '.join(self.words)}"


class ScheduledResourcesFailed(Event, frozen=True, tag="kernel.scheduled_resources_failed"):
    """Changes that were due cannot come into force; what was in force stays."""

    batch: UUID
    changed: tuple[UUID, ...]
    due_at: datetime

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        count = len(self.changed)
        return (
            f"{count} scheduled {'change' if count == 1 else 'changes'} of the configuration"
            f" did not come into force at {self.due_at:%Y-%m-%d %H:%M} UTC"
        )
