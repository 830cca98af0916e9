"""Waiting for PostgreSQL while Tocsin starts: what passes by itself is no reason to give up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from tocsin.kernel.db_trouble import Trouble, trouble_in, trouble_of
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.postgres import Embedded

T = TypeVar("T")
STARTS_MAX = 5  # how often the embedded server may die while Tocsin starts
PAUSE_S = 0.5
SAID_EVERY = 10  # tries
log = Log("serve")

Told = Callable[[Trouble], None]
"""Hears what is wrong with the database."""


async def patiently(embedded: Embedded | None, act: Callable[[], Awaitable[T]]) -> T:
    """Do `act`; where the embedded server dies under it, bring that back and do it again.

    For the start: later `Embedded.watch` brings the server back and units are run again.
    """
    for _ in range(STARTS_MAX):
        try:
            return await act()
        except (Unavailable, psycopg.OperationalError) as error:
            if embedded is None:
                raise
            log.warning("serve.database_lost", why=str(error))
            await embedded.revive()
    return await act()


async def waiting(act: Callable[[], Awaitable[T]], told: Told) -> T:
    """Do `act` as soon as the database lets it; what does not pass by itself is raised."""
    tries = 0
    while True:
        try:
            return await act()
        except (Unavailable, psycopg.Error) as error:
            trouble = passing(error)
            if trouble is None:
                raise
            told(trouble)
            if tries % SAID_EVERY == 0:
                log.warning("serve.waiting", state=trouble.code, why=str(error))
        tries += 1
        await asyncio.sleep(PAUSE_S)


def passing(error: BaseException) -> Trouble | None:
    """Name the trouble that is worth waiting for; None for one that stays."""
    if isinstance(error, Unavailable) and error.__cause__ is not None:
        error = error.__cause__
    found = trouble_in(str(error)) or trouble_of(error)
    return found if found is not None and found.is_passing else None
