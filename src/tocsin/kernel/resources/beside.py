"""What contexts keep beside the configuration, in rows of their own, and want to hear of edits."""

from datetime import datetime
from typing import Any, Protocol

from psycopg import AsyncConnection

from tocsin.kernel.resources.model import Key
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.unit import Unit


class Beside(Protocol):
    """One for all contexts; `app.py` brings it."""

    async def complete(self, conn: AsyncConnection[Any], snapshot: Snapshot) -> Snapshot:
        """Add to what was compiled what stands in rows: asked once a revision."""
        ...

    async def standing(self, unit: Unit) -> object:
        """Return what decides beside the configuration, for whoever explains a plan."""
        ...

    async def follow(
        self, unit: Unit, before: Snapshot, after: Snapshot, at: datetime, exact: frozenset[Key]
    ) -> None:
        """Do in the unit of an edit what follows from it: it is in force from `at` on.

        Of `exact` somebody has said that this is the instant.
        """
        ...
