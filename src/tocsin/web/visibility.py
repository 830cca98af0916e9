"""Who may hear that an incident moved: one small memory per process, asked for every listener."""

from collections.abc import Sequence
from uuid import UUID

from tocsin.command import reads as command
from tocsin.command.core.audience import is_seen
from tocsin.kernel.db import Database
from tocsin.kernel.live import Moved

KEPT_MAX = 10_000
# what changes who may see an incident, or one that is part of it
CHANGES = frozenset(
    {
        "command.incident_merged",
        "command.incident_restricted",
        "command.incident_split",
        "command.incident_unrestricted",
    }
)


class Visibility:
    """Remembers to whom each incident is shown, until a record says that this has changed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[UUID, tuple[str, ...] | None] = {}
        self._forgotten_at = -1

    async def is_told(self, moved: Moved, asker: Sequence[str]) -> bool:
        """Say whether somebody of these names may know that this incident moved."""
        if moved.incident_id is None:
            return True
        if moved.kind in CHANGES and moved.seq > self._forgotten_at:
            self._known = {}  # a new one: a look that is under way fills the old one
            self._forgotten_at = moved.seq
        known = self._known
        if moved.incident_id not in known:
            async with self._db.connection() as conn:
                names = await command.visible_to(conn, moved.incident_id)
            if len(known) >= KEPT_MAX:
                known.clear()
            known[moved.incident_id] = names
        return is_seen(known[moved.incident_id], asker)
