"""When the configuration changes: schedules go on where they were, heartbeats keep their rows."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tocsin.flows.planning import Standing
from tocsin.kernel.resources.model import Key
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.actions import editing, waking
from tocsin.oncall.core.config import Directory
from tocsin.signals.actions import heartbeats
from tocsin.signals.core.heartbeat_config import Heartbeats


class Schedules:
    """What contexts keep beside their resources; see `kernel/resources/beside.py`."""

    async def complete(self, conn: AsyncConnection[Any], snapshot: Snapshot) -> Snapshot:
        """Add the versions of schedules."""
        directory = await editing.complete(conn, snapshot.part(Directory))
        return Snapshot(snapshot.revision, {**snapshot.parts, Directory: directory})

    async def standing(self, unit: Unit) -> object:
        """Return the directory with versions, overrides, swaps and leave, and what is verified."""
        return Standing(await reads.directory(unit), await reads.contact_states(unit))

    async def follow(
        self, unit: Unit, before: Snapshot, after: Snapshot, at: datetime, exact: frozenset[Key]
    ) -> None:
        """Keep versions of edited schedules and rows of heartbeats; held pages look again."""
        await heartbeats.follow(unit, before.part(Heartbeats), after.part(Heartbeats))
        names = {name for kind, name in exact if kind == "Schedule"}
        directories = before.part(Directory), after.part(Directory)
        await editing.keep_versions(unit, *directories, at, names)
        await waking.look_again(unit, *directories)
