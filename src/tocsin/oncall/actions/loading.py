"""What a page needs to know whom it reaches: overrides, swaps and leave, in one statement."""

from datetime import timedelta

from msgspec.structs import replace

from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.ladder import Ladder, is_looking_ahead, schedules_of
from tocsin.oncall.model import Page

AHEAD = timedelta(days=31)
"""How far what was agreed is looked at: "next on call" reaches that far."""
AT_NOW = timedelta(seconds=1)
"""How far where only who is on call is asked for."""


async def standing(unit: Unit) -> Directory:
    """Return the directory with what was agreed beside its schedules."""
    unit.require("oncall:read")
    directory = unit.config(Directory)
    if not directory.schedules:
        return directory
    agreed = await store.overrides(unit.conn, unit.now, unit.now + AHEAD)
    return replace(directory, overrides=agreed) if agreed else directory


async def ladder_of(unit: Unit, page: Page) -> Ladder:
    """Say whom a page reaches now; only what was agreed of the schedules it calls is loaded."""
    unit.require("oncall:read")
    directory = unit.config(Directory)
    policy = directory.policy_of(page)
    asked = schedules_of(policy, directory.schedules)
    if asked:
        end = unit.now + (AHEAD if is_looking_ahead(policy) else AT_NOW)
        agreed = await store.overrides(unit.conn, unit.now, end, asked)
        directory = replace(directory, overrides=agreed) if agreed else directory
    return directory.ladder_of(page, unit.now)
