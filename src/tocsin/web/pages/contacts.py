"""By what I am paged: my contact methods, masked, and a test of each."""

from datetime import datetime
from typing import Final

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import masked, unquoted
from tocsin.oncall.model import ContactTest, Method, Show
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

SHOWN = {
    Show.FULL: "the full text",
    Show.TITLE: "the title only",
    Show.REFERENCE: "the reference only",
}


class ContactView(Struct, frozen=True, kw_only=True):
    """One method. `outcome` is the last test's: sent, failed, unknown, or "" for never."""

    index: int
    kind: str
    address: str
    show: str
    outcome: str
    error: str
    tested_at: datetime | None


def contact_view(index: int, method: Method, test: ContactTest | None) -> ContactView:
    """Show a method with its last test, if that was of this kind."""
    if test is not None and test.kind is not method.kind:
        test = None
    return ContactView(
        index=index, kind=method.kind, address=masked(method), show=SHOWN[method.show],
        outcome=_word(test), error=unquoted(test.error, method) if test else "",
        tested_at=test.started_at if test else None,
    )  # fmt: skip


def _word(test: ContactTest | None) -> str:
    if test is None:
        return ""
    if test.outcome is None:
        return "unknown"
    return "sent" if test.outcome == "sent" else "failed"


async def contact_views(unit: Unit) -> list[ContactView] | None:
    """Gather what `_account_contacts.html` shows; None for who is nobody that can be paged."""
    person_id = unit.actor.person_id
    person = unit.config(Directory).people.get(person_id) if person_id else None
    if person is None:
        return None
    tests = await reads.last_tests(unit)
    return [contact_view(at, one, tests.get(at)) for at, one in enumerate(person.methods)]


@get("/account/contacts")
async def contacts(asking: AnAsking, request: AnyRequest) -> Template:
    """Show my contact methods."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="account", title="Contact methods")
        return context | {"contacts": await contact_views(unit)}

    return Template("contacts.html", context=await asking.run(read))


@post("/account/contacts/{index:int}/test", status_code=303)
async def test_contact(posting: AnAsking, index: FromPath[int]) -> Redirect:
    """Send a test to myself; the page that follows says how it went."""
    await posting.services.try_contact(posting.actor, index)
    return Redirect("/account/contacts", status_code=303)


ROUTES: Final = (contacts, test_contact)
