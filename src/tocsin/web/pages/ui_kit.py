"""The design system's own page: every component in every state, for people and for axe."""

from typing import Final

from litestar import get
from litestar.response import Template
from msgspec import Struct

from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

TONES = ("crit", "warn", "ok", "info", "brand", "")
STATES = ("triggered", "acknowledged", "resolved", "queued", "unpageable", "expected")


class KitRow(Struct, frozen=True, kw_only=True):
    """A row as lists show it."""

    title: str
    severity: str
    state: str
    tone: str


ROWS = (
    KitRow(
        title="Checkout is slow and failing: the pool of payments-db is exhausted",
        severity="SEV1", state="triggered", tone="crit",
    ),
    KitRow(title="Search answers late", severity="SEV3", state="acknowledged", tone="info"),
    KitRow(title="The backup is old", severity="SEV5", state="resolved", tone="ok"),
)  # fmt: skip


@get("/ui-kit")
async def ui_kit(asking: AnAsking, request: AnyRequest) -> Template:
    """Show every component."""

    async def read(unit: Unit) -> Context:
        return await frame(unit, request, page="ui-kit", title="UI kit") | {
            "at": unit.now,
            "tones": TONES,
            "states": STATES,
            "severities": [one.name for one in Severity],
            "rows": ROWS,
        }

    return Template("ui_kit.html", context=await asking.run(read))


ROUTES: Final = (ui_kit,)
