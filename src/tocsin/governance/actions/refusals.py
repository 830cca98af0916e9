"""Record what somebody tried and may not, in a unit of its own: the one that refused is gone."""

from tocsin.governance.actions.limits import is_left
from tocsin.governance.core.limit import REFUSED_RECORD
from tocsin.governance.events import AccessRefused
from tocsin.kernel.actor import Actor
from tocsin.kernel.unit import Unit


async def note_refused(unit: Unit, actor: Actor, *, method: str, route: str) -> None:
    """Record that `actor` was refused, at most every ten minutes for each route.

    `route` is a pattern, since a path may name a person.
    """
    unit.require("session:open")
    if not await is_left(unit.conn, REFUSED_RECORD, f"{actor.id} {method} {route}", unit.now):
        return
    unit.asker = actor  # who did it stands in the log, not who wrote it down
    unit.record(
        AccessRefused(
            actor_id=actor.id,
            person_id=actor.person_id,
            role=actor.role,
            method=method,
            route=route,
        )
    )
