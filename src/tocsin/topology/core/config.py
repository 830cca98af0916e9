"""Topology's resources, as they are written in YAML, and what they compile to."""

from collections.abc import Iterable, Mapping
from typing import Annotated, cast
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tocsin.kernel.snapshot import Resource, Resources
from tocsin.topology.model import BY, Catalogue, Link, Service, catalogue

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s]+$",
        max_length=2000,
        examples=["https://wiki.example.org/shop"],
    ),
]
LabelName = Annotated[str, Meta(min_length=1, max_length=200)]
LabelValue = Annotated[str, Meta(min_length=1, max_length=4096)]
LabelValues = Annotated[tuple[LabelValue, ...], Meta(min_length=1, max_length=100)]


class LinkSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something worth opening during an incident."""

    title: Text
    url: Url


class ServiceSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Something that people run: whose it is, how much hangs on it, where to look.

    `labels` say which alerts are about it; without them those whose label `service` is its name.
    """

    display_name: Text | None = None
    description: Annotated[str, Meta(max_length=2000)] = ""
    owner: Text | None = None
    tier: Annotated[int, Meta(ge=1, le=4)] | None = None
    links: Annotated[tuple[LinkSpec, ...], Meta(max_length=50)] = ()
    runbooks: Annotated[tuple[Url, ...], Meta(max_length=50)] = ()
    labels: Annotated[Mapping[LabelName, LabelValue | LabelValues], Meta(max_length=10)] = (
        msgspec.field(default_factory=dict)
    )


def service_refs(spec: ServiceSpec) -> Iterable[tuple[str, str, str]]:
    """Name the team a service points at."""
    return [("Team", spec.owner, "spec.owner")] if spec.owner else []


def compile_catalogue(resources: Resources) -> Catalogue:
    """Turn the services of one revision into nouns."""
    return catalogue(map(_service, resources.of("Service")))


def _service(resource: Resource) -> Service:
    spec = cast("ServiceSpec", resource.spec)
    labels = {
        name: (values,) if isinstance(values, str) else values
        for name, values in spec.labels.items()
    }
    return Service(
        id=cast("UUID", resource.uid),
        name=resource.name,
        display_name=spec.display_name or resource.name,
        description=spec.description,
        owner=spec.owner,
        tier=spec.tier,
        links=tuple(Link(link.title, link.url) for link in spec.links),
        runbooks=spec.runbooks,
        labels=labels or {BY: (resource.name,)},
    )
