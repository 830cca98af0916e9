"""What people do to one page, over JSON: acknowledge, snooze, reassign, hand back."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

import tocsin.command.reads as command
import tocsin.oncall.actions as oncall
from tocsin.kernel.durations import Duration, seconds
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall.actions import Assignee
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Page
from tocsin.web.api.incident_asking import Reference
from tocsin.web.api.incidents import Channel
from tocsin.web.api.oncall import page_shape
from tocsin.web.api.page_shapes import PageShape
from tocsin.web.api.shapes import problems
from tocsin.web.explaining import Explained, explain
from tocsin.web.units import AnAsking, Asking

Name = Annotated[str, Meta(max_length=200)]
WRONG = problems(NotFound, Invalid, Forbidden, Conflict)


class Snooze(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"for_": "for"}
):
    """Until an instant, or for so long: one of the two; a minute at least, 7 days at most."""

    until: datetime | None = None
    for_: Duration | None = None

    def ends_at(self, now: datetime) -> datetime:
        """Return the instant. Raises Invalid."""
        if (self.until is None) == (self.for_ is None):
            raise Invalid("say either until or for", field="until")
        if self.until is not None:
            if self.until.tzinfo is None:
                raise Invalid(
                    "until has no zone; write e.g. 2026-03-27T18:00:00Z", field="until"
                )
            return self.until
        return now + timedelta(seconds=seconds(self.for_ or "", field="for"))


class ToWhom(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of person, schedule, team and policy, by name; `slot` of the schedule, else its first."""

    person: Name = ""
    schedule: Name = ""
    slot: Name = ""
    team: Name = ""
    policy: Name = ""


ASnooze = Annotated[Snooze, Body(examples=[Example(value={"for": "1h"})])]
AToWhom = Annotated[ToWhom, Body(examples=[Example(value={"person": "maya"})])]


def page_id_of(text: str) -> PageId:
    """Read a page's id. Raises Invalid."""
    try:
        return PageId(UUID(text))
    except ValueError:
        raise Invalid(f"{text!r} is no page id", field="page") from None


@post("/pages/{page_id:str}/acknowledge", tags=["on-call"], status_code=200, responses=WRONG)
async def acknowledge_page(
    asking: AnAsking, page_id: FromPath[str], channel: Channel = None
) -> PageShape:
    """Take one page: nobody else is called for it. Twice, or too late, changes nothing."""

    async def act(unit: Unit) -> Page:
        said = "cli" if channel == "cli" else "api"
        return await oncall.acknowledge(unit, page_id_of(page_id), channel=said)

    return await _answer(asking, act)


@post("/pages/{page_id:str}/snooze", tags=["on-call"], status_code=200, responses=WRONG)
async def snooze_page(
    asking: AnAsking, page_id: FromPath[str], data: ASnooze, channel: Channel = None
) -> PageShape:
    """Put one page off: nobody is called for it before then, and then its first step again."""

    async def act(unit: Unit) -> Page:
        until, said = data.ends_at(unit.now), "cli" if channel == "cli" else "api"
        return await oncall.snooze(unit, page_id_of(page_id), until=until, channel=said)

    return await _answer(asking, act)


@post("/pages/{page_id:str}/reassign", tags=["on-call"], status_code=200, responses=WRONG)
async def reassign_page(asking: AnAsking, page_id: FromPath[str], data: AToWhom) -> PageShape:
    """Hand one page on: they are called at once, and its policy after them."""

    async def act(unit: Unit) -> Page:
        to = Assignee(
            person=data.person, schedule=data.schedule, slot=data.slot, team=data.team,
            policy=data.policy,
        )  # fmt: skip
        return await oncall.reassign(unit, page_id_of(page_id), to)

    return await _answer(asking, act)


@post("/pages/{page_id:str}/hand-back", tags=["on-call"], status_code=200, responses=WRONG)
async def hand_page_back(asking: AnAsking, page_id: FromPath[str]) -> PageShape:
    """Take an acknowledgement back, or end a snooze: the page calls from its first step again."""

    async def act(unit: Unit) -> Page:
        return await oncall.hand_back(unit, page_id_of(page_id))

    return await _answer(asking, act)


@get("/incidents/{reference:str}/why", tags=["on-call"], responses=problems(NotFound, Invalid))
async def explain_incident(asking: AnAsking, reference: Reference) -> Explained:
    """Say why an incident paged whom it paged, and why nobody else, from the records."""

    async def read(unit: Unit) -> Explained:
        incident = await command.incident(unit, reference)
        return await explain(unit, asking.services.catalog, incident)

    return await asking.run(read)


async def _answer(asking: Asking, act: Callable[[Unit], Awaitable[Page]]) -> PageShape:
    async def run(unit: Unit) -> PageShape:
        return page_shape(unit.config(Directory), await act(unit))

    return await asking.run(run)


ROUTES = [acknowledge_page, snooze_page, reassign_page, hand_page_back, explain_incident]
