"""What a page needs to know whom it reaches: overrides, swaps and leave, in one statement."""

from datetime import timedelta

from msgspec.structs import replace

from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.ladder import Ladder
from tocsin.oncall.model import Page

AHEAD = timedelta(days=31)
"""How far what was agreed is looked at: "next on call" reaches that far."""


async def standing(unit: Unit) -> Directory:
    """Return the directory with what was agreed beside its schedules."""
    unit.require("oncall:read")
    return await _standing(unit)


async def ladder_of(unit: Unit, page: Page) -> Ladder:
    """Say whom a page reaches now."""
    unit.require("oncall:read")
    return (await _standing(unit)).ladder_of(page, unit.now)


async def _standing(unit: Unit) -> Directory:
    directory = unit.config(Directory)
    if not directory.schedules:
        return directory
    agreed = await store.overrides(unit.conn, unit.now, unit.now + AHEAD)
    return replace(directory, overrides=agreed) if agreed else directory
