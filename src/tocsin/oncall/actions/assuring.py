"""Keep what the nightly check of all paths has found, and say what is new in it."""

from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.core.assurance import Assurance
from tocsin.oncall.core.assurance.news import key_of, news


async def keep_assurance(unit: Unit, found: Assurance) -> None:
    """Put a check in the place of the last one; an event for each path that has changed."""
    unit.require("page:watch")
    before = await store.checked(unit.conn)
    known = before.found if before else None
    new = news(known, before.alarmed if before else (), found)
    for line in new.lost:
        key = key_of(line.path)
        since = next(one.start_at for one in line.holes if one.after_s is None)
        unit.record(events.PathLost(route=key.route, policy=key.policy, since=since))
    for key in new.over:
        unit.record(events.PathProven(route=key.route, policy=key.policy))
    await store.keep_checked(unit.conn, unit.now, found, new.alarmed)
