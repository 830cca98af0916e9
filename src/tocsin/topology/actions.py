"""What can be asked of topology: keep a change that somebody reports."""

from datetime import timedelta

from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit
from tocsin.topology import store
from tocsin.topology.events import ChangeRecorded
from tocsin.topology.model import NewChange

KEPT_FOR = timedelta(days=90)
FORGOTTEN_AT_ONCE = 100


async def record_change(unit: Unit, change: NewChange) -> None:
    """Keep a change; the same one, sent again, is not a second one. Old ones make room."""
    unit.require("change:accept")
    unit.require_on("change:accept", None)
    change_id = uuid7()
    if not await store.add_change(unit.conn, change_id, change, unit.now):
        return
    await store.forget_changes(unit.conn, unit.now - KEPT_FOR, limit=FORGOTTEN_AT_ONCE)
    unit.record(
        ChangeRecorded(
            change_id=change_id, service=change.service, integration=change.integration
        )
    )
