"""What the forms of a resource share: what stands in them, and the page that shows them."""

from typing import Annotated

from litestar.params import QueryParameter
from litestar.response import Template
from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed, TooLarge
from tocsin.kernel.unit import Unit
from tocsin.web.forms import number, text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.resource_views import PlanView
from tocsin.web.pages.resources import PAGE
from tocsin.web.units import AnAsking, AnyRequest

TEXT_MAX = 256 * 1024
Flag = Annotated[bool, QueryParameter()]
MENDABLE = (Invalid, Conflict, PreconditionFailed, TooLarge, NotFound)


class Form(Struct, frozen=True, kw_only=True):
    """What stands in a form: `version` is the one that its writer has seen, 0: none."""

    text: str = ""
    version: int = 0
    take_over: bool = False
    to: int = 0
    name: str = ""
    verb: str = ""


class Asks(Struct, frozen=True, kw_only=True):
    """What a form's page says: the plan once it is asked for, and what is wrong."""

    title: str
    action: str
    back: str
    form: Form
    by_file: bool = False
    plan: PlanView | None = None
    error: str = ""
    status: int = 200


async def shown(asking: AnAsking, request: AnyRequest, asks: Asks, page: str) -> Template:
    """Show a form of who may apply, with what is wrong in it. Raises Forbidden."""

    async def read(unit: Unit) -> Context:
        unit.require("resource:apply")
        return await page_of(unit, request, asks)

    return Template(page, context=await asking.run(read), status_code=asks.status)


async def page_of(unit: Unit, request: AnyRequest, asks: Asks) -> Context:
    """Gather what a form's page shows."""
    return await frame(unit, request, page=PAGE, title=asks.title) | {"asks": asks}


async def form_of(request: AnyRequest) -> Form:
    """Read a form; what is no number counts as none. Raises TooLarge."""
    form = await request.form()
    written = text(form, "text")
    if len(written) > TEXT_MAX:
        raise TooLarge(f"more than {TEXT_MAX} characters; use `tocsin apply`")
    return Form(
        text=written.replace("\r\n", "\n"), version=number(form, "version") or 0,
        take_over=text(form, "take_over") == "yes", to=number(form, "to") or 0,
        name=text(form, "name").strip(), verb=text(form, "do"),
    )  # fmt: skip
