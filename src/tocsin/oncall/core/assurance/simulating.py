"""Let one page climb that nobody answers, by the machine's own step: whom it calls when. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import IncidentId, PageId, PersonId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance.stands import States
from tocsin.oncall.core.climbing import climb
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.effects import (
    CatchAllCalled,
    Effect,
    Escalated,
    Held,
    NobodyAt,
    Notify,
    SetTimer,
)
from tocsin.oncall.core.ladder import Missing, resolve
from tocsin.oncall.core.page import new_page
from tocsin.oncall.core.reachability import reachable
from tocsin.oncall.model import MethodKind, Page, Policy

_NOBODY = UUID(int=0)
CLIMBS_MAX = 700
"""More than any policy has: sixty calls a round, ten rounds."""


class SimulatedTell(Struct, frozen=True, kw_only=True):
    """One message to one person; `wakes`: verified, and breaks through Do Not Disturb.

    `counts`: enough for the page, which of low urgency need not wake anybody.
    """

    person_id: PersonId
    kind: MethodKind
    at: datetime
    wakes: bool
    counts: bool


class SimulatedCall(Struct, frozen=True, kw_only=True):
    """One rung at its instant; `step` counts from 1 and is 0 for the catch-all.

    `missing` are targets that yield nobody. `held_until`: nothing is called before that, because
    of a public `holiday` or of the hours alone.
    """

    at: datetime
    round: int
    step: int
    tells: tuple[SimulatedTell, ...] = ()
    missing: tuple[Missing, ...] = ()
    held_until: datetime | None = None
    holiday: str = ""


class Simulated(Struct, frozen=True, kw_only=True):
    """A page from its alert to the first call of the catch-all.

    `after_s` on the first message leaves that counts; None: none does.
    """

    at: datetime
    calls: tuple[SimulatedCall, ...]
    after_s: float | None


def simulate(
    policy: Policy,
    directory: Directory,
    states: States,
    now: datetime,
    urgency: Urgency = Urgency.HIGH,
    ticket: int = 0,
) -> Simulated:
    """Call rung by rung, each as it stands when its time comes; nobody answers, nobody is told.

    `ticket` is the page's number, for steps that take turns.
    """
    calls = tuple(_climbed(policy, directory, states, now, urgency, ticket))
    counted = [tell.at for call in calls for tell in call.tells if tell.counts]
    after_s = (min(counted) - now).total_seconds() if counted else None
    return Simulated(at=now, calls=calls, after_s=after_s)


def _climbed(
    policy: Policy, directory: Directory, states: States, now: datetime, urgency: Urgency,
    ticket: int,
) -> Iterator[SimulatedCall]:  # fmt: skip
    page = new_page(
        page_id=PageId(_NOBODY), incident_id=IncidentId(_NOBODY), policy_id=policy.id, now=now
    )
    page = replace(page, urgency=urgency, ticket=ticket, epoch=1)
    at = now
    for _ in range(CLIMBS_MAX):
        ladder = resolve(policy, directory.people, directory.timelines(at), at, directory.teams)
        page, effects = climb(page, ladder, at)
        yield from _calls(page, effects, at, policy, _Telling(directory, states))
        timers = [one.due_at for one in effects if isinstance(one, SetTimer)]
        if page.catch or not timers:
            return
        at = timers[0]


class _Telling(Struct, frozen=True):
    directory: Directory
    states: States

    def of(self, notify: Notify, at: datetime, page: Urgency) -> SimulatedTell:
        """Say what one order to tell somebody means."""
        person = self.directory.people[notify.person_id]
        found = reachable(person, self.states.get(person.id, {})).methods[notify.method]
        low = page is Urgency.LOW
        is_loud = notify.urgency is Urgency.HIGH
        return SimulatedTell(
            person_id=person.id, kind=notify.kind, at=notify.due_at or at,
            wakes=found.wakes and is_loud,
            counts=found.arrives if low else found.wakes and is_loud,
        )  # fmt: skip


def _calls(
    page: Page, effects: Sequence[Effect], at: datetime, policy: Policy, telling: _Telling
) -> Iterator[SimulatedCall]:
    tells = tuple(
        telling.of(one, at, page.urgency) for one in effects if isinstance(one, Notify)
    )
    for one in effects:
        match one:
            case NobodyAt(rung, missing):
                step = 0 if rung.catch else written_step(policy, rung.step)
                yield SimulatedCall(at=at, round=rung.loop + 1, step=step, missing=missing)
            case Escalated():
                step = written_step(policy, one.rung.step)
                yield SimulatedCall(
                    at=at, round=one.rung.loop + 1, step=step, tells=tells, missing=one.missing
                )
            case CatchAllCalled():
                yield SimulatedCall(
                    at=at, round=page.loop + 1, step=0, tells=tells, missing=one.missing
                )
            case Held():
                is_over = page.step + 1 >= len(policy.steps)
                step = 0 if is_over else written_step(policy, page.step + 1)
                yield SimulatedCall(
                    at=at, round=page.loop + 1, step=step, held_until=one.until,
                    holiday=one.holiday,
                )  # fmt: skip
            case _:
                continue


def written_step(policy: Policy, index: int) -> int:
    """Return the number of a step as it is written, from 1: one that is repeated is one."""
    return sum(step.again == 0 for step in policy.steps[: index + 1])
