"""What people do with incidents besides answering: declare, merge, split, ask for help, restrict."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from day_org import NAMES
from day_outside import actor

from tocsin.command import actions as command
from tocsin.command import reads as incidents
from tocsin.command.model import Opening
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import GroupId, IncidentId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import actions as oncall
from tocsin.oncall import reads as pages
from tocsin.oncall.actions import Assignee
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import PageState
from tocsin.web.api.notify import NewPage, page_somebody

if TYPE_CHECKING:
    from day import Day

VERBS = (
    "declare", "merge", "merge", "split", "reopen", "request person", "request policy",
    "escalate", "restrict", "restrict", "unrestrict", "note", "edit", "snooze", "snooze",
    "reassign", "reassign", "hand back",
)  # fmt: skip
Act = Callable[[Unit], Awaitable[Any]]


class People:
    """Whoever works on incidents; what somebody else was faster at is refused, and left at that."""

    def __init__(self, day: "Day") -> None:
        self._day = day
        self._asked = day.observer

    async def say(self, verb: str, luck: Random) -> None:
        """Do one thing to whichever incident comes to hand."""
        act = await self._act(verb, luck)
        if act is None:
            return
        who = actor("token", "lead", Role.MANAGER)

        async def run(node: Any) -> None:
            try:
                await node.app.units.run(who, act)
            except (Conflict, Forbidden, Invalid, NotFound) as refused:
                self._day.note(f"refused: {verb}: {refused.detail}")

        await self._day.on_any(run)

    async def _act(self, verb: str, luck: Random) -> Act | None:  # noqa: PLR0911 - one each
        if verb == "declare":
            return await self._declaring(luck)
        chosen = await self._incident(luck, is_over=verb == "reopen")
        if chosen is None:
            return None
        match verb:
            case "merge":
                other = await self._incident(luck, is_over=luck.random() < 0.2)
                if other is None:
                    return None
                return lambda unit: command.merge(unit, chosen, other)
            case "split":
                return lambda unit: _split(unit, chosen, luck)
            case "reopen":
                return lambda unit: command.reopen(unit, chosen)
            case "request person":
                name = luck.choice(NAMES)
                return lambda unit: _request(unit, chosen, NewPage(person=name))
            case "request policy":
                name = luck.choice(("default", "database"))
                return lambda unit: _request(unit, chosen, NewPage(policy=name))
            case "escalate":
                return lambda unit: oncall.escalate(unit, chosen)
            case "snooze":
                lasts = timedelta(minutes=luck.choice((2, 15, 60, 120)))
                return lambda unit: oncall.snooze_incident(
                    unit, chosen, until=unit.now + lasts, channel="web"
                )
            case "hand back":
                return lambda unit: oncall.hand_back_incident(unit, chosen)
            case "reassign":
                to = luck.choice(
                    (Assignee(person=luck.choice(NAMES)), Assignee(schedule="primary"),
                     Assignee(policy=luck.choice(("default", "database"))))
                )  # fmt: skip
                return lambda unit: _reassign(unit, chosen, to)
            case "restrict":
                name = luck.choice(NAMES)
                return lambda unit: _restrict(unit, chosen, name)
            case "unrestrict":
                return lambda unit: command.unrestrict(unit, chosen)
            case "note":
                return lambda unit: command.add_note(unit, chosen, "Looking at it.")
            case _:
                return lambda unit: command.edit(unit, chosen, title="Checkout is down")

    async def _declaring(self, luck: Random) -> Act:
        waiting = await self._asked.rows(
            "SELECT id FROM triage.groups WHERE state = 'waiting' ORDER BY id LIMIT 1"
        )
        opening = Opening(
            title="Customers say that it is slow",
            urgency=luck.choice((Urgency.HIGH, Urgency.HIGH, Urgency.LOW)),
            policy=luck.choice(("default", "database", "", None)),
            groups=tuple(GroupId(row[0]) for row in waiting if luck.random() < 0.5),
        )
        return lambda unit: command.open(unit, opening)

    async def _incident(self, luck: Random, *, is_over: bool) -> IncidentId | None:
        rows = await self._asked.rows(
            """
            SELECT id FROM command.incidents
             WHERE merged_into IS NULL AND (resolved_at IS NOT NULL) = %(is_over)s
             ORDER BY number DESC
             LIMIT 5
            """,
            is_over=is_over,
        )
        return IncidentId(luck.choice(rows)[0]) if rows else None


async def _reassign(unit: Unit, incident_id: IncidentId, to: Assignee) -> None:
    found = (await pages.pages_of(unit, [incident_id])).get(incident_id, [])
    left = [page for page in found if page.state is not PageState.RESOLVED]
    if left:
        await oncall.reassign(unit, left[-1].id, to)


async def _split(unit: Unit, incident_id: IncidentId, luck: Random) -> None:
    found: list[GroupId] = (await incidents.groups_of(unit, [incident_id])).get(incident_id, [])
    chosen = found[: luck.randrange(1, 3)]
    await command.split(unit, incident_id, chosen, "One part of it")


async def _request(unit: Unit, incident_id: IncidentId, asked: NewPage) -> None:
    incident = await incidents.incident(unit, str(incident_id))
    await page_somebody(unit, incident, asked)


async def _restrict(unit: Unit, incident_id: IncidentId, name: str) -> None:
    found = unit.config(Directory).find_person(name)
    people = [PersonId(UUID(str(found.id)))] if found else []
    await command.restrict(unit, incident_id, people, [Role.MANAGER])
