"""Who should have been called, worked out a second time from the documents."""

from datetime import datetime
from itertools import product

from day_org import Revision
from day_turns import Turns, on_call


def callable_sets(revision: Revision, policy: str, step: int, at: datetime) -> list[set[str]]:
    """Return the names that a step of a policy may reach at `at`.

    There is more than one set where it is not known whether an earlier edit has been taken.
    """
    names = tuple(revision.turns)
    return [
        _callable(revision, policy, step, at, dict(zip(names, known, strict=True)))
        for known in product(*(revision.turns[name] for name in names))
    ]


def _callable(
    revision: Revision, policy: str, step: int, at: datetime, turns: dict[str, Turns]
) -> set[str]:
    steps = revision.policies.get(policy, revision.policies["default"])["steps"]
    targets = steps[step]["targets"] if step < len(steps) else ()
    names = {_name(revision, target, at, turns) for target in targets}
    return {name for name in names if name is not None and revision.methods[name]}


def _name(
    revision: Revision, target: dict[str, str], at: datetime, turns: dict[str, Turns]
) -> str | None:
    if "person" in target:
        return target["person"]
    name = target["schedule"]
    return on_call(revision.rotations[name], turns[name], at)
