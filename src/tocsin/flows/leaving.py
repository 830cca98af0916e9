"""When somebody is gone for good, what was known of their phones and browsers goes with them."""

import tocsin.oncall.actions as oncall
from tocsin.kernel.reactions import Reactions, may
from tocsin.kernel.resources import ResourcesApplied
from tocsin.kernel.unit import Unit


async def forget_who_is_gone(unit: Unit, event: ResourcesApplied) -> None:
    """Whose Person is deleted has no addresses any more: proofs, codes and browsers go as well."""
    await oncall.forget_gone_people(unit, event.changed)


REACTIONS: Reactions = {ResourcesApplied: (may(forget_who_is_gone),)}
