"""Configuration as data with a history: one store, one diff, one way in for every kind."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from psycopg import AsyncConnection
from typing_extensions import override

from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.events import Event, Names
from tocsin.kernel.ids import uuid7
from tocsin.kernel.snapshot import Compiler, Resource, Resources, Snapshot, compile_snapshot
from tocsin.kernel.unit import Unit

API_VERSION = "tocsin/v1"
DOCUMENTS_MAX = 5000
WORDS_MAX = 20  # changes an event names
LOCK = 0x70C52  # advisory: one apply at a time

Name = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Metadata(Struct, frozen=True, forbid_unknown_fields=True):
    """The name is unique inside its kind: lower case, digits and dashes."""

    name: Name


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One YAML document."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: dict[str, Any]


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of resource, owned by a context, registered by `app.py`.

    `private` fields (personal, secret) stay out of every history; `refs` names what a spec
    points at as (kind, name, field).
    """

    name: str
    spec: type[Struct]
    private: frozenset[str] = frozenset()
    refs: Callable[[Any], Iterable[tuple[str, str, str]]] = lambda _spec: ()


class ResourcesApplied(Event, frozen=True, tag="kernel.resources_applied"):
    """The configuration has a new revision."""

    revision: int
    changed: tuple[UUID, ...]
    words: tuple[str, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Configuration revision {self.revision}: {', '.join(self.words) or 'no change'}"


class Applied(Struct, frozen=True, kw_only=True):
    """What an apply did: the revision, and one `created|changed|unchanged Kind/name` a document."""

    revision: int
    changes: tuple[str, ...]
    changed: bool


class _Current(Struct, frozen=True, kw_only=True):
    uid: UUID
    kind: str
    name: str
    version: int
    spec: dict[str, Any]
    private: dict[str, Any]


async def load(conn: AsyncConnection[Any]) -> tuple[int, list[_Current]]:
    """Return the newest revision and every resource that is not deleted."""
    cursor = await conn.execute("SELECT coalesce(max(revision), 0) FROM kernel.revisions")
    row = await cursor.fetchone()
    cursor = await conn.execute(
        """
        SELECT r.uid, r.kind, r.name, r.version, r.spec, coalesce(p.fields, '{}'::jsonb)
          FROM kernel.resources r
          LEFT JOIN kernel.resource_private p USING (uid)
         WHERE NOT r.deleted
        """
    )
    found = [
        _Current(uid=uid, kind=kind, name=name, version=version, spec=spec, private=private)
        for uid, kind, name, version, spec, private in await cursor.fetchall()
    ]
    return int(row[0]) if row else 0, found


class Store:
    """The kinds there are, and what they compile to."""

    def __init__(self, kinds: Iterable[Kind], compilers: Sequence[Compiler]) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.compilers = compilers
        self.current = self._compile(0, [])

    async def refresh(self, conn: AsyncConnection[Any]) -> Snapshot:
        """Take over the newest revision, if there is a newer one than `current`."""
        cursor = await conn.execute("SELECT coalesce(max(revision), 0) FROM kernel.revisions")
        row = await cursor.fetchone()
        if row and row[0] != self.current.revision:
            async with conn.transaction():
                revision, found = await load(conn)
            self.current = self._compile(revision, found)
        return self.current

    async def apply(self, unit: Unit, documents: Sequence[Document]) -> Applied:
        """Create or change resources, all or none; what is not named stays as it is.

        Applying the same documents again changes nothing. Raises Invalid, naming document,
        field and cure.
        """
        unit.require("resource:apply")
        if len(documents) > DOCUMENTS_MAX:
            raise Invalid(f"{len(documents)} documents; at most {DOCUMENTS_MAX} in one apply")
        await unit.conn.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": LOCK})
        revision, current = await load(unit.conn)
        by_name = {(c.kind, c.name): c for c in current}
        wanted = [self._read(document, by_name) for document in documents]
        _refuse_twice(wanted)
        changed = [new for new in wanted if new != by_name.get((new.kind, new.name))]
        words = tuple(_word(new, by_name) for new in wanted)
        if not changed:
            return Applied(revision=revision, changes=words, changed=False)
        after = {**by_name, **{(n.kind, n.name): n for n in wanted}}
        self._check_refs(after)
        revision = await _new_revision(unit)
        self._compile(revision, after.values())  # refuses what no context can use
        await _write(unit, revision, changed)
        unit.record(
            ResourcesApplied(
                revision=revision,
                changed=tuple(new.uid for new in changed),
                words=self._impersonal(changed, by_name),
            )
        )
        return Applied(revision=revision, changes=words, changed=True)

    def _impersonal(
        self, changed: Sequence[_Current], by_name: Mapping[tuple[str, str], _Current]
    ) -> tuple[str, ...]:
        """Say what changed without the names of kinds that hold personal data."""
        return tuple(
            _word(new, by_name, by_uid=bool(self.kinds[new.kind].private))
            for new in changed[:WORDS_MAX]
        )

    def _read(
        self, document: Document, by_name: Mapping[tuple[str, str], _Current]
    ) -> _Current:
        where = f"{document.kind}/{document.metadata.name}"
        if document.api_version != API_VERSION:
            raise Invalid(f"{where}: apiVersion must be {API_VERSION}", field="apiVersion")
        kind = self.kinds.get(document.kind)
        if kind is None:
            known = ", ".join(sorted(self.kinds))
            raise Invalid(f"{where}: unknown kind; known: {known}", field="kind")
        # as the database gives it back, so that the same document is the same spec
        spec = msgspec.json.decode(msgspec.json.encode(self._typed(kind, document.spec, where)))
        old = by_name.get((document.kind, document.metadata.name))
        public = {k: v for k, v in spec.items() if k not in kind.private}
        private = {k: v for k, v in spec.items() if k in kind.private}
        same = old is not None and (old.spec, old.private) == (public, private)
        return _Current(
            uid=old.uid if old else uuid7(),
            kind=document.kind,
            name=document.metadata.name,
            version=old.version + (not same) if old else 1,
            spec=public,
            private=private,
        )

    def _typed(self, kind: Kind, spec: Mapping[str, Any], where: str) -> Struct:
        try:
            typed = msgspec.convert(spec, kind.spec)
        except msgspec.ValidationError as error:
            raise Invalid(f"{where}: spec: {error}", field="spec") from error
        except Invalid as error:
            raise Invalid(f"{where}: {error.detail}", field=error.field) from error
        return typed

    def _check_refs(self, after: Mapping[tuple[str, str], _Current]) -> None:
        for resource in after.values():
            kind = self.kinds[resource.kind]
            spec = msgspec.convert({**resource.spec, **resource.private}, kind.spec)
            where = f"{resource.kind}/{resource.name}"
            for target, name, field in _refs(kind, spec, where):
                if (target, name) not in after:
                    raise Invalid(
                        f"{where}: {field}: there is no {target} named"
                        f" {name!r}; apply it in the same set, or correct the name",
                        field=field,
                    )

    def _compile(self, revision: int, found: Iterable[_Current]) -> Snapshot:
        resources = Resources(
            Resource(
                r.uid, r.kind, r.name,
                msgspec.convert({**r.spec, **r.private}, self.kinds[r.kind].spec),
            )
            for r in found
        )  # fmt: skip
        return compile_snapshot(revision, resources, self.compilers)


def _refs(kind: Kind, spec: Any, where: str) -> Iterable[tuple[str, str, str]]:
    try:
        return list(kind.refs(spec))
    except Invalid as error:
        raise Invalid(f"{where}: {error.detail}", field=error.field) from error


def _refuse_twice(wanted: Sequence[_Current]) -> None:
    seen: set[tuple[str, str]] = set()
    for new in wanted:
        if (new.kind, new.name) in seen:
            raise Conflict(f"{new.kind}/{new.name} stands twice in this set; keep one of them")
        seen.add((new.kind, new.name))


def _word(
    new: _Current, by_name: Mapping[tuple[str, str], _Current], *, by_uid: bool = False
) -> str:
    old = by_name.get((new.kind, new.name))
    verb = "created" if old is None else "unchanged" if old == new else "changed"
    return f"{verb} {new.kind}/{new.uid if by_uid else new.name}"


def _commitment(value: object) -> dict[str, str]:
    """Return a salted commitment; the salt is thrown away, so history keeps no way back."""
    plain = msgspec.json.encode(value, order="sorted")
    digest = hashlib.sha256(b"\x02" + os.urandom(32) + plain).digest()
    return {"commit": base64.b64encode(digest).decode()}


async def _new_revision(unit: Unit) -> int:
    cursor = await unit.conn.execute(
        """
        INSERT INTO kernel.revisions (revision, applied_at, applied_by)
        SELECT coalesce(max(revision), 0) + 1, %(now)s, %(by)s
          FROM kernel.revisions
        RETURNING revision
        """,
        {"now": unit.now, "by": f"{unit.actor.kind}:{unit.actor.id}"},
    )
    row = await cursor.fetchone()
    if row is None:
        raise AssertionError("INSERT … RETURNING gave no row")
    return int(row[0])


async def _write(unit: Unit, revision: int, changed: Sequence[_Current]) -> None:
    for new in changed:
        history = new.spec | {name: _commitment(value) for name, value in new.private.items()}
        params = {
            "uid": new.uid,
            "kind": new.kind,
            "name": new.name,
            "version": new.version,
            "revision": revision,
            "spec": msgspec.json.encode(new.spec).decode(),
            "history": msgspec.json.encode(history).decode(),
            "private": msgspec.json.encode(new.private).decode(),
            "now": unit.now,
        }
        await unit.conn.execute(
            """
            INSERT INTO kernel.resources (uid, kind, name, version, spec, managed_by)
            VALUES (%(uid)s, %(kind)s, %(name)s, %(version)s, %(spec)s, 'file')
                ON CONFLICT (uid) DO UPDATE
               SET version = excluded.version, spec = excluded.spec, deleted = false
            """,
            params,
        )
        await unit.conn.execute(
            """
            INSERT INTO kernel.resource_versions (uid, version, revision, spec, effective_from)
            VALUES (%(uid)s, %(version)s, %(revision)s, %(history)s, %(now)s)
            """,
            params,
        )
        await unit.conn.execute(
            """
            INSERT INTO kernel.resource_private (uid, fields)
            VALUES (%(uid)s, %(private)s)
                ON CONFLICT (uid) DO UPDATE SET fields = excluded.fields
            """,
            params,
        )
