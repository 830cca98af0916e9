"""What the API says of configuration: the wire format is promised."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.kernel.events import Asker
from tocsin.kernel.resources import Change, Document, FieldChange, Plan
from tocsin.kernel.resources.model import DOCUMENTS_MAX, Action
from tocsin.kernel.resources.past import Known
from tocsin.kernel.resources.reads import Coming, History, Past, Shown


class Apply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Resources to create or change, all or none.

    `prune`: they are all there is in files; what files manage beside them is deleted.
    """

    documents: Annotated[list[Document], Meta(max_length=DOCUMENTS_MAX)]
    prune: bool = False


class AppliedShape(Struct, frozen=True, kw_only=True):
    """The revision, one `created|changed|unchanged|… Kind/name` a resource, what is unwise of it."""

    revision: int
    changed: bool
    changes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class FieldShape(Struct, frozen=True, kw_only=True):
    """One field that differs; null is "not there". Of what is `private` the values may be missing.

    A `secret` is never told: of one that changes both values are the mask "…".
    """

    path: str
    before: Any
    after: Any
    private: bool
    secret: bool


class ChangeShape(Struct, frozen=True, kw_only=True):
    """What happens to one resource; `effective_from` null: at once."""

    action: Action
    kind: str
    name: str
    effective_from: datetime | None
    fields: tuple[FieldShape, ...]


class PlanShape(Struct, frozen=True, kw_only=True):
    """What an apply would do: in words what people would notice, each change, what is unwise."""

    revision: int
    changed: bool
    words: tuple[str, ...]
    changes: tuple[ChangeShape, ...]
    warnings: tuple[str, ...] = ()


class ResourceRow(Struct, frozen=True, kw_only=True):
    """A resource in a list; `changed_by` is who applied its newest version: kind:id, and in words."""

    uid: UUID
    kind: str
    name: str
    version: int
    managed_by: str
    changed_at: datetime
    changed_by: str
    changed_by_name: str


class ResourceList(Struct, frozen=True, kw_only=True):
    """By kind and name; `next` is the cursor of what follows, null at the end."""

    items: tuple[ResourceRow, ...]
    next: str | None


class ComingShape(Struct, frozen=True, kw_only=True):
    """A version that waits; `failure` says why it did not come into force at its instant."""

    effective_from: datetime
    managed_by: str
    scheduled_at: datetime
    scheduled_by: str
    scheduled_by_name: str
    failure: str | None
    fields: tuple[FieldShape, ...]


class ResourceShape(ResourceRow, frozen=True, kw_only=True):
    """A resource in full; `withheld` names private fields that this caller may not see."""

    document: Document
    withheld: tuple[str, ...]
    scheduled: tuple[ComingShape, ...]


class PastShape(Struct, frozen=True, kw_only=True):
    """One version; `spec` is without private fields, which no history holds."""

    version: int
    revision: int
    at: datetime
    by: str
    by_name: str
    managed_by: str
    deleted: bool
    fields: tuple[FieldShape, ...]
    spec: dict[str, Any]


class HistoryShape(Struct, frozen=True, kw_only=True):
    """Versions newest first, and what is to come, soonest first."""

    kind: str
    name: str
    versions: tuple[PastShape, ...]
    scheduled: tuple[ComingShape, ...]


class Rollback(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version comes back; private fields stay as they are."""

    to: Annotated[int, Meta(ge=1, le=2**31 - 1)]


def field_shape(one: FieldChange) -> FieldShape:
    """Say what the API says of a field."""
    return FieldShape(
        path=one.path, before=one.before, after=one.after, private=one.private,
        secret=one.secret,
    )  # fmt: skip


def change_shape(one: Change) -> ChangeShape:
    """Say what the API says of a change."""
    return ChangeShape(
        action=one.action, kind=one.kind, name=one.name, effective_from=one.effective_from,
        fields=tuple(map(field_shape, one.fields)),
    )  # fmt: skip


def plan_shape(plan: Plan) -> PlanShape:
    """Say what the API says of a plan."""
    return PlanShape(
        revision=plan.revision, changed=plan.changed, words=plan.words,
        changes=tuple(map(change_shape, plan.changes)), warnings=plan.warnings,
    )  # fmt: skip


def row_shape(one: Known, asker: Asker) -> ResourceRow:
    """Say what the API says of a resource in a list."""
    return ResourceRow(
        uid=one.uid, kind=one.kind, name=one.name, version=one.version,
        managed_by=one.managed_by, changed_at=one.changed_at, changed_by=one.changed_by,
        changed_by_name=asker(one.changed_by),
    )  # fmt: skip


def resource_shape(one: Shown, asker: Asker) -> ResourceShape:
    """Say what the API says of a resource."""
    row = row_shape(one.known, asker)
    return ResourceShape(
        **{field: getattr(row, field) for field in row.__struct_fields__},
        document=one.document, withheld=one.withheld,
        scheduled=tuple(_coming_shape(coming, asker) for coming in one.scheduled),
    )  # fmt: skip


def history_shape(key: tuple[str, str], found: History, asker: Asker) -> HistoryShape:
    """Say what the API says of a history."""
    return HistoryShape(
        kind=key[0], name=key[1],
        versions=tuple(_past_shape(one, asker) for one in found.versions),
        scheduled=tuple(_coming_shape(one, asker) for one in found.scheduled),
    )  # fmt: skip


def _coming_shape(one: Coming, asker: Asker) -> ComingShape:
    return ComingShape(
        effective_from=one.effective_from, managed_by=one.managed_by,
        scheduled_at=one.scheduled_at, scheduled_by=one.scheduled_by,
        scheduled_by_name=asker(one.scheduled_by), failure=one.failure,
        fields=tuple(map(field_shape, one.changes)),
    )  # fmt: skip


def _past_shape(one: Past, asker: Asker) -> PastShape:
    return PastShape(
        version=one.version, revision=one.revision, at=one.at, by=one.by,
        by_name=asker(one.by), managed_by=one.managed_by, deleted=one.deleted,
        spec=one.spec, fields=tuple(map(field_shape, one.changes)),
    )  # fmt: skip
