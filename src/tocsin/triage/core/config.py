"""Triage's resources, as they are written in YAML, and what they compile to."""

from collections.abc import Iterable, Mapping
from typing import Annotated, cast

import msgspec
from msgspec import Meta, Struct

from tocsin.kernel.durations import Duration, seconds
from tocsin.kernel.errors import Invalid
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.matchers import anchored, parse_matcher
from tocsin.triage.model import Matcher, MatchOp, Route, Routing

DEFAULT = "default"
MATCHERS_MAX = 32
TEXT_MAX = 2048
REPEAT_MIN_S = 60  # more often than that is what an escalation policy is for


class RouteSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Alerts that satisfy all of this go this way; lower `order` is asked first.

    `match` and `matchRe` are Alertmanager's old grammar, `matchers` its new one; all of them
    have to hold. The route called `default` matches everything that no other route wants.
    """

    order: int = 100
    match: Mapping[str, str] = msgspec.field(default_factory=dict)
    match_re: Mapping[str, str] = msgspec.field(default_factory=dict)
    matchers: Annotated[tuple[str, ...], Meta(max_length=MATCHERS_MAX)] = ()
    continue_: bool = msgspec.field(default=False, name="continue")
    group_by: Annotated[tuple[str, ...], Meta(max_length=16)] | None = None
    group_wait: Duration = "0s"
    group_interval: Duration = "5m"
    repeat_interval: Duration = "0"
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
    matchers = (
        *(Matcher(name=n, op=MatchOp.EQUAL, value=v) for n, v in spec.match.items()),
        *(_regex(n, v, f"{where}.matchRe.{n}") for n, v in spec.match_re.items()),
        *(_matcher(text, f"{where}.matchers[{at}]") for at, text in enumerate(spec.matchers)),
    )
    if resource.name == DEFAULT and matchers:
        raise Invalid(
            f"{where}: the default route matches everything; leave match, matchRe and matchers"
            " out", field="match",
        )  # fmt: skip
    if resource.name == DEFAULT and spec.continue_:
        raise Invalid(
            f"{where}.continue: the default route is the last; leave it out", field="continue"
        )
    repeat_interval_s = seconds(spec.repeat_interval, field=f"{where}.repeatInterval")
    if 0 < repeat_interval_s < REPEAT_MIN_S:
        raise Invalid(
            f"{where}.repeatInterval: at least {REPEAT_MIN_S}s, or 0 for never",
            field="repeatInterval",
        )
    return Route(
        name=resource.name,
        matchers=matchers,
        group_by=spec.group_by,
        group_wait_s=seconds(spec.group_wait, field=f"{where}.groupWait"),
        group_interval_s=seconds(spec.group_interval, field=f"{where}.groupInterval"),
        repeat_interval_s=repeat_interval_s,
        goes_on=spec.continue_,
        policy=spec.policy,
        urgency=spec.urgency,
    )


def _regex(name: str, pattern: str, field: str) -> Matcher:
    try:
        anchored(pattern)
    except ValueError as error:
        raise Invalid(f"{field}: not a pattern (RE2 syntax): {error}", field=field) from error
    return Matcher(name=name, op=MatchOp.MATCHES, value=pattern)


def _matcher(text: str, field: str) -> Matcher:
    if len(text) > TEXT_MAX:
        raise Invalid(f"{field}: longer than {TEXT_MAX} characters", field=field)
    try:
        return parse_matcher(text)
    except ValueError as error:
        raise Invalid(
            f'{field}: {error}; write e.g. severity=~"critical|page"', field=field
        ) from error
