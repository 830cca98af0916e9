"""The nouns of configuration: documents, kinds, what is in force, what is to come, what changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.kernel.snapshot import Snapshot

API_VERSION = "tocsin/v1"
DOCUMENTS_MAX = 5000
SCHEDULED_MAX = 500  # changes that wait for their instant
INSTANTS_MAX = 20  # different instants they wait for; each is checked by each apply

Name = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Instant = Annotated[datetime, Meta(tz=True)]
Key = tuple[str, str]


class Metadata(
    Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """The name is unique inside its kind: lower case, digits and dashes.

    A document with `effectiveFrom`, an instant with its offset, comes into force then.
    """

    name: Name
    effective_from: Instant | None = None


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One YAML document."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: dict[str, Any]

    @property
    def key(self) -> Key:
        """What it is a document of."""
        return self.kind, self.metadata.name


def team_of(spec: Any) -> str | None:
    """Return the team that a spec says it belongs to: its `team`, else its `owner`."""
    found = getattr(spec, "team", None) or getattr(spec, "owner", None)
    return found if isinstance(found, str) else None


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of resource, owned by a context, registered by `app.py`.

    `private` fields (personal, secret) stay out of every history; `refs` names what a spec
    points at as (kind, name, field); whoever may apply in `team` alone may change what is its.
    `accept` is asked of what is written, and never again: what is in force may not be held up by
    it. Raises Invalid.
    """

    name: str
    spec: type[Struct]
    private: frozenset[str] = frozenset()
    refs: Callable[[Any], Iterable[tuple[str, str, str]]] = lambda _spec: ()
    accept: Callable[[Any], None] = lambda _spec: None
    team: Callable[[Any], str | None] = team_of


class Managed(StrEnum):
    """Where a resource is edited: in files that are applied, or on screen and by PUT."""

    FILE = "file"
    SCREEN = "screen"


class Current(Struct, frozen=True, kw_only=True):
    """A resource as it is in force."""

    uid: UUID
    kind: str
    name: str
    version: int
    managed_by: Managed
    spec: dict[str, Any]
    private: dict[str, Any]

    @property
    def key(self) -> Key:
        """What it is called."""
        return self.kind, self.name


class Gone(Struct, frozen=True):
    """A resource that was deleted; one of that name takes its place in the same history."""

    uid: UUID
    version: int


class Scheduled(Struct, frozen=True, kw_only=True):
    """A version that comes into force at `effective_from`; `failure` says why it did not."""

    id: UUID
    batch: UUID
    uid: UUID
    kind: str
    name: str
    effective_from: datetime
    spec: dict[str, Any]
    private: dict[str, Any]
    managed_by: Managed
    scheduled_at: datetime
    scheduled_by: str
    failure: str | None = None

    @property
    def key(self) -> Key:
        """What it will be called."""
        return self.kind, self.name


class World(Struct, frozen=True, kw_only=True):
    """All configuration there is: in force, deleted, and to come, soonest first.

    `newer` are fields that a newer release has stored, by resource: they are not known here.
    """

    revision: int
    present: Mapping[Key, Current]
    gone: Mapping[Key, Gone]
    scheduled: tuple[Scheduled, ...]
    newer: Mapping[Key, tuple[str, ...]] = {}


class Wanted(Struct, frozen=True, kw_only=True):
    """A document that was read: its spec as the database gives it back."""

    kind: str
    name: str
    effective_from: datetime | None
    spec: dict[str, Any]
    private: dict[str, Any]

    @property
    def key(self) -> Key:
        """What it is a document of."""
        return self.kind, self.name


class Action(StrEnum):
    """What becomes of a document, or of a resource that no document names."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field; null is "not there". Who may not see a private one is told that it changes.

    Of a `secret` everybody is told no more than that it changes: both values are masks.
    """

    path: str
    before: Any = None
    after: Any = None
    private: bool = False
    secret: bool = False


class Change(Struct, frozen=True, kw_only=True):
    """What happens to one resource."""

    action: Action
    kind: str
    name: str
    effective_from: datetime | None = None
    fields: tuple[FieldChange, ...] = ()

    def words(self, name: str | None = None) -> str:
        """Say it in a line; `name` stands in for one that is personal."""
        said = f"{self.action} {self.kind}/{name or self.name}"
        if self.effective_from is None:
            return said
        return f"{said} from {self.effective_from.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Applied(Struct, frozen=True, kw_only=True):
    """What an apply did: the revision, and one `created|changed|unchanged Kind/name` a document."""

    revision: int
    changes: tuple[str, ...]
    changed: bool
    warnings: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What an apply would do; `words` say what comes of it for people, `warnings` what is unwise."""

    revision: int
    changed: bool
    words: tuple[str, ...]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()


class Caution(Struct, frozen=True):
    """Something that works and is unwise, with its cure; `about`: the resources that cause it."""

    words: str
    about: frozenset[Key]


# (before, after, now, from when `after` is in force, what stands beside it): what people would
# notice, one sentence each
Explain = Callable[[Snapshot, Snapshot, datetime, datetime, object], Sequence[str]]
# what is unwise in a configuration, whatever the hour
Cautions = Callable[[Snapshot], Sequence[Caution]]
