"""Decide which route an alert takes."""

from functools import lru_cache
from typing import Any

import re2

from tocsin.kernel.vocabulary import Labels
from tocsin.triage.model import Matcher, MatchOp, Route, Routing


def route_of(labels: Labels, config: Routing) -> Route:
    """Return the first route whose matchers are all satisfied, else the default."""
    for route in config.routes:
        if all(matches(matcher, labels) for matcher in route.matchers):
            return route
    return config.default


def route_named(name: str, config: Routing) -> Route:
    """Return the route of that name; the default if it has been deleted since."""
    return next((route for route in config.routes if route.name == name), config.default)


def matches(matcher: Matcher, labels: Labels) -> bool:
    """Say whether `labels` satisfy `matcher`; a pattern must match the whole value."""
    value = labels.get(matcher.name, "")
    match matcher.op:
        case MatchOp.EQUAL:
            return value == matcher.value
        case MatchOp.NOT_EQUAL:
            return value != matcher.value
        case MatchOp.MATCHES:
            return _pattern(matcher.value).fullmatch(value) is not None
        case MatchOp.NOT_MATCHES:
            return _pattern(matcher.value).fullmatch(value) is None


@lru_cache(maxsize=1_024)
def _pattern(value: str) -> Any:
    return re2.compile(
        value
    )  # linear in the label, whatever the pattern: it runs on the way of a page
