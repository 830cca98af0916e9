"""Hand on what is not sorted yet, and look after what was."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from tocsin.kernel.db import Database
from tocsin.kernel.unit import Unit
from tocsin.signals import store
from tocsin.signals.core.config import IntegrationSpec
from tocsin.signals.core.tally import Tally
from tocsin.signals.events import SignalUnsortable
from tocsin.signals.model import Receipt, Tried
from tocsin.signals.ports import Trier


async def take(
    unit: Unit,
    *,
    lanes: int,
    limit: int,
    senders: Sequence[str] | None = None,
    or_before: datetime | None = None,
) -> list[Receipt]:
    """Move the oldest unsorted receipts of free lanes out of the inbox, into this unit.

    With `senders`, only theirs, and what came `or_before` that.
    """
    unit.require("alert:sort")
    receipts = await store.take(
        unit.conn, lanes=lanes, limit=limit, senders=senders, or_before=or_before
    )
    if receipts:
        await store.archive(unit.conn, receipts)
    return receipts


async def take_light(
    unit: Unit, *, waiting_max: int, limit: int
) -> tuple[list[Receipt], list[str]]:
    """Move what integrations sent that have at most `waiting_max` waiting into this unit.

    Returns with it which integrations have more than that.
    """
    unit.require("alert:sort")
    receipts, heavy = await store.take_light(unit.conn, waiting_max=waiting_max, limit=limit)
    if receipts:
        await store.archive(unit.conn, receipts)
    return receipts, heavy


async def set_aside(unit: Unit, receipt: Receipt, error: str) -> None:
    """Put away a receipt that cannot be sorted, and say so; one that is gone meanwhile is not ours."""
    unit.require("alert:sort")
    if not await store.remove(unit.conn, receipt):
        return
    await store.set_aside(unit.conn, receipt, error)
    unit.record(
        SignalUnsortable(
            receipt_id=receipt.id, integration=receipt.integration, format=receipt.format
        )
    )


async def keep_partitions(
    db: Database, *, now: datetime, retention_days: int, ahead: Sequence[date]
) -> bool:
    """Make the partitions of the days `ahead` and drop those that are past retention.

    False: one of these is still there, since receipts are being read (a backup); come again.
    """
    async with db.connection() as conn:
        present = await store.partitions(conn)
        for day in ahead:
            if day not in present:
                await store.add_partition(conn, day)
        for day in sorted(present):
            is_past = (now.date() - day).days > retention_days
            if is_past and not await store.drop_partition(conn, day):
                return False
        return True


async def flush_tally(db: Database, tally: Tally, *, now: datetime) -> None:
    """Write down what intake has counted since the last call; some seconds may be lost in a crash."""
    found = tally.take()
    if not found:
        return
    try:
        async with db.connection() as conn, conn.transaction():
            await store.add_statistics(conn, found, now)
            await store.add_minutes(conn, found, now)
            await store.add_refusals(conn, found)
            await store.forget_minutes(conn, now - timedelta(hours=2))
    except BaseException:  # also when it is cancelled: Tocsin stops, and looks once more
        tally.put_back(found)
        raise


async def try_out(unit: Unit, trier: Trier, spec: IntegrationSpec, body: bytes) -> Tried:
    """Say what an integration would make of a payload; nothing is kept and nobody is paged."""
    unit.require("integration:try")
    unit.require_on("integration:try", spec.team or None)
    return trier.attempt(spec, body, unit.now)
