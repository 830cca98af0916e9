"""Low-key messages: by a person's first method that wakes nobody, and to be seen in Tocsin itself."""

from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.jobs import Job
from tocsin.kernel.unit import Unit
from tocsin.oncall import ports, store
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Method, MethodKind, Notice

LOUD = frozenset({MethodKind.VOICE, MethodKind.SMS})


class SendNotice(Job, frozen=True, tag="oncall.send_notice"):
    """A low-key message waits to be sent."""

    notice_id: UUID


class NoticeToSend(Struct, frozen=True):
    """A message and by what it goes."""

    notice: Notice
    method: Method


async def give_notice(
    unit: Unit, person_id: PersonId, title: str, body: str, *, link: str = ""
) -> None:
    """Let somebody know; who is not there when it is to be sent is told nothing."""
    unit.require("page:step")
    if person_id not in unit.config(Directory).people:
        return
    one = Notice(
        id=uuid7(), person_id=person_id, title=title, body=body, link=link, made_at=unit.now
    )
    await store.add_notice(unit.conn, one)
    unit.defer(SendNotice(notice_id=one.id), subject=one.id)


async def notice_to_send(unit: Unit, notice_id: UUID) -> NoticeToSend | None:
    """Return a message that is still to be sent, and by what; None: it stays in the inbox alone."""
    unit.require("page:step")
    found = await store.notice(unit.conn, notice_id)
    if found is None or found.outcome is not None:
        return None
    person = unit.config(Directory).people.get(found.person_id)
    methods = person.methods if person and person.active else ()
    quiet = next((one for one in methods if one.kind not in LOUD), None)
    if quiet is None or quiet.kind is MethodKind.INBOX:
        await store.end_notice(unit.conn, notice_id, MethodKind.INBOX, "sent", "")
        return None
    return NoticeToSend(found, quiet)


async def notice_ended(unit: Unit, sent: NoticeToSend, outcome: ports.Outcome) -> None:
    """Record how a message left."""
    unit.require("page:step")
    word, _, error = ports.spelled(outcome)
    await store.end_notice(unit.conn, sent.notice.id, sent.method.kind, word, error)
