"""What flows and people can ask of an incident's pages: call, ask for somebody, escalate, close."""

from collections.abc import Sequence

from msgspec.structs import replace

from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.ids import IncidentId, PageId, PersonId, PolicyId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import events, store
from tocsin.oncall.actions.loading import ladder_of
from tocsin.oncall.actions.stepping import advance
from tocsin.oncall.core import inputs
from tocsin.oncall.core.audience import may_see
from tocsin.oncall.core.config import NO_POLICY, Directory
from tocsin.oncall.core.page import afresh, is_in_hand, new_page
from tocsin.oncall.model import Brief, Page, PageState, Policy, Scope, Target

EVERYONES = Scope()


async def call(
    unit: Unit,
    incident_id: IncidentId,
    policy: str,
    brief: Brief,
    scope: Scope = EVERYONES,
    urgency: Urgency = Urgency.HIGH,
) -> None:
    """See to it that a policy calls for an incident, or that somebody has it in hand.

    Each policy has a page of its own. One that still looks for somebody, or that somebody has
    taken, stays as it is; one that is over, or whose acknowledgement nobody will ask about any
    more, begins again. One of low urgency that is urgent now calls at once. A new page is as
    restricted as the incident's others.
    """
    unit.require("page:open")
    wanted = unit.config(Directory).policy(policy)
    await _call(unit, incident_id, wanted, brief, scope, urgency)


async def _call(  # noqa: PLR0913 - what `call` takes, and in whose place
    unit: Unit,
    incident_id: IncidentId,
    wanted: Policy,
    brief: Brief,
    scope: Scope,
    urgency: Urgency,
    *,
    moved: Page | None = None,
) -> None:
    pages = await store.pages_of_for_update(unit.conn, incident_id)
    directory = unit.config(Directory)
    own = [p for p in pages if not p.requested and _routed(directory, p) == wanted.id]
    if not own:
        page = _new(unit, incident_id, wanted.id, _inherited(scope, pages, wanted.team))
        page = replace(page, urgency=urgency, ticket=await ticket_of(unit, wanted))
        page = _as_handed(page, moved)
        await store.add_page(unit.conn, page, brief)
        unit.record(
            events.PageOpened(
                page_id=page.id, incident_id=incident_id, policy_id=wanted.id,
                policy=wanted.name, urgency=urgency,
            )
        )  # fmt: skip
        await advance(page, inputs.Trigger(await ladder_of(unit, page)), unit)
    elif not any(is_in_hand(page) for page in own):
        await _again(unit, own[-1], urgency, moved.assigned if moved else None)
    elif urgency is Urgency.HIGH and not any(_is_urgent(page) for page in own):
        low = next(page for page in own if page.state is not PageState.RESOLVED)
        ladder = await ladder_of(unit, low)
        await advance(low, inputs.Raise(ladder), unit)


def _routed(directory: Directory, page: Page) -> PolicyId:
    """Name the policy by which the routes call a page, whomever it was handed to."""
    return directory.policy_by_id(afresh(page).policy_id).id


def _is_urgent(page: Page) -> bool:
    return page.state is not PageState.RESOLVED and page.urgency is Urgency.HIGH


async def _again(
    unit: Unit, page: Page, urgency: Urgency, assigned: Target | None = None
) -> None:
    """Begin a page from the first step of its policy, whomever it was handed to before."""
    ladder = await ladder_of(unit, replace(afresh(page), assigned=assigned))
    await advance(page, inputs.Retrigger(ladder, urgency, assigned), unit)


def _as_handed(page: Page, moved: Page | None) -> Page:
    """Let a page call first whom `moved`, in whose place it comes, was handed to."""
    if moved is None or moved.assigned is None:
        return page
    return replace(
        page, assigned=moved.assigned, moved_by=moved.moved_by, called_for=moved.called_for
    )


async def ticket_of(unit: Unit, policy: Policy) -> int:
    """Draw the number of a new page of a policy whose people take turns; 0 where nobody does."""
    unit.require("self:write")
    if not any(step.round_robin for step in policy.steps):
        return 0
    return await store.next_ticket(unit.conn, policy.id)


async def call_again(unit: Unit, incident_id: IncidentId, policies: Sequence[str]) -> None:
    """Begin the pages of these policies again that somebody has taken; others stay as they are."""
    unit.require("page:open")
    directory = unit.config(Directory)
    wanted = {directory.policy(name).id for name in policies}
    for page in await store.pages_of_for_update(unit.conn, incident_id):
        if (
            page.state is PageState.ACKNOWLEDGED
            and not page.requested
            and _routed(directory, page) in wanted
        ):
            await _again(unit, page, page.urgency)


async def call_on(
    unit: Unit, from_id: IncidentId, to_id: IncidentId, brief: Brief, scope: Scope = EVERYONES
) -> None:
    """Call whom an incident still calls for another, of which it has become a part.

    Whom a page was handed to is called first there, unless somebody has its policy's page.
    """
    unit.require("page:open")
    directory = unit.config(Directory)
    # both at once: pages are locked in one order everywhere
    found = await store.pages_of_for_update(unit.conn, from_id, to_id)
    for page in [one for one in found if one.incident_id == from_id]:
        if not (page.is_open or page.is_waiting):
            continue
        if page.asked_person is not None:
            await _call_person(unit, to_id, page.asked_person, brief, scope, page)
        else:
            policy = directory.policy_by_id(page.policy_id)
            await _call(unit, to_id, policy, brief, scope, page.urgency, moved=page)


async def _call_person(
    unit: Unit,
    incident_id: IncidentId,
    person_id: PersonId,
    brief: Brief,
    scope: Scope,
    moved: Page,
) -> None:
    pages = await store.pages_of_for_update(unit.conn, incident_id)
    if any(page.asked_person == person_id and is_in_hand(page) for page in pages):
        return
    page = _new(unit, incident_id, NO_POLICY.id, _inherited(scope, pages), person_id)
    page = _as_handed(page, moved)
    await _ask(unit, page, brief, "")
    ladder = await ladder_of(unit, page)
    await advance(page, inputs.Trigger(ladder), unit)


async def request_person(
    unit: Unit, incident_id: IncidentId, name: str, brief: Brief, scope: Scope = EVERYONES
) -> Page:
    """Call one person for an incident, by a page of its own that they must take themselves.

    While such a page is in hand, asking again changes nothing. Raises Invalid for who is not
    there or cannot be reached.
    """
    unit.require("page:request")
    unit.require_on("page:request", scope.team)
    directory = unit.config(Directory)
    person = directory.person_named(name)
    if not person.active or not person.methods:
        why = "has no contact method" if person.active else "is not active"
        raise Invalid(f"{name} {why}; page somebody else, or a policy", field="person")
    pages = await _visible(unit, incident_id)
    scope = _inherited(scope, pages)
    for page in pages:
        if page.asked_person == person.id and is_in_hand(page):
            return page
    page = _new(unit, incident_id, NO_POLICY.id, scope, person.id)
    await _ask(unit, page, brief, "")
    return await advance(page, inputs.Trigger(await ladder_of(unit, page)), unit)


async def request_policy(
    unit: Unit, incident_id: IncidentId, name: str, brief: Brief, scope: Scope = EVERYONES
) -> Page:
    """Call by a policy for an incident, by a page of its own.

    While the policy still looks for somebody, asking again changes nothing. Raises Invalid for
    a policy that is not there.
    """
    unit.require("page:request")
    unit.require_on("page:request", scope.team)  # the incident's: a policy's opens no other's
    directory = unit.config(Directory)
    policy = directory.policies.get(name)
    if policy is None:
        known = ", ".join(sorted(directory.policies)) or "none"
        raise Invalid(f"there is no policy named {name!r}; known: {known}", field="policy")
    pages = await _visible(unit, incident_id)
    scope = _inherited(scope, pages, policy.team)
    for page in pages:
        if directory.policy_of(page).id == policy.id and page.is_open:
            return page
    page = _new(unit, incident_id, policy.id, scope, requested=True)
    page = replace(page, ticket=await ticket_of(unit, policy))
    await _ask(unit, page, brief, policy.name)
    return await advance(page, inputs.Trigger(await ladder_of(unit, page)), unit)


async def _ask(unit: Unit, page: Page, brief: Brief, policy: str) -> None:
    await store.add_page(unit.conn, page, brief)
    unit.record(
        events.PageRequested(
            page_id=page.id, incident_id=page.incident_id, person_id=unit.actor.person_id,
            asked_person=page.asked_person, policy=policy,
        )
    )  # fmt: skip


async def escalate(unit: Unit, incident_id: IncidentId) -> list[Page]:
    """Call the next step now, of the pages that look for somebody; else of those that were taken.

    Raises Conflict when no page of the incident is left that could climb.
    """
    unit.require("page:escalate")
    pages = [p for p in await _visible(unit, incident_id) if p.state is not PageState.RESOLVED]
    if not pages:
        raise Conflict(
            "no page of this incident is open; page somebody with `tocsin page request`"
        )
    climbed = []
    for page in [page for page in pages if page.is_open] or pages:
        unit.require_on("page:escalate", page.team)
        ladder = await ladder_of(unit, page)
        climbed.append(await advance(page, inputs.Escalate(unit.actor.person_id, ladder), unit))
    return climbed


async def resolve_pages(unit: Unit, incident_id: IncidentId) -> None:
    """Close every page of an incident that is over."""
    unit.require("page:resolve")
    for page in await store.pages_of_for_update(unit.conn, incident_id):
        if page.state is not PageState.RESOLVED:
            await advance(page, inputs.Resolve(), unit)


async def _visible(unit: Unit, incident_id: IncidentId) -> list[Page]:
    """Lock the pages of an incident that the asker may see. Raises NotFound if it hides them all."""
    pages = await store.pages_of_for_update(unit.conn, incident_id)
    visible = [page for page in pages if may_see(page, unit.audience)]
    if pages and not visible:
        raise NotFound("there is no such incident")
    return visible


def _inherited(scope: Scope, pages: Sequence[Page], team: str | None = None) -> Scope:
    """Let what is not said be as it is with the incident's other pages, else with the policy."""
    last = pages[-1] if pages else None
    if last is None:
        return replace(scope, team=scope.team or team)
    return Scope(
        team=scope.team or last.team or team,
        visible_to=scope.visible_to if scope.visible_to is not None else last.visible_to,
    )


def _new(
    unit: Unit,
    incident_id: IncidentId,
    policy_id: PolicyId,
    scope: Scope,
    person_id: PersonId | None = None,
    *,
    requested: bool = False,
) -> Page:
    page = new_page(
        page_id=PageId(uuid7()), incident_id=incident_id, policy_id=policy_id, now=unit.now
    )
    return replace(
        page, team=scope.team, visible_to=scope.visible_to,
        requested=requested or person_id is not None, asked_person=person_id,
    )  # fmt: skip
