"""What people do by telephone: answer a text message, take a call, press a key."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Forbidden, Refused
from tocsin.kernel.ids import IncidentId, NotificationId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads, store
from tocsin.oncall.actions.listening import note_heard
from tocsin.oncall.actions.receipts import Receipt, receive
from tocsin.oncall.actions.replying import reply
from tocsin.oncall.core import phone
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.message import redact, redaction
from tocsin.oncall.core.reachability import normal
from tocsin.oncall.core.receipt import ReceiptKind
from tocsin.oncall.core.reply import Reply, Unclear, Verb
from tocsin.oncall.model import (
    Method,
    MethodKind,
    Notification,
    PageState,
    Person,
    Show,
)
from tocsin.oncall.store import Phoned

ANSWER_LASTS = timedelta(days=2)
"""A message may be answered as long as an acknowledge link works."""

SMS_CHANNEL = "SMS"
CALL_CHANNEL = "phone call"
_PHONES = (MethodKind.SMS, MethodKind.VOICE)
ActorOf = Callable[[Unit, PersonId], Awaitable[Actor | None]]
"""Returns a person as they are when they sign in; None: they may not."""

_CALLING = (PageState.TRIGGERED, PageState.ESCALATING)


class TextAnswer(Struct, frozen=True, kw_only=True):
    """A text message that came in. `message_id` is the provider's name for it, unique there."""

    provider: str
    message_id: str
    number: str
    text: str


class KeyPressed(Struct, frozen=True, kw_only=True):
    """A key that somebody pressed in a call that an attempt has made."""

    notification_id: NotificationId
    call_id: str
    digit: str


async def answer_text(unit: Unit, answer: TextAnswer, actor_of: ActorOf) -> str | None:
    """Do what a text message asks, as the person whose number it came from; return what to say.

    None: nothing is said, to a stranger or to what came before. It is about the newest message
    to that number whose page still calls, unless it names an incident.
    """
    unit.require("page:watch")
    directory = unit.config(Directory)
    people = await _people_with(unit, directory, answer.number)
    told = await store.phoned(unit.conn, [*people], unit.now - ANSWER_LASTS)
    if not told or not await note_heard(unit, answer.provider, answer.message_id):
        return None
    asked = phone.read_text(answer.text)
    if asked is None:
        return None
    if isinstance(asked, Unclear):
        return asked.words
    meant = _meant(told, asked.number)
    if not meant:
        return f"There is no page for INC-{asked.number} that was sent to this number."
    person = people[meant[0].person_id]
    meant = sorted(meant, key=lambda one: one.page_id)
    incidents = dict.fromkeys(one.incident_id for one in meant)
    if asked.is_all or asked.number is not None:
        # `reply` finds what is meant, maybe more than this, and locks it at once
        return await _act(unit, person, asked, meant[0].incident_id, SMS_CHANNEL, actor_of)
    # all at once: pages are locked in one order everywhere
    await store.pages_of_for_update(unit.conn, *incidents)
    said = [await _act(unit, person, asked, one, SMS_CHANNEL, actor_of) for one in incidents]
    return "\n".join(dict.fromkeys(said))


async def take_call(
    unit: Unit, notification_id: NotificationId, attempt: int, *, by_machine: bool
) -> phone.Script | None:
    """Note that somebody took a call, and return what to say; None: an answering machine did.

    A machine is not the person: the next method follows now. Raises NotFound.
    """
    unit.require("page:step")
    kind = ReceiptKind.UNDELIVERED if by_machine else ReceiptKind.SEEN
    reason = "an answering machine took the call" if by_machine else "the call was taken"
    receipt = Receipt(
        notification_id=notification_id, attempt=attempt, kind=kind, reason=reason
    )
    await receive(unit, receipt)
    if by_machine:
        return None
    notification = await store.notification(unit.conn, notification_id)
    page = await store.page_for_update(unit.conn, notification.page_id)
    allowed = redaction(page, _method(unit, notification), notification)
    return phone.script(redact(await store.brief(unit.conn, page.id), allowed), page)


async def press_key(unit: Unit, pressed: KeyPressed, actor_of: ActorOf) -> phone.Script | None:
    """Do what a key asks, as the person who was called, once a call; None: say it all again.

    Raises NotFound, or Forbidden for who is not a member any more.
    """
    unit.require("page:step")
    verb = phone.key(pressed.digit)
    if verb is None:
        return None
    notification = await store.notification(unit.conn, pressed.notification_id)
    # not locked: what is asked locks all pages of the incident, in their order
    page = await reads.page(unit, str(notification.page_id))
    person = unit.config(Directory).people.get(notification.person_id)
    if person is None or not person.active:
        raise Forbidden("whoever was called is not a member any more")
    if not await note_heard(unit, "call", f"{pressed.call_id}/{verb}"):
        return phone.Script("That was done before. Goodbye.", keys=False)
    asked = Reply(verb=verb)
    said = await _act(unit, person, asked, page.incident_id, CALL_CHANNEL, actor_of)
    return phone.Script(f"{phone.spoken(said)}. Goodbye.", keys=False)


async def _act(
    unit: Unit,
    person: Person,
    asked: Reply,
    about: IncidentId,
    channel: str,
    actor_of: ActorOf,
) -> str:
    if asked.verb is Verb.HELP:
        return phone.HELP
    if await actor_of(unit, person.id) is None:
        return "You are not a member any more; nothing was done."
    asker = unit.actor
    # from here on the person acts, not Tocsin
    unit.actor = unit.asker = Actor(
        kind="link", id=person.id, name=person.display_name, role=Role.RESPONDER,
        person_id=person.id,
    )  # fmt: skip
    try:
        return await reply(unit, asked, about=about, channel=channel)
    except Refused as refused:
        return refused.detail
    finally:
        unit.actor = unit.asker = asker


async def _people_with(unit: Unit, directory: Directory, number: str) -> dict[PersonId, Person]:
    """Return whose number it is: who has proved it, else all who name it."""
    wanted = normal(MethodKind.SMS, number)
    found = {
        person.id: person
        for person in directory.people.values()
        if person.active
        and any(
            method.kind in _PHONES and normal(method.kind, method.address) == wanted
            for method in person.methods
        )
    }
    for kind in _PHONES:
        proved = await reads.person_by_address(unit, kind, wanted)
        if proved is not None and proved in found:
            return {proved: found[proved]}
    return found


def _meant(told: list[Phoned], number: int | None) -> list[Phoned]:
    """Return what an answer is about: the incident it names, else the newest that calls.

    What left as one message is answered as one.
    """
    if number is not None:
        return [one for one in told if one.number == number][:1]
    newest = next((one for one in told if one.state in _CALLING), told[0])
    together = newest.bundle or newest.id
    return [one for one in told if together in (one.bundle, one.id)]


def _method(unit: Unit, notification: Notification) -> Method:
    """Return the method that a call was made by; where it is gone, one that says the least."""
    person = unit.config(Directory).people.get(notification.person_id)
    methods = person.methods if person else ()
    if notification.method < len(methods):
        return methods[notification.method]
    return Method(kind=notification.kind, address="", show=Show.REFERENCE)
