"""Takes over what is in force, whoever has stored it: nothing in there stops sorting or paging."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.logs import Log
from tocsin.kernel.resources import rows
from tocsin.kernel.resources.beside import Beside
from tocsin.kernel.resources.checking import Checker, Usable
from tocsin.kernel.resources.lenient import ignored
from tocsin.kernel.resources.model import Current, Key, World
from tocsin.kernel.snapshot import Snapshot

NAMED_MAX = 20
NOTHING = World(revision=0, present={}, gone={}, scheduled=())
log = Log("resources")


class Taker:
    """What is in force in this process, and what of it this release does not understand."""

    def __init__(self, checker: Checker, beside: Beside | None) -> None:
        self._checker = checker
        self._beside = beside
        self._specs: Mapping[Key, Struct] = {}
        self._told: set[str] = set()
        self.current = checker.compile(NOTHING)
        self.newer: tuple[str, ...] = ()  # kinds, and fields of kinds, that are not known here
        self.unread: tuple[str, ...] = ()  # what is not in force as it is stored, in words

    async def take(self, conn: AsyncConnection[Any]) -> Snapshot:
        """Take over the newest revision, if there is a newer one than `current`.

        What is not understood stays as it was; after a start it is left out.
        """
        revision = await rows.newest_revision(conn)
        if revision != self.current.revision:
            # asked before, not after: if another apply commits in between, what is read is newer
            # than its number, and read again by the next unit
            present = {one.key: one for one in await rows.present(conn)}
            newest = World(revision=revision, present=present, gone={}, scheduled=())
            found = self._usable(newest)
            snapshot = Snapshot(revision, self.current.parts)
            if found is not None:
                snapshot = found.snapshot
                if self._beside is not None:
                    snapshot = await self._beside.complete(conn, snapshot)
                self._specs = found.specs
            self.current = snapshot
            self._note(newest.present, found)
        return self.current

    def _usable(self, newest: World) -> Usable | None:
        """Compile what can be; None where not even that can, so that all stays as it was."""
        try:
            found = self._checker.usable(newest, self._specs)
        except Exception as error:  # noqa: BLE001 - door: whoever pages goes on by what was in force
            log.error("resources.not_compiled", error=error)
            why = f"the configuration cannot be compiled ({type(error).__name__})"
            self.unread = (why,)
            return None
        self.unread = tuple(
            f"{self._called(newest.present[key])} is not understood by this release, and"
            f" {'is as it was before' if key in found.specs else 'left out'}"
            for key in sorted(found.failed)[:NAMED_MAX]
        )
        return found

    def _note(self, by_key: Mapping[Key, Current], found: Usable | None) -> None:
        """Say once of each kind and field that a newer release has stored it."""
        kinds = self._checker.kinds
        newer: dict[str, None] = {}
        for one in by_key.values():
            if one.kind not in kinds:
                newer[one.kind] = None
            else:
                paths = ignored(kinds[one.kind], one)
                newer |= dict.fromkeys(f"{one.kind}: {path}" for path in paths)
        self.newer = tuple(newer)
        for key, error in found.failed.items() if found is not None else ():
            self._warn(f"{self._called(by_key[key])}: {error.field or 'spec'}")
        for words in (*self.newer, *self.unread):
            self._warn(words)

    def _warn(self, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            log.warning("resources.newer", what=words)

    def _called(self, one: Current) -> str:
        """Name a resource where everybody may read it: a person by their uid."""
        is_personal = bool(self._checker.kinds[one.kind].private)
        return f"{one.kind}/{one.uid if is_personal else one.name}"
