"""What messages that were sent shall say by now: loaded for who changes them."""

from collections.abc import Sequence

from msgspec import Struct

from tocsin.kernel.ids import PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.message import Redaction, recompose, redact
from tocsin.oncall.core.standing import standing
from tocsin.oncall.model import Brief, MethodKind, Page, Show

MESSAGES_MAX = 50


class Shown(Struct, frozen=True, kw_only=True):
    """A message that was sent, and what it says from now on."""

    kind: MethodKind
    provider_id: str
    incident: str
    subject: str
    text: str
    standing: str
    is_open: bool


async def shown_messages(
    unit: Unit, page_id: PageId, kinds: Sequence[MethodKind]
) -> tuple[int, list[Shown]]:
    """Return the epoch a page is in, and what its newest messages of these kinds are to say."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, page_id)
    brief = await store.brief(unit.conn, page_id)
    posted = await store.posted_of(unit.conn, page_id, kinds, MESSAGES_MAX)
    line = standing(page, unit.config(Directory).name_of)
    return page.epoch, [
        _shown(
            page, brief, MethodKind(one.kind), one.provider_id, Show(one.show or "full"), line
        )
        for one in posted
    ]


async def is_in_epoch(unit: Unit, page_id: PageId, epoch: int) -> bool:
    """Say whether a page still is in an epoch; until the unit ends it stays as it is."""
    unit.require("page:step")
    return (await store.page_for_update(unit.conn, page_id)).epoch == epoch


def _shown(
    page: Page, brief: Brief, kind: MethodKind, provider_id: str, show: Show, line: str
) -> Shown:
    # what was restricted since says no more than its number, whoever it was sent to
    allowed = Redaction(show)
    if page.visible_to is not None:
        allowed = Redaction(Show.REFERENCE, is_outsider=True)
    message = recompose(redact(brief, allowed))
    return Shown(
        kind=kind, provider_id=provider_id, incident=f"INC-{brief.number}",
        subject=message.subject, text=message.text, standing=line, is_open=page.is_open,
    )  # fmt: skip
