"""Tocsin with one promise's guard taken out: what the simulation must notice.

Where a guard is SQL or a part that is passed in, the mutant changes that. Where it is a call
inside an action, the name that the action calls is exchanged for the time of a `with`: this
is the only place in the tests that does so, because a seam for it would make the guard easy to
leave out for real.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import ModuleType
from typing import Any, LiteralString

from day_node import Node
from msgspec import Struct
from msgspec.structs import replace
from psycopg import AsyncConnection

from tocsin.kernel import jobs as job_rows
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errand import Errand
from tocsin.kernel.jobs import JobKind
from tocsin.oncall import actions as oncall
from tocsin.oncall import store
from tocsin.oncall.actions import PageTimer, delivery, following, stepping
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.page import step
from tocsin.oncall.model import Notification, Page
from tocsin.signals.actions import pinging
from tocsin.signals.core.heartbeat import Outcome, Step, heard, look
from tocsin.signals.core.heartbeat_alert import Word, word
from tocsin.signals.model import Beat, BeatState, Deaf, Heartbeat, Ping, PingKind, Rule
from tocsin.triage.core import storm
from tocsin.triage.model import Group

Stepped = tuple[Page, tuple[effects.Effect, ...]]


class Mutant(Struct, frozen=True, kw_only=True):
    """What is different: in the database, in each process, and in the names actions call."""

    why: str
    sql: LiteralString = ""
    parts: Callable[[Node], None] | None = None
    storms: bool = False  # each of its days has one
    heartbeats: bool = False  # each of its days has jobs that ping
    swaps: tuple[tuple[ModuleType, str, object], ...] = ()

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Exchange the names, and put them back."""
        with ExitStack() as back:
            for module, name, other in self.swaps:
                back.callback(setattr, module, name, getattr(module, name))
                setattr(module, name, other)
            yield


def _never_silenced(page: Page, notification: Notification) -> None:
    """Claim whatever the page has become meanwhile."""


async def _done_first(errand: Errand, job: PageTimer) -> None:
    """Do a timer's work in a second transaction, after the one that takes it."""
    await errand.units.run(SYSTEM, errand.done)
    await errand.units.run(SYSTEM, lambda unit: oncall.timer_is_due(unit, job))


def _timers_outside_of_the_transaction(node: Node) -> None:
    kinds = node.app.worker.kinds.by_name
    name = job_rows.name_of(PageTimer)
    kinds[name] = JobKind(job=PageTimer, mode="errand", run=_done_first)


def _without_catch_all(page: Page, happened: inputs.Input, now: datetime) -> Stepped:
    """Climb as ever, but tell nobody once the steps are at their end."""
    after, found = step(page, happened, now)
    if after.catch == page.catch:
        return after, found
    kept = tuple(one for one in found if isinstance(one, effects.SetTimer))
    return after, (effects.LoopRestarted(after.loop, after.loop), *kept)


def _without_fallback(page: Page, happened: inputs.Input, now: datetime) -> Stepped:
    """Give a method up, and leave it at that."""
    after, found = step(page, happened, now)
    if isinstance(happened, inputs.AttemptEnded):
        lost = effects.Notify | effects.Hurry
        found = tuple(one for one in found if not isinstance(one, lost))
    return after, found


async def _add_notification(conn: AsyncConnection[Any], notification: Notification) -> bool:
    await conn.execute(
        """
        INSERT INTO oncall.notifications
               (id, page_id, epoch, loop, step, catch, person_id, rule, method, kind, state,
                attempt_count, queued_at, due_at, urgency, bundle, tried_at)
        VALUES (%(id)s, %(page_id)s, %(epoch)s, %(loop)s, %(step)s, %(catch)s, %(person_id)s,
                %(rule)s, %(method)s, %(kind)s, %(state)s, %(attempt_count)s, %(queued_at)s,
                %(due_at)s, %(urgency)s, %(bundle)s, %(tried_at)s)
        """,
        {name: getattr(notification, name) for name in Notification.__struct_fields__},
    )
    return True


def _said_twice(page: Page, happened: inputs.Input, now: datetime) -> Stepped:
    """Give each order to tell somebody twice."""
    after, found = step(page, happened, now)
    return after, (*found, *(one for one in found if isinstance(one, effects.Notify)))


def _sleeps_for_ever(page: Page, happened: inputs.Input, now: datetime) -> Stepped:
    """Put a page off, or hold it, and set nothing that would wake it."""
    after, found = step(page, happened, now)
    if after.is_waiting:
        found = tuple(one for one in found if not isinstance(one, effects.SetTimer))
    return after, found


def _never_lasts(group: Group | None, now: datetime) -> bool:
    """Forget a storm as soon as the minute is over in which it began."""
    return False


def _never_deaf(beat: Beat, rule: Rule, now: datetime, deaf: Deaf | None = None) -> Step:
    """Look at a heartbeat as if pings had been heard all the while."""
    return look(beat, rule, now)


def _untold(
    one: Heartbeat, before: Beat, outcome: Outcome, ping: Ping | None, now: datetime
) -> Word | None:
    """Say what a ping means, and nothing of one that did not come."""
    return None if ping is None else word(one, before, outcome, ping, now)


def _never_put_off(beat: Beat, rule: Rule, kind: PingKind, now: datetime) -> Step:
    """Take a ping in, but look when one was due before."""
    after = heard(beat, rule, kind, now)
    if beat.state is not BeatState.UP or after.beat.state is not BeatState.UP:
        return after
    return Step(replace(after.beat, due_at=beat.due_at), after.outcome)


MUTANTS: Mapping[str, Mutant] = {
    "epoch": Mutant(
        why="a claim does not ask whether the page has moved on",
        swaps=((delivery, "silenced", _never_silenced),),
    ),
    "lease": Mutant(
        why="an errand that somebody works on is taken by anybody",
        sql="""
        CREATE FUNCTION watching.no_lease() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.leased_until = NULL;
            RETURN NEW;
        END $$;
        CREATE TRIGGER no_lease BEFORE UPDATE ON kernel.jobs
            FOR EACH ROW EXECUTE FUNCTION watching.no_lease();
        """,
    ),
    "timer": Mutant(
        why="a timer is gone before what it asks for, the next timer included, is committed",
        parts=_timers_outside_of_the_transaction,
    ),
    "catch-all": Mutant(
        why="nobody is called, and nothing said, when the steps are at their end",
        swaps=((stepping, "step", _without_catch_all),),
    ),
    # A page's row lock stands in front of the key, so the mutant also gives every order twice.
    "unique key": Mutant(
        why="a message may be queued twice under one key",
        sql="""
        ALTER TABLE oncall.notifications DROP CONSTRAINT
            notifications_page_id_epoch_loop_step_catch_person_id_rule__key
        """,
        swaps=(
            (stepping, "step", _said_twice),
            (following, "step", _said_twice),
            (store, "add_notification", _add_notification),
        ),
    ),
    "storm": Mutant(
        why="a storm that goes on opens an incident for each of its alerts again",
        storms=True,
        swaps=((storm, "lasts", _never_lasts),),
    ),
    "wake": Mutant(
        why="nothing wakes a page that was snoozed or held",
        swaps=((stepping, "step", _sleeps_for_ever),),
    ),
    "deafness": Mutant(
        why="who could not ping while nobody heard is missed as if it had stayed away",
        heartbeats=True,
        swaps=((pinging, "look", _never_deaf),),
    ),
    "missed": Mutant(
        why="a heartbeat is marked down and nobody is told",
        heartbeats=True,
        swaps=((pinging, "word", _untold),),
    ),
    "in time": Mutant(
        why="a ping does not put off when the next one is due",
        heartbeats=True,
        swaps=((pinging, "heard", _never_put_off),),
    ),
    "fallback": Mutant(
        why="a method that failed is not followed by the next one",
        swaps=((following, "step", _without_fallback),),
    ),
}

HARMLESS = Mutant(
    why="every order to tell somebody is given twice, and the key folds the two",
    swaps=((stepping, "step", _said_twice), (following, "step", _said_twice)),
)
