"""Intake's rows. The only module that names the tables of schema `signals` for writing."""

from tocsin.signals.store.partitions import (
    add_partition,
    drop_partition,
    partitions,
)
from tocsin.signals.store.receipts import (
    archive,
    keep,
    remove,
    set_aside,
    take,
    take_light,
)
from tocsin.signals.store.statistics import (
    add_minutes,
    add_refusals,
    add_statistics,
    forget_minutes,
)

__all__ = [
    "add_minutes",
    "add_partition",
    "add_refusals",
    "add_statistics",
    "archive",
    "drop_partition",
    "forget_minutes",
    "keep",
    "partitions",
    "remove",
    "set_aside",
    "take",
    "take_light",
]
