"""What to look at in a schedule before it happens, in words."""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.report import Finding, Trouble
from tocsin.oncall.model import Schedule

LINES = 12


class TroubleLine(Struct, frozen=True, kw_only=True):
    """One thing to look at, from its first instant by the clock of the page; `more` like it follow."""

    words: str
    tone: str
    start_at: datetime
    end_at: datetime
    more: int


async def trouble_lines(unit: Unit, found: Schedule, zone: str) -> list[TroubleLine]:
    """Return what is wrong with a schedule in the next 90 days, soonest first."""
    directory = unit.config(Directory)
    place = ZoneInfo(zone)
    alike: dict[str, list[Finding]] = {}
    for one in await reads.coverage(unit, found):
        alike.setdefault(words(one, directory), []).append(one)
    return [
        TroubleLine(
            words=said,
            tone="warn" if ones[0].trouble is Trouble.SINGLE else "crit",
            start_at=ones[0].start_at.astimezone(place),
            end_at=ones[0].end_at.astimezone(place),
            more=len(ones) - 1,
        )
        for said, ones in list(alike.items())[:LINES]
    ]


def words(one: Finding, directory: Directory) -> str:
    """Say what is wrong."""
    slot = f" ({one.slot})" if one.slot else ""
    who = directory.name_of(one.person_id) if one.person_id else "Nobody"
    return {
        Trouble.GAP: f"Nobody has it{slot}",
        Trouble.UNREACHABLE: f"{who} cannot be woken: {one.why}",
        Trouble.LEAVER: f"{who} has left and still takes turns{slot}",
        Trouble.SINGLE: f"Only {who} ever has it{slot}",
        Trouble.STALE: f"Its calendar is out of date: {one.why}",
        Trouble.BROKEN: f"It cannot be read: {one.why}",
    }[one.trouble]
