"""How fast intake may go while sorting is behind."""

import asyncio

PACE_MAX_S = 0.5


class Pace:
    """How fast intake may go while sorting is behind: slowed, and never stopped."""

    def __init__(self) -> None:
        self._left: int | None = None  # receipts that may still be kept; None: any number
        self._moved = asyncio.Event()
        self.is_held = False  # somebody waits for `allow`

    @property
    def is_spent(self) -> bool:
        """Say whether nothing may be kept just now."""
        return self._left is not None and self._left <= 0

    def allow(self, receipts: int) -> None:
        """Let so many receipts be kept until the next call; what was too many before counts."""
        self._left = receipts + min(0, self._left or 0)
        self._moved.set()

    def free(self) -> None:
        """Let any number be kept."""
        self._left = None
        self._moved.set()

    async def take(self, receipts: int) -> None:
        """Wait until receipts may be kept, at most PACE_MAX_S: who set the pace may be gone."""
        if self.is_spent:
            await self._hold()
        self.spend(receipts)

    def spend(self, receipts: int) -> None:
        """Count receipts that are kept without waiting: who is next waits for them."""
        if self._left is not None:
            self._left -= receipts

    async def _hold(self) -> None:
        self.is_held = True
        try:
            async with asyncio.timeout(PACE_MAX_S):
                while self.is_spent:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            self.free()
        finally:
            self.is_held = False
