"""Whether paging is held, for screens and health."""

from typing import Any

from psycopg import AsyncConnection

from tocsin.kernel import held_jobs
from tocsin.kernel.held_jobs import Held
from tocsin.kernel.unit import Unit


async def held_paging(conn: AsyncConnection[Any]) -> Held | None:
    """Return since when paging is held, and why; None: it is not."""
    return await held_jobs.held(conn)


async def paging(unit: Unit) -> Held | None:
    """Return the same for somebody who asks."""
    unit.require("page:read")
    return await held_paging(unit.conn)
