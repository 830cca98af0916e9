"""What follows from an event: now and inside its unit, or later where that has failed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from typing_extensions import override

from tocsin.kernel.events import Event, Names
from tocsin.kernel.jobs import Job
from tocsin.kernel.unit import Unit


class Reaction(Struct, frozen=True):
    """What follows from an event. MUST stands or falls with the unit; MAY is parked when it fails."""

    run: Callable[[Unit, Any], Awaitable[None]]
    must: bool

    @property
    def name(self) -> str:
        """Its name in `tocsin reactions` and in the parking lot."""
        return f"{self.run.__module__.rsplit('.', 1)[-1]}.{self.run.__name__}"


def must(run: Callable[[Unit, Any], Awaitable[None]]) -> Reaction:
    """Mark a reaction without which the event must not have happened."""
    return Reaction(run, True)  # noqa: FBT003 - the field's name is the function's


def may(run: Callable[[Unit, Any], Awaitable[None]]) -> Reaction:
    """Mark a reaction that may come later."""
    return Reaction(run, False)  # noqa: FBT003


Reactions = Mapping[type[Event], Sequence[Reaction]]


def together(*tables: Reactions) -> Reactions:
    """Return one table: what follows from an event in several follows in their order."""
    found: dict[type[Event], tuple[Reaction, ...]] = {}
    for table in tables:
        for event, following in table.items():
            found[event] = (*found.get(event, ()), *following)
    return found


class ReactionParked(Event, frozen=True, tag="kernel.reaction_parked"):
    """What may follow from an event has failed and will be tried again."""

    parked_id: UUID
    reaction: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{self.reaction} failed and is tried again"


class RetryReaction(Job, frozen=True, tag="kernel.retry_reaction"):
    """Run a parked MAY reaction again."""

    parked_id: UUID
