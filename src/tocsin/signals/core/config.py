"""Intake's resource, as it is written in YAML, and what it compiles to."""

from collections.abc import Iterable, Mapping
from typing import Annotated, cast
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tocsin.kernel.durations import seconds
from tocsin.kernel.errors import Invalid
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.signals.model import TITLES, Integration, IntegrationType

EXPRESSION_MAX = 1000
LABELS_MAX = 32
DESCRIPTION_MAX = 2000

Expression = Annotated[str, Meta(max_length=EXPRESSION_MAX)]
LabelName = Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$")]
LabelValue = Annotated[str, Meta(min_length=1, max_length=1000)]
Expressions = Annotated[
    dict[LabelName, Annotated[Expression, Meta(min_length=1)]], Meta(max_length=LABELS_MAX)
]


class MappingSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """How signals are read out of a JSON payload; every value is a CEL expression.

    `event` is the whole payload. `items` is a list, and in all other expressions `item` is
    one of it; without it `item` is the payload, or each element of a payload that is an
    array. `labels` is a map expression, or an expression for each label.
    """

    items: Expression = ""
    dedup_key: Expression = ""  # text or number; without it, equal labels are the same alert
    firing: Expression = ""  # a bool; without it, everything fires
    labels: Expression | Expressions = ""
    annotations: Expression | Expressions = ""
    summary: Expression = ""
    severity: Expression = ""
    starts_at: Expression = ""  # a timestamp, RFC 3339 text, or seconds since 1970
    source_url: Expression = ""


class IntegrationSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A sender of signals, by the name that its token carries.

    `labels`, and `team` as a label, are added to every signal that does not bring its own.
    """

    type: IntegrationType
    description: Annotated[str, Meta(max_length=DESCRIPTION_MAX)] = ""
    team: str = ""
    labels: Annotated[dict[LabelName, LabelValue], Meta(max_length=LABELS_MAX)] = msgspec.field(
        default_factory=dict
    )
    mapping: MappingSpec | None = None
    resolve_after: str = ""  # how long an alert fires that is not heard of again; "": for ever


class Integrations(Struct, frozen=True):
    """Every integration of one revision, and what each adds to the labels of its signals."""

    by_name: Mapping[str, Integration]
    extra_labels: Mapping[str, Mapping[str, str]]
    mappings: Mapping[str, MappingSpec]

    def title_of(self, name: str) -> str:
        """Return what an integration is called in a sentence, described or not."""
        found = self.by_name.get(name)
        return f"{TITLES[found.type]} integration {name}" if found else f"integration {name}"


def integration_refs(spec: IntegrationSpec) -> Iterable[tuple[str, str, str]]:
    """Name the team an integration belongs to."""
    return [("Team", spec.team, "spec.team")] if spec.team else []


def compile_integrations(resources: Resources) -> Integrations:
    """Read the integrations of one revision. Raises Invalid, naming field and cure."""
    found = [
        _integration(cast("IntegrationSpec", r.spec), r) for r in resources.of("Integration")
    ]
    specs = {r.name: cast("IntegrationSpec", r.spec) for r in resources.of("Integration")}
    return Integrations(
        by_name={one.name: one for one in found},
        extra_labels={one.name: added for one in found if (added := _added(one))},
        mappings={name: spec.mapping for name, spec in specs.items() if spec.mapping},
    )


def _integration(spec: IntegrationSpec, resource: Resource) -> Integration:
    where = f"Integration/{resource.name}: spec"
    is_webhook = spec.type is IntegrationType.WEBHOOK
    if is_webhook and spec.mapping is None:
        raise Invalid(
            f"{where}.mapping: a webhook needs one; write at least labels, for example"
            " labels: {alertname: item.title}",
            field="mapping",
        )
    if not is_webhook and (spec.mapping or spec.resolve_after):
        field = "mapping" if spec.mapping else "resolveAfter"
        raise Invalid(f"{where}.{field}: only for type webhook; leave it out", field=field)
    after = spec.resolve_after
    return Integration(
        id=cast("UUID", resource.uid),
        name=resource.name,
        type=spec.type,
        description=spec.description,
        team=spec.team or None,
        labels=spec.labels,
        resolve_after_s=seconds(after, field=f"{where}.resolveAfter") if after else None,
    )


def _added(integration: Integration) -> Mapping[str, str]:
    team = {"team": integration.team} if integration.team else {}
    return {**team, **integration.labels}
