"""What the person who was called does: acknowledge."""

from collections.abc import Sequence

from tocsin.kernel.errors import Forbidden, NotFound
from tocsin.kernel.ids import IncidentId, PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.stepping import advance
from tocsin.oncall.core import inputs
from tocsin.oncall.core.audience import may_see
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Page


async def acknowledge(unit: Unit, page_id: PageId, *, channel: str) -> Page:
    """Take a page: nothing older is sent any more. Too late or twice changes nothing.

    Who was called for it always may, whatever their role and whoever may see the incident; but
    not by a token that was made for less than they may do.
    """
    unit.require("self:write")
    page = await store.page_for_update(unit.conn, page_id)
    await _refuse_strangers(unit, page)
    return await _take(unit, page, channel)


async def acknowledge_incident(
    unit: Unit, incident_id: IncidentId, *, channel: str
) -> list[Page]:
    """Take all pages of an incident that are not over and that the asker may take."""
    unit.require("self:write")
    pages = await store.pages_of_for_update(unit.conn, incident_id)
    if not pages:
        unit.require("page:acknowledge")
    taken, refusal = [], None
    for page in pages:
        try:
            await _refuse_strangers(unit, page)
        except (Forbidden, NotFound) as refused:
            refusal = refused
        else:
            taken.append(await _take(unit, page, channel))
    if refusal is not None and not taken:
        raise refusal
    return taken


async def acknowledge_for_sender(
    unit: Unit, incident_id: IncidentId, policies: Sequence[str], *, channel: str, via: str
) -> None:
    """Take the pages by which these policies call for an incident, as the sender `via` says.

    The others are about alerts of other senders, or were asked for by people.
    """
    unit.require("page:acknowledge")
    directory = unit.config(Directory)
    wanted = {directory.policy(name).id for name in policies}
    for page in await store.pages_of_for_update(unit.conn, incident_id):
        if not page.requested and directory.policy_of(page).id in wanted:
            await _take(unit, page, channel, via)


async def _refuse_strangers(unit: Unit, page: Page) -> None:
    by = None if unit.actor.is_narrow else unit.actor.person_id
    if by is not None and await store.was_told(unit.conn, page.id, by):
        return
    if not may_see(page, unit.audience):
        raise NotFound(f"no page {page.id}")
    unit.require_on("page:acknowledge", page.team)


async def _take(unit: Unit, page: Page, channel: str, via: str = "") -> Page:
    policy = unit.config(Directory).policy_of(page)
    happened = inputs.Acknowledge(unit.actor.person_id, policy.ack_timeout_s, via)
    return await advance(page, happened, unit, channel=channel)
