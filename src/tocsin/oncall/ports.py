"""What on-call needs from outside: one message handed to one channel, and a named outcome."""

from typing import Protocol

from msgspec import Struct


class Outgoing(Struct, frozen=True, kw_only=True):
    """One attempt's message. `to` is the contact method's address, in the channel's own form.

    `key` is the idempotency key: the same for every attempt of one notification, so that a
    provider or a reader can see that two arrivals are one message. `thread` names what the
    message is about (an incident), so that its messages stand together in a mailbox.
    `text` must say everything; `html`, `link` and `ack_link` only make it nicer: a POST to
    `ack_link` acknowledges. `secret` is the method's own, to sign or to be let in with.
    `priority` is 1 to 5 where the method names one.
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


class Sent(Struct, frozen=True):
    """The provider took it. Whether anybody read it is another question."""

    provider_id: str


class TransientFailure(Struct, frozen=True):
    """Not now: the same attempt may work later, at the earliest after `retry_after_s`."""

    reason: str
    retry_after_s: float | None = None


class PermanentFailure(Struct, frozen=True):
    """Never with these values: take the next method. `address_wrong` blames the address."""

    reason: str
    address_wrong: bool = False


Outcome = Sent | TransientFailure | PermanentFailure


def spelled(outcome: Outcome) -> tuple[str, str, str]:
    """Return what a row keeps of an outcome: its word, the provider's id, the error."""
    match outcome:
        case Sent(provider_id):
            return "sent", provider_id, ""
        case TransientFailure(reason):
            return "transient", "", reason
        case PermanentFailure(reason):
            return "permanent", "", reason


class Channel(Protocol):
    """A way to reach a person."""

    async def send(self, message: Outgoing) -> Outcome:
        """Try once, within the channel's own time limit; the world's failures are outcomes."""
        ...
