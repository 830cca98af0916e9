"""The few requests of Matrix' client-server API that Tocsin makes; see this folder's `doc.md`."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from tocsin.integrations.outbound import Answer, Blocked, Outbound, Unreachable

T = TypeVar("T")
BASE = "/_matrix/client/v3"
_OK = 200
_TOO_MANY = 429


class Refusal(Exception):
    """The homeserver said no, in its own words; `retry_after_s` where it asks for patience.

    `status` 0: it could not be asked at all.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int = 0,
        code: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


class Event(Struct, frozen=True, kw_only=True):
    """One event of a room, as far as Tocsin reads it."""

    type: str = ""
    sender: str = ""
    event_id: str = ""
    state_key: str | None = None
    origin_server_ts: int = 0
    content: Mapping[str, object] = {}


class _Events(Struct, frozen=True):
    events: Sequence[Event] = ()


class _Joined(Struct, frozen=True):
    timeline: _Events = _Events()


class _Invited(Struct, frozen=True):
    invite_state: _Events = _Events()


class _Rooms(Struct, frozen=True):
    join: Mapping[str, _Joined] = {}
    invite: Mapping[str, _Invited] = {}


class Synced(Struct, frozen=True, kw_only=True):
    """What is new since the last time, and where to go on."""

    next_batch: str
    rooms: _Rooms = _Rooms()


class _Error(Struct):
    errcode: str = ""
    error: str = ""
    retry_after_ms: int | None = None


class _Named(Struct):
    user_id: str = ""
    room_id: str = ""
    event_id: str = ""
    membership: str = ""


class Homeserver:
    """A homeserver, as the account behind one access token sees it."""

    def __init__(self, outbound: Outbound, *, url: str, token: str) -> None:
        self._outbound = outbound
        self._url = url.rstrip("/")
        self._token = "".join(sign for sign in token if " " < sign < "\x7f")
        self._own = ""

    async def own_id(self) -> str:
        """Return the user id of the account. Raises Refusal."""
        if not self._own:
            self._own = (await self._ask("GET", "/account/whoami", as_=_Named)).user_id
        return self._own

    async def send(self, room: str, transaction: str, content: object) -> str:
        """Send a message; the same transaction sends it once. Return its id. Raises Refusal."""
        path = f"/rooms/{_part(room)}/send/m.room.message/{_part(transaction)}"
        return (await self._ask("PUT", path, content, as_=_Named)).event_id

    async def direct_rooms(self) -> dict[str, list[str]]:
        """Return with whom which rooms are shared alone. Raises Refusal."""
        try:
            return await self._ask("GET", await self._direct_path(), as_=dict[str, list[str]])
        except Refusal as refusal:
            if refusal.code == "M_NOT_FOUND":
                return {}
            raise

    async def note_direct(self, user: str, room: str) -> None:
        """Remember at the homeserver that a room is shared with one user alone. Raises Refusal."""
        known = await self.direct_rooms()
        if room not in known.get(user, ()):
            known[user] = [room, *known.get(user, ())]
            await self._ask("PUT", await self._direct_path(), known, as_=object)

    async def make_direct(self, user: str) -> str:
        """Make a room with one user, who is invited to it. Raises Refusal."""
        wanted = {"preset": "trusted_private_chat", "is_direct": True, "invite": [user]}
        room = (await self._ask("POST", "/createRoom", wanted, as_=_Named)).room_id
        await self.note_direct(user, room)
        return room

    async def membership(self, room: str, user: str) -> str:
        """Return `join`, `invite`, `leave`, `ban`, or "" for a stranger. Raises Refusal."""
        path = f"/rooms/{_part(room)}/state/m.room.member/{_part(user)}"
        try:
            return (await self._ask("GET", path, as_=_Named)).membership
        except Refusal as refusal:
            if refusal.code in {"M_NOT_FOUND", "M_FORBIDDEN"}:
                return ""
            raise

    async def invite(self, room: str, user: str) -> None:
        """Invite somebody into a room. Raises Refusal."""
        await self._ask("POST", f"/rooms/{_part(room)}/invite", {"user_id": user}, as_=object)

    async def join(self, room: str) -> None:
        """Accept an invitation. Raises Refusal."""
        await self._ask("POST", f"/rooms/{_part(room)}/join", {}, as_=object)

    async def leave(self, room: str) -> None:
        """Refuse an invitation, or go. Raises Refusal."""
        await self._ask("POST", f"/rooms/{_part(room)}/leave", {}, as_=object)

    async def sync(self, since: str, *, timeout_ms: int) -> Synced:
        """Return what is new since a batch, as soon as there is anything. Raises Refusal."""
        nothing: dict[str, object] = {"types": []}
        timeline = {
            "types": ["m.room.message"],
            "limit": 50 if since else 1,
            "not_senders": [self._own],
        }
        chosen = {
            "presence": nothing,
            "account_data": nothing,
            "room": {
                "account_data": nothing, "ephemeral": nothing, "state": nothing,
                "timeline": timeline,
            },
        }  # fmt: skip
        query = {"timeout": str(timeout_ms), "filter": msgspec.json.encode(chosen).decode()}
        if since:
            query["since"] = since
        return await self._ask("GET", f"/sync?{urlencode(query)}", as_=Synced)

    async def _direct_path(self) -> str:
        return f"/user/{_part(await self.own_id())}/account_data/m.direct"

    async def _ask(self, method: str, path: str, body: object = None, *, as_: type[T]) -> T:
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "Tocsin"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        try:
            answer = await self._outbound.request(
                method, f"{self._url}{BASE}{path}", headers=headers, content=content
            )
        except (Blocked, Unreachable) as failed:
            raise Refusal(str(failed), code="BLOCKED" * isinstance(failed, Blocked)) from None
        if answer.status != _OK:
            raise _refusal(answer)
        try:
            return msgspec.json.decode(answer.body, type=as_)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise Refusal("the homeserver's answer makes no sense", status=_OK) from None


def _refusal(answer: Answer) -> Refusal:
    try:
        found = msgspec.json.decode(answer.body, type=_Error)
    except (msgspec.DecodeError, msgspec.ValidationError):
        found = _Error()
    wait_s = found.retry_after_ms / 1000 if found.retry_after_ms else None
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit():
        wait_s = float(asked)
    said = f"the homeserver answered {answer.status} {found.errcode}".rstrip()
    return Refusal(
        said, status=answer.status, code=found.errcode,
        retry_after_s=None if wait_s is None else min(wait_s, 3600.0),
    )  # fmt: skip


def is_passing(refusal: Refusal) -> bool:
    """Say whether the same request may work later."""
    if refusal.code == "BLOCKED":
        return False
    return refusal.status in {0, 200, 408, 425, _TOO_MANY} or refusal.status >= 500  # noqa: PLR2004 - server errors


def _part(text: str) -> str:
    return quote(text, safe="")
