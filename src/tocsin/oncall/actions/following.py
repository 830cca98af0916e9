"""What follows when an attempt is over, whoever says so: the provider's answer or a receipt."""

from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import reads, store
from tocsin.oncall.actions.stepping import carry_out
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.page import step
from tocsin.oncall.core.reachability import reachable
from tocsin.oncall.model import Notification, NotifyRules, Page, Person


async def follow(
    unit: Unit, page: Page, notification: Notification, outcome: inputs.Outcome
) -> effects.Retry | None:
    """Let a locked page answer how an attempt ended; a Retry says when the next one is due."""
    unit.require("page:step")
    person = unit.config(Directory).people.get(notification.person_id)
    skips = isinstance(outcome, inputs.TransientFailure)
    happened = inputs.AttemptEnded(
        notification=notification,
        outcome=outcome,
        siblings=await _siblings(unit, page, notification, outcome),
        methods=tuple(m.kind for m in person.methods) if person and person.active else (),
        sure=await _sure(unit, person, notification, outcome),
        notify=person.notify if person else NotifyRules(),
        skipped_count=await store.skipped_count(unit.conn, notification.id) if skips else 0,
    )
    after, found = step(page, happened, unit.now)
    await carry_out(found, unit, before=page, page=after)
    return next((one for one in found if isinstance(one, effects.Retry)), None)


async def _sure(
    unit: Unit, person: Person | None, notification: Notification, outcome: inputs.Outcome
) -> frozenset[int] | None:
    """Return which methods surely reach a person; asked only where their provider is down."""
    if (
        person is None
        or not isinstance(outcome, inputs.TransientFailure)
        or not outcome.skipped
    ):
        return None
    known = await reads.contact_states(unit, person.id)
    found = reachable(person, known.get(person.id, {})).methods
    is_low = notification.urgency is Urgency.LOW
    return frozenset(one.index for one in found if one.wakes or (is_low and one.arrives))


async def _siblings(
    unit: Unit, page: Page, notification: Notification, outcome: inputs.Outcome
) -> tuple[Notification, ...]:
    """Return who else was called with it; after a success nobody asks."""
    if isinstance(outcome, inputs.Sent):
        return ()
    return await store.siblings(unit.conn, page.id, notification.rung)
