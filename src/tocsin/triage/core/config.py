"""Triage's resources, as they are written in YAML, and what they compile to."""

from collections.abc import Iterable, Mapping
from typing import Annotated, cast

import msgspec
import re2
from msgspec import Meta, Struct

from tocsin.kernel.durations import seconds
from tocsin.kernel.errors import Invalid
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.model import Matcher, MatchOp, Route, Routing

DEFAULT = "default"
PATTERN_MAX = 1024


class RouteSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Alerts with all these labels go this way; lower `order` is asked first.

    The route called `default` matches everything that no other route wants.
    """

    order: int = 100
    match: Mapping[str, str] = msgspec.field(default_factory=dict)
    match_re: Mapping[str, str] = msgspec.field(default_factory=dict)
    group_by: Annotated[tuple[str, ...], Meta(max_length=16)] | None = None
    group_wait: str = "0s"
    group_interval: str = "5m"
    policy: str = ""
    urgency: Urgency | None = None


def route_refs(spec: RouteSpec) -> Iterable[tuple[str, str, str]]:
    """Name the policy a route points at."""
    return [("EscalationPolicy", spec.policy, "spec.policy")] if spec.policy else []


def compile_routing(resources: Resources) -> Routing:
    """Order the routes of one revision. Raises Invalid, naming the route."""
    found = [(cast("RouteSpec", r.spec), r) for r in resources.of("Route")]
    ordered = sorted(found, key=lambda one: (one[0].order, one[1].name))
    routes = [_route(spec, resource) for spec, resource in ordered]
    default = next((route for route in routes if route.name == DEFAULT), Route(name=DEFAULT))
    return Routing(tuple(route for route in routes if route.name != DEFAULT), default)


def _route(spec: RouteSpec, resource: Resource) -> Route:
    where = f"Route/{resource.name}: spec"
    if resource.name == DEFAULT and (spec.match or spec.match_re):
        raise Invalid(
            f"{where}: the default route matches everything; leave match out", field="match"
        )
    return Route(
        name=resource.name,
        matchers=(
            *(Matcher(name=n, op=MatchOp.EQUAL, value=v) for n, v in spec.match.items()),
            *(_regex(n, v, where) for n, v in spec.match_re.items()),
        ),
        group_by=spec.group_by,
        group_wait_s=seconds(spec.group_wait, field=f"{where}.groupWait"),
        group_interval_s=seconds(spec.group_interval, field=f"{where}.groupInterval"),
        policy=spec.policy,
        urgency=spec.urgency,
    )


def _regex(name: str, pattern: str, where: str) -> Matcher:
    field = f"{where}.matchRe.{name}"
    if len(pattern) > PATTERN_MAX:
        raise Invalid(f"{field}: longer than {PATTERN_MAX} characters", field=field)
    try:
        re2.compile(pattern)
    except re2.error as error:
        raise Invalid(f"{field}: not a pattern (RE2 syntax): {error}", field=field) from error
    return Matcher(name=name, op=MatchOp.MATCHES, value=pattern)
