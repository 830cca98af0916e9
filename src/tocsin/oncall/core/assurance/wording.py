"""A check in words: which alerts wake nobody, and why. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tocsin.kernel.durations import written
from tocsin.oncall.core.assurance.verdicts import (
    CATCH_ALL,
    Cause,
    CauseKind,
    Hole,
    Line,
    Outcome,
)
from tocsin.oncall.core.config import Directory

CAUSES_SAID = 6


def line_words(line: Line) -> str:
    """Say in one sentence what is known of a path."""
    match line.outcome:
        case Outcome.SILENT:
            return "calls nobody, as it is meant to: low urgency, and no policy"
        case Outcome.PROVEN:
            return f"wakes somebody {after_words(line.worst_s)} at the latest, whenever an alert comes"
        case Outcome.LATE:
            after = after_words(line.worst_s)
            return f"wakes somebody {after} at the latest, at times by the catch-all alone"
        case Outcome.LOST:
            return "there are times at which an alert wakes nobody"


def after_words(seconds: int | None) -> str:
    """Say how long after the alert."""
    return f"within {written(seconds)}" if seconds else "at once"


def hole_words(hole: Hole, zone: str, directory: Directory) -> str:
    """Say when an alert wakes nobody by the steps, and why; `zone` is whose clocks show it."""
    said = [cause_words(one, directory) for one in hole.causes[:CAUSES_SAID]]
    if len(hole.causes) > CAUSES_SAID:
        said.append(f"and {len(hole.causes) - CAUSES_SAID} more")
    if hole.after_s is not None:
        said.append(f"the catch-all wakes somebody {after_words(hole.after_s)}")
    return f"{span_words(hole.start_at, hole.end_at, zone)}: {'; '.join(said)}"


def span_words(start: datetime, end: datetime, zone: str) -> str:
    """Write down from when until when, by the clocks of a zone."""
    try:
        here = ZoneInfo(zone)
    except (OSError, ValueError):
        zone, here = "UTC", ZoneInfo("UTC")
    begin, over = start.astimezone(here), end.astimezone(here)
    until = f"{over:%H:%M}" if begin.date() == over.date() else f"{over:%Y-%m-%d %H:%M}"
    return f"{begin:%Y-%m-%d %H:%M} to {until} ({zone})"


def cause_words(cause: Cause, directory: Directory) -> str:
    """Say why one target of one step wakes nobody."""
    where = "the catch-all" if cause.step == CATCH_ALL else f"step {cause.step}"
    return f"{where}: {_why(cause, directory)}"


def _why(cause: Cause, directory: Directory) -> str:
    who = directory.name_of(cause.person_id) if cause.person_id else ""
    return {
        CauseKind.NOBODY_ON_CALL: f"nobody on call in {schedule_words(cause, directory)}",
        CauseKind.EMPTY_TEAM: f"nobody in team {cause.team}",
        CauseKind.GONE: f"{who} is not active",
        CauseKind.UNREACHABLE: f"{who} cannot be woken: {cause.why}",
        CauseKind.RULES: f"{who} can be woken, but their notification rules do not do it",
        CauseKind.LOW: f"{who} is told with low urgency, which wakes nobody",
        CauseKind.NO_TARGET: "nobody is named",
    }[cause.kind]


def schedule_words(cause: Cause, directory: Directory) -> str:
    """Name the schedule of a cause, and its slot where one was asked for."""
    found = directory.schedules.get(cause.schedule_id) if cause.schedule_id else None
    name = found.name if found else "a schedule that is gone"
    return f"{name}, {cause.slot}" if cause.slot else name
