"""Decide which routes an alert takes."""

from collections.abc import Iterable

from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.triage.core.matchers import matches
from tocsin.triage.model import Route, Routing


def routes_of(labels: Labels, config: Routing) -> tuple[Route, ...]:
    """Return the routes that `labels` take, never none: the first decides the group.

    A route that matches ends the search unless it goes on; the default is taken alone.
    """
    found: list[Route] = []
    for route in config.routes:
        if all(matches(matcher, labels) for matcher in route.matchers):
            found.append(route)
            if not route.goes_on:
                break
    return tuple(found) or (config.default,)


def route_named(name: str, config: Routing) -> Route:
    """Return the route of that name; the default if it has been deleted since."""
    return next((route for route in config.routes if route.name == name), config.default)


def low_policies(names: Iterable[str], config: Routing) -> tuple[str, ...]:
    """Return the policies that routes of low urgency name: they call, but never at any hour.

    A route that leaves urgency to the severity label calls nobody for what is of low urgency.
    """
    taken = [route_named(name, config) for name in names]
    low = (route for route in taken if route.urgency is Urgency.LOW and route.policy)
    return tuple(dict.fromkeys(route.policy for route in low))
