"""Says what a draft would do: which fields change, and what people would notice."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from tocsin.kernel.errors import Refused
from tocsin.kernel.resources.apart import uncompared
from tocsin.kernel.resources.checking import Checker
from tocsin.kernel.resources.drafting import Draft, at, instants
from tocsin.kernel.resources.model import Cautions, Change, Explain, Plan, Wanted, World
from tocsin.kernel.resources.secret import kept
from tocsin.kernel.unit import Unit

WORDS_MAX = 100  # sentences of a plan
WARNINGS_MAX = 20
NAMED_MAX = 5


class Planner:
    """Plans, with the words of `explain` and the warnings of `cautions`."""

    def __init__(
        self, checker: Checker, explain: Explain | None, cautions: Cautions | None = None
    ) -> None:
        self._checker = checker
        self._explain = explain
        self._cautions = cautions

    def meant(
        self, unit: Unit, found: World, wanted: Iterable[Wanted]
    ) -> tuple[list[Wanted], tuple[str, ...]]:
        """Put stored secrets where masks stand, and say what is left out of the comparison.

        Private fields of what the asker may not apply are taken to be as stored, or plan after
        plan would tell whether a guess is right. Raises Invalid.
        """
        meant, closed = [], []
        for one in wanted:
            private, teams = self._checker.private_of(found, one)
            if all(unit.actor.may_on("resource:apply", team) for team in teams):
                meant.append(kept(self._checker.kinds, found, one))
            else:
                meant.append(uncompared(self._checker.kinds, found, one, private))
                closed.append("/".join(one.key))
        return meant, _uncompared(closed)

    def plan(self, unit: Unit, found: Draft, standing: object = None) -> Plan:
        """Check a draft and say what it would do. Raises Invalid, Conflict.

        `standing` is what decides beside the configuration, for whoever explains.
        """
        self._checker.check(found)
        return Plan(
            revision=found.before.revision,
            changed=not found.is_empty,
            words=tuple(self._words(found, unit.now, standing)) if self._explain else (),
            changes=tuple(self._shown(unit, found, change) for change in found.changes),
            warnings=self.warnings(found),
        )

    def warnings(self, found: Draft) -> tuple[str, ...]:
        """Say what is unwise about what a checked draft names, and what it brings about beyond."""
        if self._cautions is None:
            return ()
        stood = self._checker.usable(found.before).snapshot
        before = {one.words for one in self._cautions(stood)}
        named = {(one.kind, one.name) for one in found.changes}
        worlds = [found.after]
        worlds += [at(found.after, instant) for instant in instants(found.scheduled)]
        said: dict[str, None] = {}
        for world in worlds:
            for one in self._cautions(self._checker.compile(world)):
                if one.about & named or one.words not in before:
                    said[one.words] = None
        words = tuple(said)
        more = len(words) - WARNINGS_MAX
        return words[:WARNINGS_MAX] + ((f"and {more} more warnings",) if more > 0 else ())

    def _words(self, found: Draft, now: datetime, standing: object) -> Iterable[str]:
        """Say what people would notice, now and at each instant at which more changes."""
        if self._explain is None or found.is_empty:
            return ()
        compiled = self._checker.compile
        words: dict[str, None] = {}
        if found.written or found.deleted:
            before = self._checker.usable(found.before).snapshot
            after = compiled(found.after)
            words |= dict.fromkeys(self._explain(before, after, now, now, standing))
        otherwise = replace(found.after, scheduled=found.before.scheduled)
        for instant in instants((*found.scheduled, *found.cancelled)):
            if instant <= now:
                continue
            try:
                before = compiled(at(otherwise, instant))
            except Refused:
                continue  # what was scheduled would no longer work: that is why it is replaced
            after = compiled(at(found.after, instant))
            words |= dict.fromkeys(self._explain(before, after, now, instant, standing))
        said = list(words)
        more = len(said) - WORDS_MAX
        return said[:WORDS_MAX] + ([f"and {more} more sentences"] if more > 0 else [])

    def _shown(self, unit: Unit, found: Draft, change: Change) -> Change:
        """Leave out private values for who may not apply them."""
        key = (change.kind, change.name)
        teams = self._checker.teams(change.kind, found.of(key))
        if all(unit.actor.may_on("resource:apply", team) for team in teams):
            return change
        fields = tuple(
            replace(one, before=None, after=None) if one.private else one
            for one in change.fields
        )
        return replace(change, fields=fields)


def still_waiting(found: Draft, wanted: Iterable[Wanted]) -> tuple[str, ...]:
    """Say what the set names for now alone, and will be otherwise: that was scheduled before."""
    wanted = list(wanted)
    for_now = {one.key for one in wanted} - {one.key for one in wanted if one.effective_from}
    return tuple(
        f"{'/'.join(one.key)} changes again at {one.effective_from:%Y-%m-%d %H:%M} UTC, as was"
        " scheduled before; --prune cancels that, or the resource's page"
        for one in found.after.scheduled
        if one.key in for_now and one.failure is None
    )


def _uncompared(closed: Sequence[str]) -> tuple[str, ...]:
    if not closed:
        return ()
    more = len(closed) - NAMED_MAX
    named = ", ".join(closed[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
    return (f"what is private in {named} was not compared: you may not apply it",)
