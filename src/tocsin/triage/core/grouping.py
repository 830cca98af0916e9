"""Decide which alerts are told together, and under which key."""

from collections.abc import Callable
from hashlib import sha256

import msgspec
from msgspec import Struct

from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.triage.core.routing import routes_of
from tocsin.triage.core.urgency import score
from tocsin.triage.core.wording import plain, spelled
from tocsin.triage.model import Route, Routing

ALL_LABELS = "..."  # Alertmanager's way to say: a group for each distinct alert
_KEY_LENGTH_MAX = 500  # the key is indexed, and an index row has an end
_DEFAULT_ORDER = ("service", "alertname")


class Placement(Struct, frozen=True, kw_only=True):
    """Where an alert belongs and why; one object serves all alerts that are placed alike."""

    route: Route  # the first that matches: it decides the group
    routes: tuple[str, ...]  # all of them
    policies: tuple[str, ...]  # of those that call somebody
    key: str
    labels: Labels
    urgency: Urgency
    reasons: tuple[str, ...]  # route, group, score


def place(labels: Labels, config: Routing) -> Placement:
    """Route, group and score one set of labels.

    Each route that matches says whether its own policy is called; one that calls is enough to
    make the alert urgent.
    """
    taken = routes_of(labels, config)
    route = taken[0]
    shared = group_labels(labels, route)
    scores = [(one, *score(one, labels)) for one in taken]
    calling = [one for one in scores if one[1] is Urgency.HIGH]
    _, urgency, scored = (calling or scores)[0]
    return Placement(
        route=route,
        routes=tuple(one.name for one in taken),
        policies=tuple(dict.fromkeys(one.policy for one, _, _ in calling)),
        key=group_key(route.name, shared),
        labels=shared,
        urgency=urgency,
        reasons=(
            f"route: {', then '.join(one.name for one in taken)}",
            f"group: {plain(spelled(shared), 200) or 'all of the route'}",
            scored,
        ),
    )


def placer(config: Routing) -> Callable[[Labels], Placement]:
    """Return `place` for one batch, remembering its answers.

    An answer depends on nothing but the labels that the configuration names, so a thousand
    alerts of one service are matched, spelled and hashed once. Drop it with the batch.
    """
    names = _names_read(config)
    known: dict[tuple[str | None, ...], Placement] = {}

    def placed(labels: Labels) -> Placement:
        features = tuple(map(labels.get, names))
        placement = known.get(features)
        if placement is None:
            placement = place(labels, config)
            if not _reads_all(placement.route, labels):
                known[features] = placement
        return placement

    return placed


def group_labels(labels: Labels, route: Route) -> Labels:
    """Return the labels that `route` groups by, without those that the alert lacks."""
    if _reads_all(route, labels):
        return labels
    if route.group_by is not None:
        return {name: labels[name] for name in route.group_by if name in labels}
    name = next(name for name in _DEFAULT_ORDER if name in labels)
    return {name: labels[name]}


def group_key(route: str, labels: Labels) -> str:
    """Return one key for one (route, labels), whatever the order of the labels.

    JSON, because it escapes what a stranger may have put into a value to meet another key.
    """
    key = f"{route}:{msgspec.json.encode(dict(sorted(labels.items()))).decode()}"
    if len(key) <= _KEY_LENGTH_MAX:
        return key
    return f"{route}:sha256:{sha256(key.encode()).hexdigest()}"


def _reads_all(route: Route, labels: Labels) -> bool:
    if route.group_by is None:
        return not any(name in labels for name in _DEFAULT_ORDER)
    return ALL_LABELS in route.group_by


def _names_read(config: Routing) -> tuple[str, ...]:
    names = {*_DEFAULT_ORDER, "severity"}
    for route in (*config.routes, config.default):
        names.update(matcher.name for matcher in route.matchers)
        names.update(route.group_by or ())
    return tuple(sorted(names))
