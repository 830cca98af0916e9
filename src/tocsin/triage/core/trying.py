"""Say what would become of an alert, step by step; nothing is kept and nobody is called."""

from msgspec import Struct

from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.triage.core.grouping import Placement, place
from tocsin.triage.core.matchers import matches, spell
from tocsin.triage.core.urgency import score
from tocsin.triage.model import Route, Routing


class MatcherTrial(Struct, frozen=True):
    """One condition, and whether the labels satisfy it."""

    text: str
    holds: bool


class RouteTrial(Struct, frozen=True, kw_only=True):
    """One route: `asked` unless a route before it ended the search, `taken` if all of it holds."""

    name: str
    matchers: tuple[MatcherTrial, ...]
    asked: bool
    taken: bool
    goes_on: bool
    policy: str
    urgency: Urgency  # what it makes of the alert if it is taken


class Trial(Struct, frozen=True, kw_only=True):
    """What the labels lead to; `calls_after_s` is the wait before anybody is called."""

    routes: tuple[RouteTrial, ...]
    placement: Placement
    calls_after_s: int
    group_interval_s: int
    repeat_interval_s: int


def try_labels(labels: Labels, config: Routing) -> Trial:
    """Walk every route in order for `labels`, the default last."""
    placement = place(labels, config)
    taken = set(placement.routes)
    found: list[RouteTrial] = []
    is_over = False
    for route in config.routes:
        found.append(_tried(route, labels, asked=not is_over, taken=route.name in taken))
        is_over = is_over or (route.name in taken and not route.goes_on)
    default = config.default
    is_default = placement.route is default
    found.append(_tried(default, labels, asked=is_default, taken=is_default))
    route = placement.route
    return Trial(
        routes=tuple(found),
        placement=placement,
        calls_after_s=route.group_wait_s,
        group_interval_s=route.group_interval_s,
        repeat_interval_s=route.repeat_interval_s,
    )


def _tried(route: Route, labels: Labels, *, asked: bool, taken: bool) -> RouteTrial:
    return RouteTrial(
        name=route.name,
        matchers=tuple(
            MatcherTrial(spell(one), matches(one, labels)) for one in route.matchers
        ),
        asked=asked,
        taken=taken,
        goes_on=route.goes_on,
        policy=route.policy,
        urgency=score(route, labels)[0],
    )
