"""Swaps on screen: ask somebody to take a shift of mine, and answer who asks me."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid, NotFound, Refused
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions, reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.importing import TURNS_MAX
from tocsin.oncall.model import Plan, Schedule, Shift, Swap
from tocsin.web.forms import stay, text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.oncall_views import turn_key
from tocsin.web.pages.schedule_agreed import TURNS_AHEAD
from tocsin.web.pages.schedule_forms import Options, people_of
from tocsin.web.pages.schedule_overriding import NOTHING, Refusal, back_to
from tocsin.web.pages.schedule_reading import zone_of
from tocsin.web.units import AnAsking, AnyRequest

OPTIONS_MAX = 60
Turn = Annotated[str, QueryParameter(max_length=100)]


class Form(Struct, frozen=True, kw_only=True):
    """What stands in the form; turns are `layer/number`."""

    turn: str = ""
    partner: str = ""
    back: str = ""
    reason: str = ""


@get("/schedules/{name:str}/swap")
async def ask_swap(
    asking: AnAsking, request: AnyRequest, name: FromPath[str], turn: Turn = ""
) -> Template:
    """Ask which shift somebody shall take, and which one to take in return."""
    return await _page(asking, request, name, Form(turn=turn), NOTHING)


@post("/schedules/{name:str}/swap", status_code=303)
async def request_swap(
    posting: AnAsking, request: AnyRequest, name: FromPath[str]
) -> Response[Any] | Template:
    """Ask for the swap; what is not acceptable is asked again."""
    form = _form(await request.form())

    async def act(unit: Unit) -> Swap:
        layer, turn = _turn(form.turn, "turn")
        new = actions.NewSwap(
            schedule=name, layer=layer, turn=turn, partner=form.partner, reason=form.reason
        )
        if form.back:
            layer, turn = _turn(form.back, "back")
            new = actions.NewSwap(
                schedule=name, layer=new.layer, turn=new.turn, partner=form.partner,
                reason=form.reason, back_schedule=name, back_layer=layer, back_turn=turn,
            )  # fmt: skip
        return await actions.request_swap(unit, new)

    try:
        await posting.run(act)
    except (Invalid, Conflict, NotFound) as refused:
        return await _page(posting, request, name, form, _refusal(refused))
    return Redirect(f"/schedules/{name}", status_code=303)


def _form(data: FormMultiDict) -> Form:
    return Form(
        turn=text(data, "turn"), partner=text(data, "partner"), back=text(data, "back_turn"),
        reason=text(data, "reason"),
    )  # fmt: skip


def _turn(key: str, field: str) -> tuple[str, int]:
    layer, _, number = key.rpartition("/")
    if (
        not layer
        or not (number.isascii() and number.isdigit())
        or len(number) > len(str(TURNS_MAX))
        or int(number) >= TURNS_MAX
    ):
        raise Invalid("choose a shift", field=field)
    return layer, int(number)


def _refusal(refused: Refused) -> Refusal:
    field = refused.field if isinstance(refused, Invalid) else None
    return Refusal(refused.detail, field)


async def _page(
    asking: AnAsking, request: AnyRequest, name: str, form: Form, refusal: Refusal
) -> Template:
    async def read(unit: Unit) -> Context:
        unit.require("self:write")
        found = await reads.schedule(unit, name)
        context = await frame(unit, request, page="oncall", title="Swap a shift")
        directory, zone = unit.config(Directory), zone_of(unit)
        plan = await reads.plan_of(unit, found, unit.now, unit.now + TURNS_AHEAD)
        me = unit.actor.person_id
        people = [
            (label, [one for one in group if directory.person_named(one[0]).id != me])
            for label, group in people_of(directory, found)
        ]
        return context | {
            "schedule": found, "form": form, "refusal": refusal, "zone": zone,
            "mine": _options(plan, found, directory, zone, lambda one: me in one.people),
            "theirs": _options(
                plan, found, directory, zone, lambda one: me not in one.people, named=True
            ),
            "people": [one for one in people if one[1]],
        }  # fmt: skip

    status = 422 if refusal.problem else 200
    return Template("schedule_swap.html", context=await asking.run(read), status_code=status)


def _options(
    plan: Plan,
    schedule: Schedule,
    directory: Directory,
    zone: str,
    is_wanted: Callable[[Shift], bool],
    *,
    named: bool = False,
) -> Options:
    place = ZoneInfo(zone)
    found: dict[str, str] = {}
    for one in plan.shifts:
        if not one.layer or not is_wanted(one):
            continue
        start, end = one.start_at.astimezone(place), one.end_at.astimezone(place)
        slot = f", {one.slot}" if len(schedule.slots) > 1 else ""
        who = f"{directory.names_of(one.people)}: " if named else ""
        words = f"{who}{start:%a %-d %b %H:%M} to {end:%a %-d %b %H:%M}{slot}"
        found.setdefault(turn_key(one), words)
    return list(found.items())[:OPTIONS_MAX]


@post("/oncall/swaps/{swap_id:uuid}/accept", status_code=303)
async def accept(
    posting: AnAsking, request: AnyRequest, swap_id: FromPath[UUID]
) -> Response[Any]:
    """Take the shift that somebody wants to give me."""
    return await _answer(posting, request, lambda unit: actions.accept_swap(unit, swap_id))


@post("/oncall/swaps/{swap_id:uuid}/decline", status_code=303)
async def decline(
    posting: AnAsking, request: AnyRequest, swap_id: FromPath[UUID]
) -> Response[Any]:
    """Leave the shift with whoever has it."""
    return await _answer(posting, request, lambda unit: actions.decline_swap(unit, swap_id))


@post("/oncall/swaps/{swap_id:uuid}/withdraw", status_code=303)
async def withdraw(
    posting: AnAsking, request: AnyRequest, swap_id: FromPath[UUID]
) -> Response[Any]:
    """Take back what I asked for."""
    return await _answer(posting, request, lambda unit: actions.withdraw_swap(unit, swap_id))


async def _answer(
    posting: AnAsking, request: AnyRequest, act: Callable[[Unit], Awaitable[Swap]]
) -> Response[Any]:
    back = text(await request.form(), "back")
    await posting.run(act)
    return stay(request, back_to(back))


ROUTES: Final = (ask_swap, request_swap, accept, decline, withdraw)
