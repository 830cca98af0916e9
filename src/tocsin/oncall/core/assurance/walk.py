"""Follow a page from rung to rung for every instant at once, from the catch-all backwards. Pure.

`ahead[t]` says how a page ends that comes to a rung at t. What comes to the rung before it goes on
there at once where that has nobody, and else after its timeout: so every change of what is ahead
moves to the front by as much, and no instant in between need be asked.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance.stands import Book, Stand, Steps, at_of
from tocsin.oncall.core.assurance.verdicts import CATCH_ALL
from tocsin.oncall.model import Policy, Step

FOREVER = 2**60


class End(Struct, frozen=True):
    """How a page ends: `after_s` on somebody is told who can be woken, by `step`; None: nobody is.

    `trail` is how the steps of the first round stood that woke nobody, and the catch-all.
    """

    after_s: int | None
    step: int = CATCH_ALL
    trail: tuple[tuple[int, Stand], ...] = ()


def ends(policy: Policy, book: Book, page: Urgency) -> Steps[End]:
    """Say how every page ends, by the instant at which its alert comes."""
    last = Step(policy.catch_all, policy.catch_every_s)
    stands = [book.rung(step, policy, page) for step in policy.steps]
    over = _passed(book.rung(last, policy, page), [(book.lo, End(None))], last, CATCH_ALL)
    anybody = _anybody(stands, book.lo)
    numbers = _numbers(policy)
    ahead = over
    for loop in reversed(range(policy.repeat + 1)):
        if loop < policy.repeat:
            ahead = _chosen(anybody, ahead, over)
        for step, stand, number in zip(
            reversed(policy.steps), reversed(stands), reversed(numbers), strict=True
        ):
            ahead = _passed(stand, ahead, step, number if loop == 0 else None)
    return ahead


def _numbers(policy: Policy) -> list[int]:
    """Count steps as they are written: one that is repeated is one."""
    found, number = [], 0
    for step in policy.steps:
        number += step.again == 0
        found.append(number)
    return found


def _passed(
    stands: Steps[Stand], ahead: Steps[End], step: Step, number: int | None
) -> Steps[End]:
    """Put a rung before what is ahead of it; without a `number` it leaves no trail.

    From the last change to the first: what is held goes on at an instant to come.
    """
    found: Steps[End] = []
    until = FOREVER
    for at, stand in reversed(stands):
        found = _glued(list(_over(stand, (at, until), ahead, found, step, number)), found)
        until = at
    return found


def _over(
    stand: Stand, time: tuple[int, int], ahead: Steps[End], later: Steps[End], step: Step,
    number: int | None,
) -> Iterator[tuple[int, End]]:  # fmt: skip
    start, until = time
    if stand.held_s is not None:
        yield start, at_of(later or ahead, stand.held_s)
        return
    if stand.wakes_s is not None and stand.wakes_s <= step.timeout_s:
        yield start, _reached(stand.wakes_s, number)
        return
    wait_s = step.timeout_s if stand.called else 0
    for at, end in _part(ahead, start + wait_s, until + wait_s):
        yield at - wait_s, _onward(end, stand, wait_s, number)


def _reached(after_s: int, number: int | None) -> End:
    # in a later round it is a step as well, and not the catch-all
    return End(after_s, -1 if number is None else number)


def _onward(end: End, stand: Stand, wait_s: int, number: int | None) -> End:
    after_s = None if end.after_s is None else end.after_s + wait_s
    if stand.wakes_s is not None and (after_s is None or stand.wakes_s <= after_s):
        return _reached(stand.wakes_s, number)
    is_told = after_s is not None and end.step != CATCH_ALL
    trail = end.trail
    if not is_told and number is not None:
        trail = ((number, replace(stand, held_s=None)), *trail)
    return End(after_s, end.step, trail)


def _part(row: Steps[End], start: int, until: int) -> Iterator[tuple[int, End]]:
    """Return the steps that hold in [start, until), cut to it."""
    yield start, at_of(row, start)
    first = bisect_right(row, start, key=lambda one: one[0])
    last = bisect_left(row, until, key=lambda one: one[0])
    yield from row[first:last]


def _glued(front: Steps[End], rest: Steps[End]) -> Steps[End]:
    found: Steps[End] = []
    for at, end in (*front, *rest[:1]):
        if not found or found[-1][1] != end:
            found.append((at, end))
    return [*found, *rest[1:]]


def _anybody(stands: Sequence[Steps[Stand]], lo: int) -> Steps[bool]:
    """Say when any step has anybody: a round in which none has is not walked again."""
    edges = sorted({lo, *(at for row in stands for at, _ in row)})
    found: Steps[bool] = []
    for at in edges:
        value = any(at_of(row, at).has_anybody for row in stands)
        if not found or found[-1][1] != value:
            found.append((at, value))
    return found


def _chosen(which: Steps[bool], there: Steps[End], otherwise: Steps[End]) -> Steps[End]:
    found: Steps[End] = []
    for (at, value), until in zip(
        which, [*(one for one, _ in which[1:]), FOREVER], strict=True
    ):
        found = _glued(found, list(_part(there if value else otherwise, at, until)))
    return found
