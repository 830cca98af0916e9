"""Page people by Twilio: a text message, or a call that reads the page and takes a key."""

from tocsin.integrations.sms.text import short
from tocsin.integrations.twilio.client import NUMBER, SERVICE, Client, Form
from tocsin.integrations.twilio.twiml import speech
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent

SMS_RECEIPT_S = 60.0
"""Networks confirm within seconds; what is not confirmed by then is followed by the next method."""

CALL_RECEIPT_S = 90.0
"""The ringing, the listening for a machine, and some more."""

RING_S = 30
LISTEN_S = 10
VALID_S = 600
"""A page that arrives later than this would be about something else."""

_NO_NUMBER = PermanentFailure("not a telephone number as +4915123456789", address_wrong=True)


class TwilioSms:
    """Text messages. `hooks` is where receipts and answers are sent to; "" where they are fetched."""

    def __init__(self, client: Client, *, hooks: str) -> None:
        self._client = client
        self._hooks = hooks

    async def send(self, message: Outgoing) -> Outcome:
        """Hand a text message over once."""
        if not NUMBER.fullmatch(message.to):
            return _NO_NUMBER
        sender = self._client.account.sender
        by = "MessagingServiceSid" if SERVICE.fullmatch(sender) else "From"
        form = [
            ("To", message.to),
            (by, sender),
            ("Body", short(message, can_answer=True)),
            ("ValidityPeriod", str(VALID_S)),
        ]
        if self._hooks and message.receipt:
            form.append(("StatusCallback", f"{self._hooks}/sms/{message.receipt}"))
        outcome = await self._client.create("Messages", form, message.key)
        return _promised(outcome, message, SMS_RECEIPT_S)


class TwilioVoice:
    """Calls. Where Twilio cannot ask us what to say, the call says it and takes no key."""

    def __init__(self, client: Client, *, hooks: str) -> None:
        """Raise ValueError for a sender that is no number: a messaging service cannot call."""
        if not NUMBER.fullmatch(client.account.sender):
            raise ValueError("only a number can call")
        self._client = client
        self._hooks = hooks

    async def send(self, message: Outgoing) -> Outcome:
        """Begin one call; whether a person takes it, a receipt says."""
        if not NUMBER.fullmatch(message.to):
            return _NO_NUMBER
        form = [
            ("To", message.to),
            ("From", self._client.account.sender),
            ("Timeout", str(RING_S)),
            ("MachineDetection", "Enable"),
            ("MachineDetectionTimeout", str(LISTEN_S)),
            *self._said(message),
        ]
        outcome = await self._client.create("Calls", form, message.key)
        return _promised(outcome, message, CALL_RECEIPT_S)

    def _said(self, message: Outgoing) -> Form:
        if not self._hooks or not message.receipt:
            return [("Twiml", speech(message).decode())]
        url = f"{self._hooks}/voice/{message.receipt}"
        return [
            ("Url", url),
            ("Method", "POST"),
            ("StatusCallback", f"{url}/status"),
            ("StatusCallbackMethod", "POST"),
            ("StatusCallbackEvent", "completed"),
        ]


def _promised(outcome: Outcome, message: Outgoing, within_s: float) -> Outcome:
    if isinstance(outcome, Sent) and message.receipt:
        return Sent(outcome.provider_id, receipt_within_s=within_s)
    return outcome
