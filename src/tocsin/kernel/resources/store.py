"""One way in for every kind: plan, apply, edit, delete, roll back, and come into force later."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from psycopg import AsyncConnection

from tocsin.kernel.errors import Conflict, Invalid, NotFound, Refused
from tocsin.kernel.resources import past, rows
from tocsin.kernel.resources.apart import without_secrets
from tocsin.kernel.resources.beside import Beside
from tocsin.kernel.resources.checking import Checker
from tocsin.kernel.resources.drafting import (
    Terms,
    at,
    cancellation,
    draft,
    exact,
    instants,
    removal,
)
from tocsin.kernel.resources.events import (
    ScheduledResourcesFailed,
)
from tocsin.kernel.resources.keeping import ComeIntoForce, Keeper, in_force, may_write
from tocsin.kernel.resources.model import (
    API_VERSION,
    Applied,
    Cautions,
    Document,
    Explain,
    Kind,
    Managed,
    Metadata,
    Plan,
    Scheduled,
    Wanted,
    World,
)
from tocsin.kernel.resources.naming import absent
from tocsin.kernel.resources.plans import Planner, still_waiting
from tocsin.kernel.resources.reading import normal, read
from tocsin.kernel.resources.taking import Taker
from tocsin.kernel.snapshot import Compiler, Snapshot
from tocsin.kernel.unit import Unit


class Store:
    """The kinds there are, and what they compile to."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        compilers: Sequence[Compiler],
        explain: Explain | None = None,
        cautions: Cautions | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.checker = Checker(self.kinds, compilers)
        self.planner = Planner(self.checker, explain, cautions)
        self.keeper = Keeper(self.checker, self.planner.warnings, beside)
        self.beside = beside
        self._taker = Taker(self.checker, beside)

    @property
    def current(self) -> Snapshot:
        """What is in force in this process."""
        return self._taker.current

    @property
    def newer(self) -> tuple[str, ...]:
        """Kinds, and fields of kinds, that a newer release has stored and this one ignores."""
        return self._taker.newer

    @property
    def unread(self) -> tuple[str, ...]:
        """What is not in force here as it is stored, in words."""
        return self._taker.unread

    async def refresh(self, conn: AsyncConnection[Any]) -> Snapshot:
        """Take over the newest revision, if there is a newer one than `current`."""
        return await self._taker.take(conn)

    async def apply(
        self, unit: Unit, documents: Sequence[Document], *, prune: bool = False
    ) -> Applied:
        """Create or change resources, all or none; what is not named stays as it is.

        With `prune` the set is all there is in files: what a file manages and the set does not
        name is deleted. Applying the same again changes nothing. Raises Invalid, Conflict.
        """
        unit.require("resource:apply")
        wanted = self._read(documents, prune=prune)
        await rows.lock(unit.conn)
        found = await self._world(unit)
        wanted = self.keeper.meant(unit, found, wanted)
        terms = _terms(unit, Managed.FILE, prune=prune)
        drafted = draft(found, wanted, terms, self.kinds)
        applied = await self.keeper.keep(unit, drafted, exact=exact(wanted))
        return replace(applied, warnings=(*still_waiting(drafted, wanted), *applied.warnings))

    async def plan(
        self,
        unit: Unit,
        documents: Sequence[Document],
        *,
        prune: bool = False,
        managed_by: Managed = Managed.FILE,
    ) -> Plan:
        """Say what an apply would do; the same code decides, and nothing is kept.

        Of what the asker may not apply, private fields are not even compared.
        """
        unit.require("resource:read")
        wanted = self._read(documents, prune=prune)
        await rows.lock_shared(unit.conn)
        found = await self._world(unit)
        wanted, notes = self.planner.meant(unit, found, wanted)
        terms = _terms(unit, managed_by, prune=prune)
        drafted = draft(found, wanted, terms, self.kinds)
        plan = self.planner.plan(unit, drafted, await self._standing(unit))
        waiting = still_waiting(drafted, wanted)
        return replace(plan, warnings=(*notes, *waiting, *plan.warnings))

    async def meant(self, unit: Unit, document: Document) -> Wanted:
        """Return what a document means: stored secrets where masks stand, as a plan takes it.

        Raises Invalid.
        """
        unit.require("resource:read")
        wanted = self._read([document], prune=False)
        [one], _ = self.planner.meant(unit, await self._world(unit), wanted)
        return one

    async def plan_deletion(self, unit: Unit, kind: str, name: str) -> Plan:
        """Say what a deletion would do. Raises NotFound, Conflict."""
        unit.require("resource:read")
        await rows.lock_shared(unit.conn)
        found = await self._world(unit)
        in_force(found, (kind, name), self.kinds)
        drafted = removal(found, (kind, name), self.kinds)
        return self.planner.plan(unit, drafted, await self._standing(unit))

    async def put(
        self,
        unit: Unit,
        document: Document,
        *,
        seen: int | None = None,
        take_over: bool = False,
    ) -> Applied:
        """Create or change one resource that is managed on screen.

        `seen` is the version that the writer has seen, 0: that there is none; None: any will
        do. `take_over` takes a resource from the file that manages it. Raises Invalid, Conflict,
        PreconditionFailed.
        """
        unit.require("resource:apply")
        wanted = self._read([document], prune=False)
        await rows.lock(unit.conn)
        found = await self._world(unit)
        wanted = self.keeper.meant(unit, found, wanted)
        may_write(found, document.key, seen=seen, take_over=take_over)
        terms = _terms(unit, Managed.SCREEN)
        drafted = draft(found, wanted, terms, self.kinds)
        return await self.keeper.keep(unit, drafted, exact=exact(wanted))

    async def delete(
        self,
        unit: Unit,
        kind: str,
        name: str,
        *,
        seen: int | None = None,
        take_over: bool = False,
    ) -> Applied:
        """Delete one resource that nothing points at. Raises NotFound, Conflict, PreconditionFailed."""
        unit.require("resource:apply")
        await rows.lock(unit.conn)
        found = await self._world(unit)
        in_force(found, (kind, name), self.kinds)
        may_write(found, (kind, name), seen=seen, take_over=take_over)
        return await self.keeper.keep(unit, removal(found, (kind, name), self.kinds))

    async def rollback(
        self,
        unit: Unit,
        kind: str,
        name: str,
        *,
        to: int,
        seen: int | None = None,
        take_over: bool = False,
    ) -> Applied:
        """Make the spec of an older version a new version; private fields stay as they are.

        Raises NotFound, Conflict, PreconditionFailed, and Invalid for a version that cannot be
        used any more.
        """
        unit.require("resource:apply")
        document = await self.older(unit, kind, name, to)
        return await self.put(unit, document, seen=seen, take_over=take_over)

    async def older(self, unit: Unit, kind: str, name: str, version: int) -> Document:
        """Return what a rollback to `version` would put into force. Raises NotFound, Invalid."""
        unit.require("resource:apply")
        known = await past.one(unit.conn, kind, name)
        if known is None:
            raise absent((kind, name), self.kinds, (await self._world(unit)).present, was=True)
        found = await past.version(unit.conn, known.uid, version)
        if found is None or kind not in self.kinds:
            raise NotFound(f"{kind}/{name} has no version {version}")
        if found.deleted:
            raise Invalid(f"version {version} of {kind}/{name} is its deletion; delete it")
        present = (await self._world(unit)).present.get((kind, name))
        private = self.kinds[kind].private
        spec = {key: value for key, value in found.spec.items() if key not in private}
        stored = present.private if present else {}
        spec |= {key: value for key, value in stored.items() if key in private}
        spec = without_secrets(self.kinds[kind], spec)
        document = Document(
            api_version=API_VERSION, kind=kind, metadata=Metadata(name), spec=spec
        )
        if private and present is None:
            raise Invalid(
                f"{kind}/{name} was deleted, and its private fields with it; write it anew"
            )
        return document

    async def cancel(self, unit: Unit, kind: str, name: str) -> Applied:
        """Cancel everything that is scheduled for a resource. Raises NotFound."""
        unit.require("resource:apply")
        await rows.lock(unit.conn)
        found = await self._world(unit)
        if all(one.key != (kind, name) for one in found.scheduled):
            raise NotFound(f"nothing is scheduled for {kind}/{name}")
        return await self.keeper.keep(unit, cancellation(found, (kind, name), self.kinds))

    async def come_into_force(self, unit: Unit, job: ComeIntoForce) -> None:
        """Put a batch into force that is due; when it no longer works, say so and keep the old."""
        unit.require("resource:apply")
        await rows.lock(unit.conn)
        found = await self._world(unit)
        due = [one for one in found.scheduled if one.batch == job.batch and not one.failure]
        if not due:
            return  # cancelled, or replaced
        if strange := next((one.kind for one in due if one.kind not in self.kinds), None):
            raise Conflict(f"{strange} is of a newer release, which puts it into force")
        rest = tuple(one for one in found.scheduled if one not in due)
        terms = Terms(now=unit.now, by=due[0].scheduled_by, managed_by=due[0].managed_by)
        try:
            wanted = [_wanted(one) for one in due]
            taken = draft(replace(found, scheduled=rest), wanted, terms, self.kinds)
            self.checker.still_works(taken)
        except Refused as error:
            self.checker.compile(found)  # where this raises it is not the batch's fault: later
            await rows.mark_failed(unit, job.batch, error.detail)
            unit.record(
                ScheduledResourcesFailed(
                    batch=job.batch,
                    changed=tuple(one.uid for one in due),
                    due_at=due[0].effective_from,
                )
            )
            return
        await rows.unschedule(unit, [one.id for one in due])
        await self.keeper.write(
            unit, taken, by=terms.by, at=due[0].effective_from,
            exact=frozenset(one.key for one in due),
        )  # fmt: skip

    async def ahead(
        self, unit: Unit, until: datetime, kinds: frozenset[str]
    ) -> list[tuple[datetime, Snapshot]]:
        """Return what will be in force from each instant before `until` at which `kinds` change.

        What would not come into force as things stand changes nothing.
        """
        unit.require("oncall:read")
        waiting = await rows.scheduled(unit.conn)
        coming = instants(one for one in waiting if one.kind in kinds)
        coming = [one for one in coming if unit.now < one < until]
        if not coming:
            return []
        await rows.lock_shared(unit.conn)
        world = await self._world(unit)
        found = []
        for instant in coming:
            with suppress(Refused):
                found.append((instant, self.checker.compile(at(world, instant))))
        return found

    async def _standing(self, unit: Unit) -> object:
        return await self.beside.standing(unit) if self.beside is not None else None

    async def _world(self, unit: Unit) -> World:
        return normal(self.kinds, await rows.world(unit.conn))

    def _read(self, documents: Sequence[Document], *, prune: bool) -> list[Wanted]:
        if prune and not documents:
            raise Invalid(
                "an empty set with prune would delete everything that files manage; name at"
                " least one document",
                field="documents",
            )
        return read(documents, self.kinds)


def _terms(unit: Unit, managed_by: Managed, *, prune: bool = False) -> Terms:
    by = f"{unit.actor.kind}:{unit.actor.id}"
    return Terms(now=unit.now, by=by, managed_by=managed_by, prune=prune)


def _wanted(one: Scheduled) -> Wanted:
    return Wanted(
        kind=one.kind, name=one.name, effective_from=None, spec=one.spec, private=one.private
    )
