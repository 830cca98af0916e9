"""A check of all paths, as the screen shows it. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from tocsin.oncall.core.assurance import (
    Assurance,
    Cause,
    Hole,
    Line,
    Outcome,
    cause_words,
    line_words,
)
from tocsin.oncall.core.assurance.wording import after_words, span_words
from tocsin.oncall.core.config import Directory

HOLES_SHOWN = 10
_LOOKS = {
    Outcome.PROVEN: ("ok", "circle-check", "Proven"),
    Outcome.LATE: ("warn", "triangle-alert", "Only the catch-all"),
    Outcome.LOST: ("crit", "octagon-alert", "Wakes nobody at times"),
    Outcome.SILENT: ("", "check", "Calls nobody"),
}


class CauseView(Struct, frozen=True, kw_only=True):
    """Why one target wakes nobody, and where that can be mended; "": nowhere that they may go."""

    words: str
    href: str
    link: str


class HoleView(Struct, frozen=True, kw_only=True):
    """When an alert wakes nobody by the steps; `otherwise` is what the catch-all does."""

    span: str
    causes: tuple[CauseView, ...]
    otherwise: str


class LineView(Struct, frozen=True, kw_only=True):
    """One path with its verdict."""

    id: str
    title: str
    policy: str
    urgency: str
    tone: str
    icon: str
    verdict: str
    words: str
    holes: tuple[HoleView, ...]
    more: int


def line_views(found: Assurance, directory: Directory, *, people: bool) -> Iterator[LineView]:
    """Show every path, the worst first; `people`: whoever looks may open their pages."""
    for line in found.lines:
        yield _line(line, directory, people=people)


def _line(line: Line, directory: Directory, *, people: bool) -> LineView:
    tone, icon, verdict = _LOOKS[line.outcome]
    path = line.path
    shown = line.holes[:HOLES_SHOWN]
    return LineView(
        id=f"route-{path.route}" if path.route else f"policy-{path.policy}",
        title=f"Route {path.route}" if path.route else "Paged by hand",
        policy=path.policy or "",
        urgency=path.urgency,
        tone=tone,
        icon=icon,
        verdict=verdict,
        words=line_words(line),
        holes=tuple(_hole(one, line.zone, directory, people=people) for one in shown),
        more=line.more + len(line.holes) - len(shown),
    )


def _hole(hole: Hole, zone: str, directory: Directory, *, people: bool) -> HoleView:
    otherwise = "nobody is woken"
    if hole.after_s is not None:
        otherwise = f"the catch-all wakes somebody {after_words(hole.after_s)}"
    return HoleView(
        span=span_words(hole.start_at, hole.end_at, zone),
        causes=tuple(_cause(one, directory, people=people) for one in hole.causes),
        otherwise=otherwise,
    )


def _cause(cause: Cause, directory: Directory, *, people: bool) -> CauseView:
    href = link = ""
    schedule = directory.schedules.get(cause.schedule_id) if cause.schedule_id else None
    person = directory.people.get(cause.person_id) if cause.person_id else None
    if schedule is not None:
        href, link = f"/schedules/{schedule.name}", f"Open {schedule.name}"
    elif person is not None and people:
        href, link = f"/people/{person.name}", f"Open {person.display_name}"
    return CauseView(words=cause_words(cause, directory), href=href, link=link)
