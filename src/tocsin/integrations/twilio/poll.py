"""Ask Twilio for answers and receipts, where it cannot bring them to us."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from tocsin.integrations.outbound import Unreachable
from tocsin.integrations.twilio.client import SERVICE, Client
from tocsin.integrations.twilio.wire import PROVIDER, News, call_news, message_news
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Deaf, Ear

POLL_S = 5.0
PAGE_SIZE = 20  # of the longest texts no more fits into an answer that is read whole
PAGES_MAX = 10
OVERLAP = timedelta(minutes=5)
"""Messages appear in the list a little out of order; each is acted on once all the same."""


class Text(Struct, frozen=True, kw_only=True):
    """A text message as it stands in Twilio's list."""

    message_id: str
    number: str
    text: str
    at: datetime


class Waiting(Struct, frozen=True, kw_only=True):
    """An attempt whose receipt has not come; `provider_id` is Twilio's name for it."""

    receipt: str
    provider_id: str
    kind: MethodKind


class Desk(Struct, frozen=True, kw_only=True):
    """Who takes what was found: `hear` returns what to say to it, "" for nothing."""

    hear: Callable[[Text], Awaitable[str]]
    waiting: Callable[[], Awaitable[Sequence[Waiting]]]
    tell: Callable[[str, News], Awaitable[None]]
    say: Callable[[str, str], Awaitable[None]]


class TwilioPolling:
    """A listener: reads the list of messages from where it was read last."""

    name = PROVIDER

    def __init__(self, client: Client, desk: Desk, now: Callable[[], datetime]) -> None:
        self._client = client
        self._desk = desk
        self._now = now

    async def listen(self, ear: Ear) -> None:
        """Ask every few seconds. Raises Deaf when Twilio does not answer."""
        position = await self.once(ear.position)
        await ear.connected()
        while True:
            await ear.keep(position)
            await asyncio.sleep(POLL_S)
            position = await self.once(position)

    async def once(self, position: str) -> str:
        """Ask once; return from where to go on. What was heard before is handed in again.

        At the very first time nothing older than now counts. Raises Deaf.
        """
        began_at = self._now()
        since = datetime.fromisoformat(position) if position else began_at
        try:
            for text in sorted(await self._texts(since - OVERLAP), key=lambda one: one.at):
                if text.at < since - OVERLAP or (not position and text.at < since):
                    continue
                words = await self._desk.hear(text)
                if words:
                    await self._desk.say(text.number, words)
                since = max(since, text.at)
            await self._receipts()
        except Unreachable as unreachable:
            raise Deaf(str(unreachable)) from None
        return since.isoformat()

    async def _texts(self, since: datetime) -> list[Text]:
        query = [("DateSent>", since.strftime("%Y-%m-%d")), ("PageSize", str(PAGE_SIZE))]
        sender = self._client.account.sender
        if not SERVICE.fullmatch(sender):
            query.append(("To", sender))
        found: list[Text] = []
        path = f"Messages.json?{urlencode(query)}"
        for _ in range(PAGES_MAX):
            answer = await self._client.read(path)
            messages = answer.get("messages")
            listed = messages if isinstance(messages, list) else []
            texts = [_text(one) for one in listed]
            found += [one for one in texts if one is not None and one.at >= since]
            path = self._client.below(str(answer.get("next_page_uri") or ""))
            # the newest stand first: once one is too old, so are all that follow
            if not path or any(one and one.at < since for one in texts):
                break
        return found

    async def _receipts(self) -> None:
        for one in await self._desk.waiting():
            resource = "Calls" if one.kind is MethodKind.VOICE else "Messages"
            found = await self._client.read(f"{resource}/{one.provider_id}.json")
            status = str(found.get("status") or "")
            news = (
                call_news(status, str(found.get("answered_by") or ""))
                if one.kind is MethodKind.VOICE
                else message_news(status, str(found.get("error_code") or ""))
            )
            if news is not None:
                await self._desk.tell(one.receipt, news)


def _text(found: object) -> Text | None:
    """Read one entry of the list; None: it is none of those that came in."""
    if not isinstance(found, Mapping) or found.get("direction") != "inbound":
        return None
    fields: Mapping[str, Any] = found
    try:
        at = parsedate_to_datetime(str(fields["date_sent"] or fields["date_created"]))
        return Text(
            message_id=str(fields["sid"]), number=str(fields["from"]),
            text=str(fields.get("body") or "")[:1600], at=at.astimezone(UTC),
        )  # fmt: skip
    except (KeyError, ValueError, TypeError):
        return None
