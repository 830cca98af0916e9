"""How often something may be tried: the generic cell rate algorithm (ITU-T I.371), one instant a key.

`tat` is the theoretical arrival time: how far ahead of the clock the tries so far have run.
"""

import math
from datetime import datetime, timedelta

from msgspec import Struct


class Limit(Struct, frozen=True, kw_only=True):
    """`burst` tries at once, then one every `every_s` seconds."""

    name: str
    burst: int
    every_s: int


class Spent(Struct, frozen=True):
    """The try is taken; `tat` is what to remember."""

    tat: datetime


class Wait(Struct, frozen=True):
    """The try is one too many; the next is taken in `seconds`."""

    seconds: int


def spend(limit: Limit, tat: datetime, now: datetime) -> Spent | Wait:
    """Take one try at `now`, if there is one left."""
    after = max(tat, now) + timedelta(seconds=limit.every_s)
    early_s = (after - now).total_seconds() - limit.burst * limit.every_s
    if early_s > 0:
        return Wait(max(1, math.ceil(early_s)))
    return Spent(after)


def forgive(limit: Limit, tat: datetime) -> datetime:
    """Give one try back."""
    return tat - timedelta(seconds=limit.every_s)


SIGN_IN_ACCOUNT = Limit(name="sign-in account", burst=10, every_s=60)
SIGN_IN_ADDRESS = Limit(name="sign-in address", burst=30, every_s=6)
LINK_ADDRESS = Limit(name="link address", burst=20, every_s=6)
LINK_PERSON = Limit(name="link person", burst=5, every_s=60)
# not to refuse, but to record at most so often
FAILED_RECORD = Limit(name="failed record", burst=1, every_s=600)
REFUSED_RECORD = Limit(name="refused record", burst=1, every_s=600)
