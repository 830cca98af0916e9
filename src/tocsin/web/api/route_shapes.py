"""What the API says of routes and policies."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.matchers import spell
from tocsin.triage.core.trying import Trial
from tocsin.triage.model import Route
from tocsin.triage.reads import RouteCount
from tocsin.web.ladders import PolicyLine, RungView

LABELS_MAX = 64
LabelName = Annotated[str, Meta(min_length=1, max_length=1024)]
LabelValue = Annotated[str, Meta(max_length=4096)]


class TargetShape(Struct, frozen=True, kw_only=True):
    """What a step names: `kind` is person or schedule."""

    kind: str
    name: str


class CalledShape(Struct, frozen=True, kw_only=True):
    """Somebody who would be called, and by what first."""

    id: UUID
    name: str
    method: str


class PolicyStepShape(Struct, frozen=True, kw_only=True):
    """One step at its instant: whom it names, whom it calls, and whom it cannot."""

    at_seconds: int
    at: datetime
    timeout_seconds: int
    targets: tuple[TargetShape, ...]
    people: tuple[CalledShape, ...]
    warnings: tuple[str, ...]


class PolicyLineShape(Struct, frozen=True, kw_only=True):
    """A policy as it would run from `at` on if nobody answered; `today` says so in one line."""

    name: str
    at: datetime
    today: str
    rounds: int
    steps: tuple[PolicyStepShape, ...]
    catch_all: PolicyStepShape | None
    catch_all_every_seconds: int
    ack_timeout_seconds: int
    warnings: tuple[str, ...]


class PolicyLines(Struct, frozen=True, kw_only=True):
    """Every escalation policy, by name."""

    items: tuple[PolicyLineShape, ...]


class RouteShape(Struct, frozen=True, kw_only=True):
    """A route, and what it has taken in the last seven days."""

    name: str
    matchers: tuple[str, ...]
    goes_on: bool
    group_by: tuple[str, ...] | None
    group_wait_seconds: int
    group_interval_seconds: int
    repeat_interval_seconds: int
    policy: str
    urgency: Urgency | None
    groups_lately: int
    alerts_lately: int
    alerts_firing: int


class RouteList(Struct, frozen=True, kw_only=True):
    """Every route in the order in which it is asked, the default last."""

    items: tuple[RouteShape, ...]


class RouteTry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The labels of an alert to try."""

    labels: Annotated[dict[LabelName, LabelValue], Meta(min_length=1, max_length=LABELS_MAX)]


class MatcherShape(Struct, frozen=True, kw_only=True):
    """One condition, and whether it holds."""

    matcher: str
    holds: bool


class TriedRoute(Struct, frozen=True, kw_only=True):
    """One route: `asked` unless one before it ended the search, `taken` if all of it holds."""

    name: str
    asked: bool
    taken: bool
    goes_on: bool
    policy: str
    urgency: Urgency
    matchers: tuple[MatcherShape, ...]


class Tried(Struct, frozen=True, kw_only=True):
    """What would become of the alert now. Nothing was kept and nobody was called."""

    routes: tuple[TriedRoute, ...]
    taken: tuple[str, ...]
    group_key: str
    group_labels: dict[str, str]
    urgency: Urgency
    reasons: tuple[str, ...]
    calls_after_seconds: int
    group_interval_seconds: int
    repeat_interval_seconds: int
    policies: tuple[PolicyLineShape, ...]
    service: str | None
    team: str | None


def route_shape(route: Route, count: RouteCount | None) -> RouteShape:
    """Say what the API says of a route."""
    return RouteShape(
        name=route.name, matchers=tuple(map(spell, route.matchers)), goes_on=route.goes_on,
        group_by=route.group_by, group_wait_seconds=route.group_wait_s,
        group_interval_seconds=route.group_interval_s,
        repeat_interval_seconds=route.repeat_interval_s, policy=route.policy,
        urgency=route.urgency, groups_lately=count.group_count if count else 0,
        alerts_lately=count.alert_count if count else 0,
        alerts_firing=count.firing_count if count else 0,
    )  # fmt: skip


def policy_shape(line: PolicyLine, at: datetime) -> PolicyLineShape:
    """Say what the API says of a policy's line in time."""
    return PolicyLineShape(
        name=line.name, at=at, today=line.today, rounds=line.rounds,
        steps=tuple(map(_step, line.steps)),
        catch_all=_step(line.catch_all) if line.catch_all else None,
        catch_all_every_seconds=line.catch_all_every_s,
        ack_timeout_seconds=line.ack_timeout_s, warnings=line.warnings,
    )  # fmt: skip


def _step(rung: RungView) -> PolicyStepShape:
    return PolicyStepShape(
        at_seconds=rung.at_s, at=rung.at, timeout_seconds=rung.timeout_s,
        targets=tuple(TargetShape(kind=one.kind, name=one.name) for one in rung.targets),
        people=tuple(
            CalledShape(id=one.id, name=one.name, method=one.method) for one in rung.people
        ),
        warnings=rung.warnings,
    )  # fmt: skip


def tried_routes(trial: Trial) -> tuple[TriedRoute, ...]:
    """Say what the API says of every route that was looked at."""
    return tuple(
        TriedRoute(
            name=one.name, asked=one.asked, taken=one.taken, goes_on=one.goes_on,
            policy=one.policy, urgency=one.urgency,
            matchers=tuple(MatcherShape(matcher=m.text, holds=m.holds) for m in one.matchers),
        )
        for one in trial.routes
    )  # fmt: skip
