"""Put a message into the web inbox: its row is there before anybody sends, so it has arrived."""

from tocsin.oncall.ports import Outcome, Outgoing, Sent


class Inbox:
    """What a person sees at /inbox is the row of the message itself."""

    async def send(self, message: Outgoing) -> Outcome:
        """Say that it is there; whether it was seen, the row says later."""
        return Sent(message.key)
