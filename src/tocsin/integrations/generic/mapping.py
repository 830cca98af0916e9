"""Compile a mapping, and check it where it is written: each expression is named if it is wrong."""

from collections.abc import Mapping

from msgspec import Struct

from tocsin.integrations.cel import CelError, Program
from tocsin.kernel.errors import Invalid
from tocsin.kernel.snapshot import Resources
from tocsin.signals.core.config import Integrations, MappingSpec, compile_integrations
from tocsin.signals.model import Mistake

Pairs = Program | Mapping[str, Program] | None


class Compiled(Struct, frozen=True, kw_only=True):
    """A mapping, ready to be evaluated; None: not given."""

    items: Program | None
    dedup_key: Program | None
    firing: Program | None
    labels: Pairs
    annotations: Pairs
    summary: Program | None
    severity: Program | None
    starts_at: Program | None
    source_url: Program | None


class Mappings(Struct, frozen=True):
    """The mappings of one revision, by integration."""

    by_name: Mapping[str, Compiled]
    resolve_after_s: Mapping[str, int | None]


class WrongMapping(Exception):
    """At least one expression is none."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.error}" for one in mistakes))
        self.mistakes = mistakes


def compiled(spec: MappingSpec) -> Compiled:
    """Compile every expression. Raises WrongMapping, naming all that are wrong."""
    mistakes: list[Mistake] = []

    def one(source: str, field: str) -> Program | None:
        if not source.strip():
            return None
        try:
            return Program(source)
        except CelError as error:
            mistakes.append(Mistake(field, str(error)))
            return None

    def pairs(source: str | Mapping[str, str], field: str) -> Pairs:
        if isinstance(source, str):
            return one(source, field)
        found = {name: one(text, f"{field}.{name}") for name, text in source.items()}
        return {name: program for name, program in found.items() if program is not None}

    found = Compiled(
        items=one(spec.items, "items"),
        dedup_key=one(spec.dedup_key, "dedupKey"),
        firing=one(spec.firing, "firing"),
        labels=pairs(spec.labels, "labels"),
        annotations=pairs(spec.annotations, "annotations"),
        summary=one(spec.summary, "summary"),
        severity=one(spec.severity, "severity"),
        starts_at=one(spec.starts_at, "startsAt"),
        source_url=one(spec.source_url, "sourceUrl"),
    )
    if not found.labels and not mistakes:
        mistakes.append(
            Mistake("labels", "there is none; write at least {alertname: item.title}")
        )
    if mistakes:
        raise WrongMapping(tuple(mistakes))
    return found


def compile_mappings(resources: Resources) -> Mappings:
    """Compile the mappings of one revision. Raises Invalid, naming integration, field and cure."""
    integrations: Integrations = compile_integrations(resources)
    by_name = {}
    for name, spec in integrations.mappings.items():
        try:
            by_name[name] = compiled(spec)
        except WrongMapping as error:
            first = error.mistakes[0]
            where = f"Integration/{name}: spec.mapping.{first.field}"
            raise Invalid(
                f"{where}: {first.error}; write a CEL expression over event and item, for"
                " example item.title",
                field=f"spec.mapping.{first.field}",
            ) from error
    after = {name: one.resolve_after_s for name, one in integrations.by_name.items()}
    return Mappings(by_name, after)
