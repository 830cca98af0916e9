"""Ways of alerts: routes with the policies they call by, and which of them a change breaks. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance import Line, Outcome, Path, hole_words, prove
from tocsin.oncall.core.assurance.news import PathKey, key_of
from tocsin.oncall.core.assurance.stands import States
from tocsin.oncall.core.config import CATCH_ALL, Directory
from tocsin.triage.model import Route, Routing


def paths_of(routing: Routing, directory: Directory) -> tuple[Path, ...]:
    """Name the ways of alerts, and the policies that people alone page by."""
    routes = tuple(_path(one, directory) for one in (*routing.routes, routing.default))
    taken = {one.policy for one in routes if one.urgency is Urgency.HIGH}
    by_hand = tuple(
        Path(route="", policy=name, urgency=Urgency.HIGH)
        for name in sorted(directory.policies)
        if name not in taken and name != CATCH_ALL
    )
    return (*routes, *by_hand)


def _path(route: Route, directory: Directory) -> Path:
    if route.urgency is Urgency.LOW and not route.policy:
        return Path(route=route.name, policy=None, urgency=Urgency.LOW)
    urgency = route.urgency or Urgency.HIGH
    policy = directory.policy(route.policy).name
    return Path(route=route.name, policy=policy, urgency=urgency)


def broken(
    before: tuple[Directory, Routing],
    after: tuple[Directory, Routing],
    states: States,
    start: datetime,
    end: datetime,
) -> Iterator[str]:
    """Say which paths wake somebody in all of [start, end) before a change, and not after it.

    A new path is held against nothing: what it lacks the check says.
    """
    now = _lines(*after, states, start, end)
    lost = {key: one for key, one in now.items() if one.outcome is Outcome.LOST}
    was = _lines(*before, states, start, end) if lost else {}
    alike: dict[str, list[str]] = {}
    for key, line in lost.items():
        known = was.get(key)
        if known is not None and known.outcome in (Outcome.PROVEN, Outcome.LATE):
            hole = next(one for one in line.holes if one.after_s is None)
            words = hole_words(hole, line.zone, after[0])
            alike.setdefault(words, []).append(key.words)
    for words, names in alike.items():
        yield f"nobody can be woken any more on {' and '.join(names)}, {words}"


def _lines(
    directory: Directory, routing: Routing, states: States, start: datetime, end: datetime
) -> Mapping[PathKey, Line]:
    found = prove(paths_of(routing, directory), directory, states, start, end)
    return {key_of(one.path): one for one in found}
