"""The invariants I1 to I9, asked of the rows: at every commit, at every rest, over all history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from day_observer import Observer
from day_oracle import callable_sets
from day_org import Org
from day_questions import (
    ALARMS_UNTOLD,
    AT_EVERY_COMMIT,
    AT_REST,
    GIVEN_UP_WITHOUT_NEXT,
    OPEN_PAGES,
    OVER_ALL_HISTORY,
    THE_LOG,
    UNSETTLED,
)

from tocsin.oncall.core.config import ASKED_TIMEOUT_S
from tocsin.oncall.core.page import CATCH_ALL_PATIENCE, RETRIGGERS_MAX

ROUNDS_MAX = 3  # a policy's, with its repeats
ALARM_LATE = timedelta(seconds=60)  # a lease, and the backoff of a job that lost its database


class BrokenPromise(BaseException):
    """An invariant does not hold; its name stands first. No door of the product may catch it."""


def expect(broken: Sequence[tuple[Any, ...]]) -> None:
    """Raise what a query has found, if it has found anything."""
    if broken:
        raise BrokenPromise("; ".join(" ".join(map(str, row)) for row in broken[:5]))


class Promises:
    """Asks, and remembers between two questions what only time can tell."""

    def __init__(self, observer: Observer, org: Org) -> None:
        self._observer = observer
        self._org = org
        self._open_since: dict[tuple[Any, int], datetime] = {}
        self.outages: list[tuple[datetime, datetime]] = []  # when nobody worked

    async def at_every_commit(self) -> None:
        """What must be true in every state that a crash can leave behind."""
        expect(
            await self._observer.rows(
                AT_EVERY_COMMIT,
                retriggers_max=RETRIGGERS_MAX,
                removed=list(self._org.ever_removed),
            )
        )

    async def at_rest(self, now: datetime) -> None:
        """What must be true when somebody worked and nothing is left to do just now."""
        found = await self._observer.rows(
            AT_REST,
            now=now,
            patience=CATCH_ALL_PATIENCE,
            removed=list(self._org.ever_removed),
        )
        expect(found)
        await self._somebody_is_called_in_time(now)

    async def over_all_history(self) -> None:
        """What must never have happened."""
        expect(await self._observer.rows(OVER_ALL_HISTORY))
        for id_, name, method, ended_at in await self._observer.rows(GIVEN_UP_WITHOUT_NEXT):
            if method + 1 < self._org.least_methods(name, ended_at):
                raise BrokenPromise(f"I5 failed and not followed by the next method: {id_}")

    async def in_the_evening(self) -> None:
        """What must be true once everything has been repaired and has had its time."""
        expect(await self._observer.rows(UNSETTLED))
        expect(await self._observer.rows(THE_LOG))
        await self._alarms_were_told()
        await self._steps_were_on_time()
        await self._the_right_people_were_called()

    async def _somebody_is_called_in_time(self, now: datetime) -> None:
        """I2: after the ladder the catch-all; then somebody was told, or an alarm was raised."""
        found = await self._observer.rows(OPEN_PAGES)
        seen = {(row[0], row[1]) for row in found}
        self._open_since = {k: at for k, at in self._open_since.items() if k in seen}
        for page_id, epoch, policy, catch, unpageable, handed, told in found:
            key = (page_id, epoch)
            since = self._open_since.setdefault(key, now)
            ladder_s, every_s = self._org.patience_s(policy)
            ladder_s += ROUNDS_MAX * ASKED_TIMEOUT_S if handed else 0
            patience = timedelta(seconds=ladder_s + 1) + self._out(since, now)
            if now - since > patience and not catch and not unpageable:
                raise BrokenPromise(f"I2 no catch-all after the last step: page {page_id}")
            patience += timedelta(seconds=every_s + 60)
            if now - since > patience and not told and not unpageable:
                raise BrokenPromise(f"I2 nobody told and no alarm: page {page_id}")

    async def _alarms_were_told(self) -> None:
        """I2: an alarm reaches the static contacts, unless somebody was faster than a lease."""
        for id_, at, over_at in await self._observer.rows(ALARMS_UNTOLD):
            if over_at is None or over_at - at > ALARM_LATE + self._out(at, over_at):
                raise BrokenPromise(f"I2 alarm that nobody was told of: {id_}")

    async def _steps_were_on_time(self) -> None:
        """I7: one call of a page follows the other when it said it would, but for outages."""
        found = await self._observer.rows(
            """
            SELECT line FROM kernel.log
             WHERE kind IN ('oncall.step_called', 'oncall.catch_all_called',
                            'oncall.step_skipped', 'oncall.page_held')
             ORDER BY seq
            """
        )
        due: dict[tuple[str, int], datetime] = {}
        for (line,) in found:
            record = msgspec.json.decode(line)
            body = record["body"]
            at = datetime.fromisoformat(record["at"])
            if "until" in body:  # held: whichever epoch it is in goes on then
                for key in [one for one in due if one[0] == body["page_id"]]:
                    due[key] = datetime.fromisoformat(body["until"])
                continue
            key = (body["page_id"], body["epoch"])
            due_at = due.get(key, at)
            if at - due_at > self._out(due_at, at):
                raise BrokenPromise(f"I7 {at - due_at} late: {line}")
            due.pop(key, None)
            if "next_at" in body:  # whoever is skipped does not say when it goes on
                due[key] = datetime.fromisoformat(body["next_at"])

    async def _the_right_people_were_called(self) -> None:
        """I2: a step calls whoever has the turn by the clocks of the schedule's zone."""
        found = await self._observer.rows(
            """
            SELECT l.line, coalesce(r.name, 'default'), asked.name
              FROM kernel.log l
              JOIN oncall.pages p ON p.id = ANY (l.subjects)
              LEFT JOIN kernel.resources r ON r.uid = p.policy_id
              LEFT JOIN kernel.resources asked ON asked.uid = p.asked_person
             WHERE l.kind = 'oncall.step_called'
               AND NOT EXISTS (SELECT 1 FROM watching.events e
                                WHERE e.kind = 'oncall.page_reassigned'
                                  AND p.id = ANY (e.subjects))
            """
        )
        names = dict(
            await self._observer.rows(
                "SELECT uid::text, name FROM kernel.resources WHERE kind = 'Person'"
            )
        )
        for line, policy, asked in found:
            record = msgspec.json.decode(line)
            at, body = datetime.fromisoformat(record["at"]), record["body"]
            called = {names[id_] for id_ in body["people"]}
            if asked is not None:
                if called != {asked}:
                    raise BrokenPromise(f"I2 called {sorted(called)}, not {asked}: {line}")
                continue
            revisions = self._org.revisions_at(at)
            if all(called not in callable_sets(r, policy, body["step"], at) for r in revisions):
                raise BrokenPromise(f"I2 called {sorted(called)}: {line}")

    def _out(self, start: datetime, end: datetime) -> timedelta:
        """Return for how long nobody worked between two instants."""
        overlaps = (min(end, b) - max(start, a) for a, b in self.outages)
        return sum((one for one in overlaps if one > timedelta()), timedelta())
