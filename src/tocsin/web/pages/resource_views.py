"""Configuration as screens show it: rows, what changes, what was, and the difference. Pure."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import unified_diff
from itertools import chain, groupby

from msgspec import Struct

from tocsin.kernel.events import Asker
from tocsin.kernel.resources import Change, FieldChange, Plan
from tocsin.kernel.resources.differences import leaves
from tocsin.kernel.resources.model import Action
from tocsin.kernel.resources.past import Known
from tocsin.kernel.resources.reads import Coming, History

FIELDS_MAX = 40  # of one change; the YAML shows the rest
VALUE_MAX = 300
PRIVATE = "(private)"
CHANGED = "secret changed"
TONES = {
    Action.CREATED: "ok",
    Action.CHANGED: "info",
    Action.DELETED: "crit",
    Action.SCHEDULED: "info",
    Action.CANCELLED: "warn",
}


class Row(Struct, frozen=True, kw_only=True):
    """One resource in the list."""

    name: str
    url: str
    managed_by: str
    version: int
    changed_at: datetime
    by: str


class KindView(Struct, frozen=True):
    """One kind with its resources."""

    kind: str
    rows: tuple[Row, ...]


class FieldView(Struct, frozen=True, kw_only=True):
    """One field that differs; None is "not there"."""

    path: str
    before: str | None
    after: str | None


class ChangeView(Struct, frozen=True, kw_only=True):
    """What happens to one resource."""

    words: str
    tone: str
    fields: tuple[FieldView, ...]
    more: int


class PlanView(Struct, frozen=True, kw_only=True):
    """What would happen, in words and field by field."""

    changed: bool
    words: tuple[str, ...]
    changes: tuple[ChangeView, ...]
    warnings: tuple[str, ...]


class PastView(Struct, frozen=True, kw_only=True):
    """One version, with what it changed."""

    version: int
    at: datetime
    by: str
    verb: str
    tone: str
    managed_by: str
    deleted: bool
    current: bool
    fields: tuple[FieldView, ...]
    more: int


class ComingView(Struct, frozen=True, kw_only=True):
    """One version that waits for its instant, or has failed at it."""

    at: datetime
    by: str
    failure: str | None
    fields: tuple[FieldView, ...]


class Line(Struct, frozen=True):
    """One line of a difference: `sign` is "+", "-", "@" or " "."""

    sign: str
    text: str


def kind_views(found: Sequence[Known], asker: Asker) -> list[KindView]:
    """Show resources kind by kind, in the order given."""
    return [
        KindView(
            kind,
            tuple(
                Row(
                    name=one.name,
                    url=f"/resources/{one.kind}/{one.name}",
                    managed_by=one.managed_by,
                    version=one.version,
                    changed_at=one.changed_at,
                    by=asker(one.changed_by),
                )
                for one in rows
            ),
        )
        for kind, rows in groupby(found, key=lambda one: one.kind)
    ]


def plan_view(plan: Plan) -> PlanView:
    """Show a plan; what stays as it is goes without saying."""
    changes = [one for one in plan.changes if one.action is not Action.UNCHANGED]
    return PlanView(
        changed=plan.changed, words=plan.words, changes=tuple(map(_change_view, changes)),
        warnings=plan.warnings,
    )  # fmt: skip


def _change_view(one: Change) -> ChangeView:
    fields = () if one.action is Action.DELETED else one.fields
    return ChangeView(
        words=one.words(),
        tone=TONES[one.action],
        fields=_field_views(fields),
        more=max(0, len(fields) - FIELDS_MAX),
    )


def past_views(found: History, asker: Asker) -> list[PastView]:
    """Show versions, newest first."""
    newest = found.known.version if found.known else 0
    known = {one.version: one for one in found.versions}
    views = []
    for one in found.versions:
        before = known.get(one.version - 1)
        is_new = before is None or before.deleted
        verb, tone = ("created", "ok") if is_new else ("changed", "info")
        if one.deleted:
            verb, tone = "deleted", "crit"
        fields = () if one.deleted else _leaves(one.changes)
        views.append(
            PastView(
                version=one.version, at=one.at, by=asker(one.by), verb=verb, tone=tone,
                managed_by=one.managed_by, deleted=one.deleted,
                current=one.version == newest and not one.deleted,
                fields=_field_views(fields), more=max(0, len(fields) - FIELDS_MAX),
            )
        )  # fmt: skip
    return views


def coming_views(found: Iterable[Coming], asker: Asker) -> list[ComingView]:
    """Show what waits, soonest first."""
    return [
        ComingView(
            at=one.effective_from, by=asker(one.scheduled_by), failure=one.failure,
            fields=_field_views(_leaves(one.changes)),
        )
        for one in found
    ]  # fmt: skip


def difference(before: str, after: str, context: int = 3) -> list[Line]:
    """Compare two texts line by line."""
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=context))[
        2:
    ]
    return [Line(line[:1], line if line[:1] == "@" else line[1:]) for line in lines]


def _leaves(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    return tuple(chain.from_iterable(map(leaves, changes)))


def _field_views(fields: Sequence[FieldChange]) -> tuple[FieldView, ...]:
    return tuple(_field_view(one) for one in fields[:FIELDS_MAX])


def _field_view(one: FieldChange) -> FieldView:
    if one.private and one.before is None and one.after is None:
        return FieldView(path=one.path, before=None, after=PRIVATE)
    if one.secret:
        return FieldView(path=one.path, before=None, after=CHANGED)
    return FieldView(path=one.path, before=_text(one.before), after=_text(one.after))


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_MAX else text[:VALUE_MAX] + "…"
