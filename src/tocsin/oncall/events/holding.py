"""What can have happened to paging as a whole."""

from typing_extensions import override

from tocsin.kernel.events import Event, Names

_WHY = {"restored": "the database was restored from a backup", "asked": "somebody asked for it"}


class PagingHeld(Event, frozen=True, tag="oncall.paging_held"):
    """Nobody is paged until a person releases it."""

    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"PAGING IS HELD: {_WHY.get(self.reason, self.reason)}"


class PagingReleased(Event, frozen=True, tag="oncall.paging_released"):
    """People are paged again for what is still true."""

    open_count: int
    dropped_count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Paging released; open pages: {self.open_count}"
