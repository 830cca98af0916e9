"""What the person who was called does: acknowledge, put off, hand back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import IncidentId, PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.loading import ladder_of
from tocsin.oncall.actions.stepping import advance
from tocsin.oncall.core import inputs
from tocsin.oncall.core.audience import may_see
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.page import afresh
from tocsin.oncall.core.receipt import kind_of
from tocsin.oncall.model import Page, PageState

SNOOZE_MAX = timedelta(days=7)
SNOOZE_MIN = timedelta(minutes=1)
_IN_HAND = (PageState.ACKNOWLEDGED, PageState.SNOOZED)


async def acknowledge(unit: Unit, page_id: PageId, *, channel: str) -> Page:
    """Take a page: nothing older is sent any more. Too late or twice changes nothing.

    Who was called for it always may, whatever their role and whoever may see the incident; but
    not by a token that was made for less than they may do.
    """
    unit.require("self:write")
    page = await store.page_for_update(unit.conn, page_id)
    await _refuse_strangers(unit, page)
    return await _take(unit, page, channel)


async def acknowledge_bundle(
    unit: Unit, page_id: PageId, bundle: UUID, *, channel: str
) -> list[Page]:
    """Take a page, and all others that one message told the asker of.

    A bundle of nobody's holds none. Raises NotFound for a page that is not there.
    """
    unit.require("self:write")
    by = unit.actor.person_id
    others = await store.bundled(unit.conn, by, bundle) if by else []
    # all at once: pages are locked in one order everywhere
    pages = await store.pages_for_update(unit.conn, [page_id, *others])
    if page_id not in pages:
        raise NotFound(f"no page {page_id}")
    for page in pages.values():
        await _refuse_strangers(unit, page)
    return [await _take(unit, page, channel) for page in pages.values()]


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
        if not page.requested and directory.policy_by_id(afresh(page).policy_id).id in wanted:
            await _take(unit, page, channel, via)


async def snooze(unit: Unit, page_id: PageId, *, until: datetime, channel: str) -> Page:
    """Put a page off: nobody is called for it before `until`, and then its first step.

    What may be acknowledged may be snoozed, by the same people. Raises Invalid for less than a
    minute or more than 7 days, Conflict for what is over.
    """
    unit.require("self:write")
    if not unit.now + SNOOZE_MIN <= until <= unit.now + SNOOZE_MAX:
        raise Invalid(
            f"snooze for a minute at least and {SNOOZE_MAX.days} days at most", field="until"
        )
    page = await store.page_for_update(unit.conn, page_id)
    if not await _was_told(unit, page):
        unit.require_on("page:snooze", page.team)
    if page.state is PageState.RESOLVED:
        raise Conflict("this page is over: there is nothing to put off")
    happened = inputs.Snooze(unit.actor.person_id, until)
    return await advance(page, happened, unit, channel=channel)


async def snooze_incident(
    unit: Unit, incident_id: IncidentId, *, until: datetime, channel: str
) -> list[Page]:
    """Put off all pages of an incident that are not over. Raises Conflict where there is none."""
    unit.require("self:write")
    found = await store.pages_of_for_update(unit.conn, incident_id)
    left = [page for page in found if page.state is not PageState.RESOLVED]
    if not left:
        raise Conflict("no page of this incident is open: there is nothing to put off")
    return [await snooze(unit, page.id, until=until, channel=channel) for page in left]


async def hand_back_incident(unit: Unit, incident_id: IncidentId) -> list[Page]:
    """Hand back all pages of an incident that somebody has. Raises Conflict where nobody has."""
    unit.require("self:write")
    found = await store.pages_of_for_update(unit.conn, incident_id)
    taken = [page for page in found if page.state in _IN_HAND]
    if not taken:
        raise Conflict("nobody has a page of this incident who could hand it back")
    return [await hand_back(unit, page.id) for page in taken]


async def hand_back(unit: Unit, page_id: PageId) -> Page:
    """Take back an acknowledgement, or end a snooze: the page calls from its first step again.

    Raises Conflict for a page that nobody has taken.
    """
    unit.require("self:write")
    page = await store.page_for_update(unit.conn, page_id)
    if not await _was_told(unit, page):
        unit.require_on("page:reassign", page.team)
    if page.state not in _IN_HAND:
        raise Conflict(f"this page is {page.state}: nobody has it who could hand it back")
    ladder = await ladder_of(unit, page)
    return await advance(page, inputs.HandBack(unit.actor.person_id, ladder), unit)


async def _refuse_strangers(unit: Unit, page: Page) -> None:
    if not await _was_told(unit, page):
        unit.require_on("page:acknowledge", page.team)


async def _was_told(unit: Unit, page: Page) -> bool:
    """Say whether the asker was called for a page. Raises NotFound for who may not see it either."""
    by = None if unit.actor.is_narrow else unit.actor.person_id
    if by is not None and await store.was_told(unit.conn, page.id, by):
        return True
    if not may_see(page, unit.audience):
        raise NotFound(f"no page {page.id}")
    return False


async def _take(unit: Unit, page: Page, channel: str, via: str = "") -> Page:
    policy = unit.config(Directory).policy_of(page)
    by, kind = unit.actor.person_id, kind_of(channel)
    if by is not None and kind is not None:
        await store.mark_answered(unit.conn, page.id, by, kind, unit.now)
    happened = inputs.Acknowledge(by, policy.ack_timeout_s, via)
    return await advance(page, happened, unit, channel=channel)
