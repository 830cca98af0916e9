"""What follows when an attempt is over, whoever says so: the provider's answer or a receipt."""

from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.stepping import carry_out
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.page import step
from tocsin.oncall.model import Notification, NotifyRules, Page


async def follow(
    unit: Unit, page: Page, notification: Notification, outcome: inputs.Outcome
) -> effects.Retry | None:
    """Let a locked page answer how an attempt ended; a Retry says when the next one is due."""
    unit.require("page:step")
    person = unit.config(Directory).people.get(notification.person_id)
    happened = inputs.AttemptEnded(
        notification=notification,
        outcome=outcome,
        siblings=await _siblings(unit, page, notification, outcome),
        methods=tuple(m.kind for m in person.methods) if person and person.active else (),
        notify=person.notify if person else NotifyRules(),
    )
    after, found = step(page, happened, unit.now)
    await carry_out(found, unit, before=page, page=after)
    return next((one for one in found if isinstance(one, effects.Retry)), None)


async def _siblings(
    unit: Unit, page: Page, notification: Notification, outcome: inputs.Outcome
) -> tuple[Notification, ...]:
    """Return who else was called with it; after a success nobody asks."""
    if isinstance(outcome, inputs.Sent):
        return ()
    return await store.siblings(unit.conn, page.id, notification.rung)
