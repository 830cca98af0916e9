"""Who should have been called, worked out a second time from the documents."""

from collections.abc import Sequence
from datetime import datetime
from itertools import product

from day_org import ROUND_ROBIN, Revision
from day_turns import Turns, on_call


def callable_sets(revision: Revision, policy: str, step: int, at: datetime) -> list[set[str]]:
    """Return the names that a step of a policy may reach at `at`.

    There is more than one set where it is not known whether an earlier edit has been taken, and
    where people take turns: then any one of them may have theirs.
    """
    names = tuple(revision.turns)
    steps = revision.policies.get(policy, revision.policies["default"])["steps"]
    found = steps[step] if step < len(steps) else {"targets": ()}
    sets = [
        _callable(revision, found["targets"], at, dict(zip(names, known, strict=True)))
        for known in product(*(revision.turns[name] for name in names))
    ]
    if found.get("mode") != ROUND_ROBIN:
        return sets
    return [{name} for one in sets for name in one]


def _callable(
    revision: Revision,
    targets: Sequence[dict[str, str]],
    at: datetime,
    turns: dict[str, Turns],
) -> set[str]:
    names = {_name(revision, target, at, turns) for target in targets}
    return {name for name in names if name is not None and revision.methods[name]}


def _name(
    revision: Revision, target: dict[str, str], at: datetime, turns: dict[str, Turns]
) -> str | None:
    if "person" in target:
        return target["person"]
    name = target["schedule"]
    return on_call(revision.rotations[name], turns[name], at)
