"""Hear what people write to Tocsin in Matrix rooms, by a sync that the homeserver answers late."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from tocsin.integrations.matrix import message as contents
from tocsin.integrations.matrix.api import Event, Homeserver, Refusal, Synced
from tocsin.kernel.logs import Log
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Deaf, Ear, Said

SYNC_MS = 30_000
TEXT_MAX = 2000
_FORGOTTEN = 400
_OK = 200  # and yet not to be read: it was cut, for it was too large
log = Log("matrix")


class MatrixRooms:
    """All rooms that the account is in. It joins those to which `servers` invite it.

    Without `servers`, those of its own homeserver.
    """

    name = "matrix"

    def __init__(self, homeserver: Homeserver, *, servers: Sequence[str] = ()) -> None:
        self._homeserver = homeserver
        self._servers = frozenset(servers)
        self._direct: set[str] = set()
        self._met: set[str] = set()

    async def listen(self, ear: Ear) -> None:
        """Sync for ever. What was written before the first time is not acted on. Raises Deaf."""
        try:
            await self._homeserver.own_id()
            await self._learn_direct()
            since, wait_ms = ear.position, 0
            while True:
                try:
                    found = await self._homeserver.sync(since, timeout_ms=wait_ms)
                except Refusal as refusal:
                    if refusal.status not in (_FORGOTTEN, _OK) or not since:
                        raise
                    log.warning("position.forgotten")  # by a homeserver that was set up anew
                    since, wait_ms = "", 0
                    continue
                if not wait_ms:
                    await ear.connected()
                await self._invited(found)
                if since:
                    await self._hear_all(ear, found)
                since, wait_ms = found.next_batch, SYNC_MS
                await ear.keep(since)
        except Refusal as refusal:
            words = refusal.reason
            if refusal.code == "M_UNKNOWN_TOKEN":
                words = f"{words}: TOCSIN_MATRIX_TOKEN is not valid (any more)"
            raise Deaf(words, retry_after_s=refusal.retry_after_s) from None

    async def _hear_all(self, ear: Ear, found: Synced) -> None:
        for room, joined in found.rooms.join.items():
            if room not in self._met:  # a page may have made it since we looked
                await self._learn_direct()
                self._met.add(room)
            for event in joined.timeline.events:
                said = self._said(room, event)
                if said is None:
                    continue
                words = await ear.hear(said)
                if words:
                    await self._answer(room, event, words)

    def _said(self, room: str, event: Event) -> Said | None:
        """Return what a person wrote; None for what no person wrote, and for changed messages."""
        relation = _relation(event)
        body = event.content.get("body")
        if (
            event.type != "m.room.message"
            or event.content.get("msgtype") != "m.text"
            or not isinstance(body, str)
            or relation.get("rel_type") == "m.replace"
        ):
            return None
        return Said(
            kind=MethodKind.MATRIX, id=f"{room}/{event.event_id}", sender=event.sender,
            text=_unquoted(body)[:TEXT_MAX], is_direct=room in self._direct,
            about=tuple(f"{room}/{one}" for one in _answered(relation)),
            at=_instant(event.origin_server_ts),
        )  # fmt: skip

    async def _answer(self, room: str, event: Event, words: str) -> None:
        relation = _relation(event)
        root = relation.get("event_id") if relation.get("rel_type") == "m.thread" else ""
        said = contents.notice(
            words, to_event=event.event_id, root=root if isinstance(root, str) else ""
        )
        try:
            await self._homeserver.send(room, f"re-{event.event_id}"[:200], said)
        except Refusal as refusal:
            log.warning("answer.failed", reason=refusal.reason)

    async def _invited(self, found: Synced) -> None:
        own = await self._homeserver.own_id()
        allowed = self._servers or {own.partition(":")[2]}
        for room, invited in found.rooms.invite.items():
            invitation = next(
                (one for one in invited.invite_state.events
                 if one.type == "m.room.member" and one.state_key == own), Event(),
            )  # fmt: skip
            try:
                if invitation.sender.partition(":")[2] not in allowed:
                    await self._homeserver.leave(room)
                    log.warning(
                        "invitation.refused", server=invitation.sender.partition(":")[2]
                    )
                    continue
                await self._homeserver.join(room)
                if invitation.content.get("is_direct") is True:
                    await self._homeserver.note_direct(invitation.sender, room)
                await self._learn_direct()
            except Refusal as refusal:  # a room that is gone must not stop the others
                log.warning("invitation.failed", reason=refusal.reason)

    async def _learn_direct(self) -> None:
        known = await self._homeserver.direct_rooms()
        self._direct = {room for rooms in known.values() for room in rooms}


def _relation(event: Event) -> Mapping[str, object]:
    found = event.content.get("m.relates_to")
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}


def _answered(relation: Mapping[str, object]) -> list[str]:
    """Return the ids of the messages that one stands under: the root of its thread first."""
    found = [relation.get("event_id")] if relation.get("rel_type") == "m.thread" else []
    reply = relation.get("m.in_reply_to")
    if isinstance(reply, dict):
        found.append(reply.get("event_id"))
    return [one for one in found if isinstance(one, str)]


def _unquoted(body: str) -> str:
    """Take away what older clients quote of the message that is answered."""
    lines = body.split("\n")
    while lines and lines[0].startswith("> "):
        lines.pop(0)
    return "\n".join(lines)


def _instant(stamp_ms: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(stamp_ms / 1000, UTC) if stamp_ms > 0 else None
    except (OverflowError, ValueError, OSError):
        return None
