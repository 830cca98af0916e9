"""What on-call needs from outside: messages handed to channels, and words that come back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from msgspec import Struct

from tocsin.oncall.model import CalendarShifts, MethodKind, PushDevice


class Outgoing(Struct, frozen=True, kw_only=True):
    """One attempt's message. `to` is the contact method's address, in the channel's own form.

    `key` is the idempotency key: the same for every attempt of one notification, so that a
    provider or a reader can see that two arrivals are one message. `thread` names what the
    message is about (an incident), so that its messages stand together in a mailbox.
    `text` must say everything; `html`, `link` and `ack_link` only make it nicer: a POST to
    `ack_link` acknowledges. `secret` is the method's own, to sign or to be let in with.
    `priority` is 1 to 5 where the method names one. `receipt` names the attempt, as
    `notification/number`: under it a provider tells later what became of it; "": nobody waits.
    `earlier` are the ids of messages about the same thing, oldest first, for channels that put
    them in one thread. `word` is a secret that comes back with an answer.
    """

    to: str
    subject: str
    text: str
    key: str
    html: str | None = None
    thread: str = ""
    event: str = "page"
    incident: str = ""
    link: str = ""
    ack_link: str = ""
    secret: str | None = None
    priority: int | None = None
    receipt: str = ""
    earlier: tuple[str, ...] = ()
    word: str = ""


class Sent(Struct, frozen=True):
    """The provider took it. Whether anybody read it is another question.

    One that promises a receipt is believed for `receipt_within_s`: without it the next method
    follows.
    """

    provider_id: str
    receipt_within_s: float | None = None


class TransientFailure(Struct, frozen=True):
    """Not now: the same attempt may work later, at the earliest after `retry_after_s`.

    `skipped`: nobody was asked, as the provider is left alone, so it was no try. `address_only`:
    others may be reached by the same provider.
    """

    reason: str
    retry_after_s: float | None = None
    skipped: bool = False
    address_only: bool = False


class PermanentFailure(Struct, frozen=True):
    """Never with these values: take the next method. `address_wrong` blames the address."""

    reason: str
    address_wrong: bool = False


Outcome = Sent | TransientFailure | PermanentFailure


def spelled(outcome: Outcome) -> tuple[str, str, str]:
    """Return what a row keeps of an outcome: its word, the provider's id, the error."""
    match outcome:
        case Sent(provider_id=provider_id):
            return "sent", provider_id, ""
        case TransientFailure(reason=reason, skipped=skipped):
            return "skipped" if skipped else "transient", "", reason
        case PermanentFailure(reason):
            return "permanent", "", reason


class Channel(Protocol):
    """A way to reach a person."""

    async def send(self, message: Outgoing) -> Outcome:
        """Try once, within the channel's own time limit; the world's failures are outcomes."""
        ...


class Revised(Struct, frozen=True, kw_only=True):
    """What a message that was sent says from now on; `standing` is how its page stands, in a line.

    While it `is_open` it offers what a new one offers. `key` is the same for the same text.
    """

    provider_id: str
    key: str
    subject: str
    text: str
    standing: str
    is_open: bool
    incident: str = ""
    link: str = ""


@runtime_checkable
class Updates(Protocol):
    """A channel that can change what it has sent."""

    async def update(self, message: Revised) -> Outcome:
        """Change one message in place, within the channel's own time limit."""
        ...


class Said(Struct, frozen=True, kw_only=True):
    """What somebody wrote to Tocsin, by a connection that it opened itself; untrusted.

    `id` is what the provider calls it, so that it is acted on once. `sender` is an address of
    `kind`. `is_direct`: to nobody but Tocsin. `about` are ids of the messages it answers, `word`
    a secret of ours that came back with it. `at` is when it was written, where that is known.
    """

    kind: MethodKind
    id: str
    sender: str
    text: str
    is_direct: bool = False
    about: tuple[str, ...] = ()
    word: str = ""
    at: datetime | None = None


class Ear(Protocol):
    """Who listens at the end of a connection."""

    position: str
    """Where to go on reading, as it was last kept; "" at the very first time."""

    async def connected(self) -> None:
        """Note that from now on something is heard."""
        ...

    async def hear(self, said: Said) -> str:
        """Do what somebody says, once; return the words to answer with, "" for none."""
        ...

    async def keep(self, position: str) -> None:
        """Remember where to go on: all before it was heard."""
        ...


class Deaf(Exception):
    """A connection cannot be made or was broken off; the text says why, without any secret.

    `retry_after_s`: the provider asks for so much patience.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Listener(Protocol):
    """A connection that Tocsin opens to hear what people reply."""

    name: str

    async def listen(self, ear: Ear) -> None:
        """Stay connected and hand on what is said, until it ends. Raises Deaf."""
        ...


class Pushed(Struct, frozen=True, kw_only=True):
    """What came of one push message: the devices that took it, failed, or are gone for good."""

    sent: tuple[UUID, ...] = ()
    failed: tuple[UUID, ...] = ()
    gone: tuple[UUID, ...] = ()
    error: str = ""


class Devices(Protocol):
    """Whose browsers there are, and the key by which push services know this Tocsin."""

    async def of(self, person_id: UUID) -> Sequence[PushDevice]:
        """Return a person's browsers."""
        ...

    async def ended(self, person_id: UUID, pushed: Pushed) -> None:
        """Keep what came of a message; browsers that are gone are forgotten."""
        ...

    async def key(self) -> bytes:
        """Return the private key, 32 bytes of P-256."""
        ...


class FetchedCalendar(Struct, frozen=True, kw_only=True):
    """What an address answered; `text` None: it is what it was.

    `etag` and `modified` are to be said the next time.
    """

    text: bytes | None
    etag: str = ""
    modified: str = ""


class CalendarReader(Protocol):
    """Other calendars; `app.py` brings the vendor's folder."""

    async def fetch(self, url: str, *, etag: str = "", modified: str = "") -> FetchedCalendar:
        """Return what an address answers. Raises Invalid, Unavailable, TooLarge."""
        ...

    async def read(
        self, text: bytes, zone: str, start: datetime, end: datetime
    ) -> CalendarShifts:
        """Expand a calendar in [start, end), soonest first. Raises Invalid, TooLarge."""
        ...
