"""The configurations to come, as far as they decide who is on call when."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from tocsin.kernel.resources import Store
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory

Ahead = Sequence[tuple[datetime, Directory]]  # from when, soonest first
KINDS = frozenset({"Person", "Schedule"})


async def directories(unit: Unit, store: Store, until: datetime) -> Ahead:
    """Return what is scheduled to come into force before `until`."""
    found = await store.ahead(unit, until, KINDS)
    return [(at, snapshot.part(Directory)) for at, snapshot in found]


def with_people(directory: Directory, ahead: Ahead) -> Directory:
    """Add the people who come later, so that they can be named."""
    later = {key: one for _, other in ahead for key, one in other.people.items()}
    return replace(directory, people={**later, **directory.people})
