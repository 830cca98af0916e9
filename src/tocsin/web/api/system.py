"""Tocsin itself over JSON: whether paging is held, and how much is logged."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Struct, field

import tocsin.governance.actions as governance
import tocsin.oncall.actions as oncalls
from tocsin.governance.model import Level
from tocsin.kernel.durations import seconds
from tocsin.kernel.errors import Invalid
from tocsin.kernel.held_jobs import Held
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking

_DEBUG = {"level": "debug", "for": "15m"}


class Paging(Struct, frozen=True, kw_only=True):
    """Whether people are paged; while it is held nobody is, and nothing is forgotten."""

    held: bool
    held_at: datetime | None = None
    reason: str | None = None


class PagingReleased(Struct, frozen=True, kw_only=True):
    """What a release found. `dropped_count` messages of earlier steps are not sent any more."""

    was_held: bool
    open_count: int
    dropped_count: int


class NewLogLevel(Struct, frozen=True, kw_only=True):
    """`settings` goes back to what each process was started with."""

    level: Level | Literal["settings"]
    lasts: str = field(default="1h", name="for")


class LogLevelShape(Struct, frozen=True, kw_only=True):
    """What every process logs; `until` null: what its settings say."""

    level: str
    until: datetime | None


@get("/paging", tags=["system"], responses=problems())
async def show_paging(asking: AnAsking) -> Paging:
    """Say whether paging is held, since when, and why."""
    return paging_shape(await asking.run(oncall.paging))


def paging_shape(found: Held | None) -> Paging:
    """Show a hold."""
    if found is None:
        return Paging(held=False)
    return Paging(held=True, held_at=found.held_at, reason=found.reason)


@post("/paging/hold", tags=["system"], status_code=200, responses=problems())
async def hold_paging(asking: AnAsking) -> Paging:
    """Page nobody until somebody releases it; alerts are taken and sorted as ever."""

    async def act(unit: Unit) -> Paging:
        await oncalls.hold_paging(unit)
        return paging_shape(await oncall.paging(unit))

    return await asking.run(act)


@post("/paging/release", tags=["system"], status_code=200, responses=problems())
async def release_paging(asking: AnAsking) -> PagingReleased:
    """Page for what is still true: each open page once, by one step."""
    found = await asking.run(oncalls.release_paging)
    return PagingReleased(
        was_held=found.was_held, open_count=found.open_count, dropped_count=found.dropped_count
    )


@post("/system/log-level", tags=["system"], status_code=200, responses=problems(Invalid))
async def change_log_level(
    asking: AnAsking,
    data: Annotated[NewLogLevel, Body(examples=[Example(summary="for a look", value=_DEBUG)])],
) -> LogLevelShape:
    """Log more, or less, in every process for a while; it comes into force within 5 seconds."""
    lasts_s = seconds(data.lasts, field="for")

    async def act(unit: Unit) -> LogLevelShape:
        if data.level == "settings":
            await governance.reset_log_level(unit)
            return LogLevelShape(level=asking.services.settings.log_level, until=None)
        chosen = await governance.change_log_level(unit, data.level, lasts_s)
        return LogLevelShape(level=chosen.level, until=chosen.until)

    return await asking.run(act)


ROUTES = [show_paging, hold_paging, release_paging, change_log_level]
