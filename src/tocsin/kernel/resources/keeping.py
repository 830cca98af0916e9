"""Writes what a draft changes: rows, timers and events, all of them or none."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from tocsin.kernel.errors import Conflict, PreconditionFailed
from tocsin.kernel.jobs import Job
from tocsin.kernel.resources import rows
from tocsin.kernel.resources.beside import Beside
from tocsin.kernel.resources.checking import Checker
from tocsin.kernel.resources.drafting import Draft
from tocsin.kernel.resources.events import WORDS_MAX, ResourcesApplied, ResourcesScheduled
from tocsin.kernel.resources.model import (
    Action,
    Applied,
    Change,
    Key,
    Kind,
    Managed,
    Wanted,
    World,
)
from tocsin.kernel.resources.naming import absent
from tocsin.kernel.resources.secret import kept
from tocsin.kernel.unit import Unit


class ComeIntoForce(Job, frozen=True, tag="kernel.come_into_force"):
    """Put what was scheduled together into force, at its instant."""

    batch: UUID


class Keeper:
    """Keeps drafts that work, for those who may."""

    def __init__(
        self,
        checker: Checker,
        warnings: Callable[[Draft], tuple[str, ...]] = lambda _: (),
        beside: Beside | None = None,
    ) -> None:
        self._checker = checker
        self._warnings = warnings
        self._beside = beside

    def meant(self, unit: Unit, found: World, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Put stored secrets where masks stand. Raises Invalid, Forbidden.

        Who may not apply something learns by no answer whether its private fields are as guessed.
        """
        wanted = list(wanted)
        for one in wanted:
            for team in self._checker.private_of(found, one)[1]:
                unit.require_on("resource:apply", team)
        return [kept(self._checker.kinds, found, one) for one in wanted]

    async def keep(
        self, unit: Unit, found: Draft, *, exact: frozenset[Key] = frozenset()
    ) -> Applied:
        """Check and write a draft. Raises Forbidden, Invalid, Conflict.

        Of `exact` the writer has said from when on it is in force.
        """
        words = tuple(change.words() for change in found.changes)
        if found.is_empty:
            warnings = self._warnings(found)
            revision = found.before.revision
            return Applied(revision=revision, changes=words, changed=False, warnings=warnings)
        for kind, versions in found.touched():
            for team in self._checker.teams(kind, versions):
                unit.require_on("resource:apply", team)
        self._checker.check(found)
        warnings = self._warnings(found)
        await rows.unschedule(unit, [one.id for one in found.cancelled])
        await self._schedule(unit, found)
        by = f"{unit.actor.kind}:{unit.actor.id}"
        revision = await self.write(unit, found, by=by, at=unit.now, exact=exact)
        return Applied(revision=revision, changes=words, changed=True, warnings=warnings)

    async def write(
        self, unit: Unit, found: Draft, *, by: str, at: datetime, exact: frozenset[Key]
    ) -> int:
        """Put what a checked draft changes into force, in the name of `by`; return the revision."""
        if not found.written and not found.deleted:
            return found.before.revision
        revision = await rows.add_revision(unit, by)
        await rows.remove(unit, revision, found.deleted)
        await rows.write(unit, revision, found.written)
        touched = (*found.written, *found.deleted)
        words = self._impersonal(
            found, lambda one: one.action in (Action.CREATED, Action.CHANGED, Action.DELETED)
        )
        changed = tuple(one.uid for one in touched)
        unit.record(ResourcesApplied(revision=revision, changed=changed, words=tuple(words)))
        if self._beside is not None:
            before = self._checker.usable(found.before).snapshot  # this may mend it
            after = self._checker.compile(found.after)
            await self._beside.follow(unit, before, after, at, exact)
        return revision

    async def _schedule(self, unit: Unit, found: Draft) -> None:
        touched = (*found.scheduled, *found.cancelled)
        if not touched:
            return
        await rows.schedule(unit, found.scheduled)
        for batch, instant in {
            one.batch: one.effective_from for one in found.scheduled
        }.items():
            unit.defer(ComeIntoForce(batch=batch), at=instant, key=f"resources/{batch}")
        words = self._impersonal(
            found, lambda one: one.action in (Action.SCHEDULED, Action.CANCELLED)
        )
        changed = tuple({one.uid: None for one in touched})
        unit.record(ResourcesScheduled(changed=changed, words=tuple(words)))

    def _impersonal(self, found: Draft, wanted: Callable[[Change], bool]) -> Iterator[str]:
        """Say what changed without the names of kinds that hold personal data."""
        for change in [one for one in found.changes if wanted(one)][:WORDS_MAX]:
            key = (change.kind, change.name)
            uids = (
                str(one.uid) for one in (*found.of(key), *found.cancelled) if one.key == key
            )
            is_personal = bool(self._checker.kinds[change.kind].private)
            yield change.words(next(uids, "") if is_personal else None)


def in_force(found: World, key: Key, kinds: Mapping[str, Kind]) -> None:
    """Refuse what is not there, or is of no kind that is known here. Raises NotFound."""
    if key not in found.present:
        raise absent(key, kinds, found.present)


def may_write(found: World, key: Key, *, seen: int | None, take_over: bool) -> None:
    """Refuse a writer who has not seen the newest version, or whose place this is not."""
    old = found.present.get(key)
    version = old.version if old else 0
    where = "/".join(key)
    if seen is not None and seen != version:
        there = f"it is version {version} now" if version else "there is none now"
        raise PreconditionFailed(
            f"{where}: you have seen {f'version {seen}' if seen else 'that there is none'}, and"
            f" {there}: read it again, and repeat your change on that"
        )
    if old is not None and old.managed_by is Managed.FILE and not take_over:
        raise Conflict(
            f"{where} is managed by a file: change it there and run `tocsin apply`, or take it"
            " over to edit it here; the next apply of the file takes it back"
        )
