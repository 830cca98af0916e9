"""Hand a page to somebody else: a person, whoever has a schedule, a team, or another policy."""

from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.ids import PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.loading import ladder_of
from tocsin.oncall.actions.pages import ticket_of
from tocsin.oncall.actions.stepping import advance
from tocsin.oncall.core import inputs
from tocsin.oncall.core.audience import may_see
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.page import reassigned
from tocsin.oncall.model import (
    Page,
    PageState,
    Person,
    PersonTarget,
    Policy,
    ScheduleTarget,
    TeamTarget,
)


class Assignee(Struct, frozen=True, kw_only=True):
    """To whom a page goes: just one of person, schedule, team and policy, by name.

    `slot` "" is the schedule's first.
    """

    person: str = ""
    schedule: str = ""
    slot: str = ""
    team: str = ""
    policy: str = ""


async def reassign(unit: Unit, page_id: PageId, to: Assignee) -> Page:
    """Call somebody else for a page at once, and its policy after them; or by another policy.

    It begins anew even where somebody had it. Raises Invalid for who is not there or cannot be
    reached, Conflict for what is over.
    """
    unit.require("page:reassign")
    page = await store.page_for_update(unit.conn, page_id)
    if not may_see(page, unit.audience):
        raise NotFound(f"no page {page_id}")
    unit.require_on("page:reassign", page.team)
    if page.state is PageState.RESOLVED:
        raise Conflict("this page is over: there is nothing to hand on")
    directory = unit.config(Directory)
    found = _found(directory, to)
    by = unit.actor.person_id
    target, policy_id, asked = None, page.policy_id, page.asked_person
    ticket = page.ticket
    if isinstance(found, Policy):
        policy_id, asked = found.id, None
        ticket = await ticket_of(unit, found)
    else:
        target = found
    after = reassigned(page, target, policy_id, asked, ticket)
    happened = inputs.Reassign(
        by=by, ladder=await ladder_of(unit, after), target=target, policy_id=policy_id,
        asked_person=asked, ticket=ticket,
    )  # fmt: skip
    unit.record(
        events.PageReassigned(
            page_id=page.id, incident_id=page.incident_id, person_id=by,
            asked_person=found.person if isinstance(found, PersonTarget) else None,
            to=_words(to),
        )
    )  # fmt: skip
    return await advance(page, happened, unit)


def _found(
    directory: Directory, to: Assignee
) -> PersonTarget | ScheduleTarget | TeamTarget | Policy:
    named = [one for one in (to.person, to.schedule, to.team, to.policy) if one]
    if len(named) != 1:
        raise Invalid("name one of person, schedule, team and policy", field="person")
    if to.slot and not to.schedule:
        raise Invalid("slot belongs to a schedule", field="slot")
    if to.person:
        return PersonTarget(_reachable(directory.person_named(to.person), to.person).id)
    if to.schedule:
        return _schedule(directory, to)
    if to.team:
        if not directory.teams.get(to.team):
            raise Invalid(f"there is no team named {to.team!r} with members", field="team")
        return TeamTarget(to.team)
    policy = directory.policies.get(to.policy)
    if policy is None:
        known = ", ".join(sorted(directory.policies)) or "none"
        raise Invalid(f"there is no policy named {to.policy!r}; known: {known}", field="policy")
    return policy


def _reachable(person: Person, name: str) -> Person:
    if not person.active or not person.methods:
        why = "has no contact method" if person.active else "is not active"
        raise Invalid(f"{name} {why}; choose somebody else", field="person")
    return person


def _schedule(directory: Directory, to: Assignee) -> ScheduleTarget:
    for found in directory.schedules.values():
        if found.name == to.schedule:
            if to.slot and to.slot not in found.slots:
                raise Invalid(
                    f"{to.schedule} has no slot {to.slot!r}; known: {', '.join(found.slots)}",
                    field="slot",
                )
            return ScheduleTarget(found.id, to.slot)
    raise Invalid(f"there is no schedule named {to.schedule!r}", field="schedule")


def _words(to: Assignee) -> str:
    if to.schedule:
        return f"schedule {to.schedule}{f', {to.slot}' if to.slot else ''}"
    if to.team:
        return f"team {to.team}"
    return f"policy {to.policy}" if to.policy else ""
