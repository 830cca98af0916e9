"""Who should have been called, worked out a second time: with `zoneinfo`, from the documents."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from day_org import Revision


def callable_people(revision: Revision, policy: str, step: int, at: datetime) -> set[str]:
    """Return the names that a step of a policy reaches at `at`."""
    steps = revision.policies.get(policy, revision.policies["default"])["steps"]
    targets = steps[step]["targets"] if step < len(steps) else ()
    names = {_name(revision, target, at) for target in targets}
    return {name for name in names if name is not None and revision.methods[name]}


def _name(revision: Revision, target: dict[str, str], at: datetime) -> str | None:
    if "person" in target:
        return target["person"]
    return on_call(revision.rotations[target["schedule"]], at)


def on_call(schedule: dict[str, Any], at: datetime) -> str | None:
    """Walk from handoff to handoff, a day's clock time after the other."""
    rotation = schedule["rotation"]
    zone = ZoneInfo(schedule["timezone"])
    local = datetime.fromisoformat(rotation["start"])
    days = 7 if rotation["every"] == "week" else 1
    turn = -1
    while local.replace(tzinfo=zone).astimezone(UTC) <= at:
        local += timedelta(days=days)
        turn += 1
    return None if turn < 0 else str(rotation["people"][turn % len(rotation["people"])])
