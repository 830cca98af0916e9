"""Decide which routes an alert takes."""

from tocsin.kernel.vocabulary import Labels
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
