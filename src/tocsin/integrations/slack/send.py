"""Send pages to Slack, one thread an incident, and change them when somebody answers."""

import re

from tocsin.integrations.slack import blocks
from tocsin.integrations.slack.api import Refusal, SlackApi
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Revised, Sent

_ADDRESS = re.compile(r"[UWCGD][A-Z0-9]{2,30}")
_MEMBER = ("U", "W")


class Slack:
    """Members (`U012AB3CD`), in a conversation with the app, and channels (`C061EG9T2`).

    Slack knows no idempotency key: a message whose answer was lost is sent again.
    """

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._conversations: dict[str, str] = {}

    async def send(self, message: Outgoing) -> Outcome:
        """Post once, under the first message about the same incident in that conversation."""
        if not _ADDRESS.fullmatch(message.to):
            return PermanentFailure("not a Slack member or channel id", address_wrong=True)
        is_page = message.event == "page"
        content = blocks.page(
            message.subject, message.text, link=message.link,
            incident=message.incident if is_page else "",
        )  # fmt: skip
        try:
            channel = await self._conversation(message.to)
            root = next((one for one in message.earlier if one.startswith(f"{channel}/")), "")
            if root:  # shown in the conversation as well, or nobody would see it
                content |= {"thread_ts": root.partition("/")[2], "reply_broadcast": True}
            sent = await self._api.call(
                "chat.postMessage",
                {"channel": channel, "unfurl_links": False, "unfurl_media": False, **content},
            )
        except Refusal as refusal:
            self._conversations.pop(message.to, None)
            return refusal.outcome
        return Sent(f"{sent.channel_id or channel}/{sent.ts}")

    async def update(self, message: Revised) -> Outcome:
        """Change one message in place; without buttons once nobody is called any more."""
        channel, _, stamp = message.provider_id.partition("/")
        content = blocks.page(
            message.subject, message.text, standing=message.standing, link=message.link,
            incident=message.incident, is_open=message.is_open,
        )  # fmt: skip
        try:
            await self._api.call("chat.update", {"channel": channel, "ts": stamp, **content})
        except Refusal as refusal:
            return refusal.outcome
        return Sent(message.provider_id)

    async def _conversation(self, address: str) -> str:
        """Return the channel in which an address is reached. Raises Refusal."""
        if not address.startswith(_MEMBER):
            return address
        known = self._conversations.get(address)
        if known is None:
            opened = await self._api.call("conversations.open", {"users": address})
            known = self._conversations[address] = opened.channel_id
        return known
