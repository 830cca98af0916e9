"""Send pages into Matrix rooms, one thread an incident, and change them when somebody answers."""

import asyncio
import re
from hashlib import sha256

from tocsin.integrations.matrix import message as contents
from tocsin.integrations.matrix.api import Homeserver, Refusal, is_passing
from tocsin.oncall.ports import (
    Outcome,
    Outgoing,
    PermanentFailure,
    Revised,
    Sent,
    TransientFailure,
)

_ADDRESS = re.compile(r"[@!][^\s:/\x00-\x1f\x7f]{1,200}(:[^\s/\x00-\x1f\x7f]{1,200})?")
_NOT_FOUND = frozenset({"M_NOT_FOUND", "M_FORBIDDEN", "M_INVALID_PARAM", "M_UNRECOGNIZED"})


class Matrix:
    """Users (`@ada:example.org`), each in a room alone with Tocsin, and rooms (`!ops:example.org`).

    Messages are not end-to-end encrypted.
    """

    def __init__(self, homeserver: Homeserver) -> None:
        self._homeserver = homeserver
        self._rooms: dict[str, str] = {}
        self._finding = asyncio.Lock()

    async def send(self, message: Outgoing) -> Outcome:
        """Send once; the homeserver drops a second arrival of the same key."""
        if not _ADDRESS.fullmatch(message.to):
            return PermanentFailure("not a Matrix user or room", address_wrong=True)
        try:
            room = await self._room(message.to)
            root = _root(room, message.earlier)
            content = contents.page(
                message.subject, message.text, link=message.link, incident=message.incident,
                mention=message.to if message.to.startswith("@") else "", root=root,
            )  # fmt: skip
            event_id = await self._homeserver.send(room, _transaction(message.key), content)
        except Refusal as refusal:
            self._rooms.pop(message.to, None)
            return _outcome(refusal)
        return Sent(f"{room}/{event_id}")

    async def update(self, message: Revised) -> Outcome:
        """Change one message in place; who cannot show that sees a new one."""
        room, _, event_id = message.provider_id.partition("/")
        content = contents.page(
            message.subject, message.text, standing=message.standing, link=message.link,
            incident=message.incident,
        )  # fmt: skip
        try:
            changed = contents.changed(event_id, content)
            await self._homeserver.send(room, _transaction(message.key), changed)
        except Refusal as refusal:
            return _outcome(refusal)
        return Sent(message.provider_id)

    async def _room(self, address: str) -> str:
        """Return the room in which an address is reached. Raises Refusal."""
        if address.startswith("!"):
            return address
        async with self._finding:  # or two pages at once would make two rooms
            room = self._rooms.get(address) or await self._direct_room(address)
            self._rooms[address] = room
        return room

    async def _direct_room(self, user: str) -> str:
        for room in (await self._homeserver.direct_rooms()).get(user, ()):
            membership = await self._homeserver.membership(room, user)
            if membership == "leave":
                await self._homeserver.invite(room, user)
            if membership in {"join", "invite", "leave"}:
                return room
        return await self._homeserver.make_direct(user)


def _root(room: str, earlier: tuple[str, ...]) -> str:
    """Return the first message about the incident in this room, "" for none."""
    return next((one.partition("/")[2] for one in earlier if one.partition("/")[0] == room), "")


def _transaction(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()[:40]


def _outcome(refusal: Refusal) -> Outcome:
    if is_passing(refusal):
        return TransientFailure(refusal.reason, refusal.retry_after_s)
    is_address = refusal.code in _NOT_FOUND or refusal.status == 404  # noqa: PLR2004 - Not Found
    return PermanentFailure(refusal.reason, address_wrong=is_address)
