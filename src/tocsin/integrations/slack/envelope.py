"""What comes through Slack's socket: presses, commands and messages, read as things said."""

import html
import re
from datetime import UTC, datetime

from msgspec import Struct

from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Said

TEXT_MAX = 2000
_MENTION = re.compile(r"\s*<@[A-Z0-9]+(\|[^>]*)?>[:,]?\s*")


class _Id(Struct, frozen=True):
    id: str = ""


class _Container(Struct, frozen=True):
    message_ts: str = ""
    channel_id: str = ""


class _Action(Struct, frozen=True):
    action_id: str = ""
    action_ts: str = ""
    value: str = ""


class _Event(Struct, frozen=True):
    type: str = ""
    subtype: str = ""
    bot_id: str = ""
    user: str = ""
    text: str = ""
    channel: str = ""
    channel_type: str = ""
    ts: str = ""
    thread_ts: str = ""


class _Payload(Struct, frozen=True):
    """The fields of all three kinds of payloads that are read."""

    type: str = ""
    user: _Id = _Id()
    container: _Container = _Container()
    actions: tuple[_Action, ...] = ()
    response_url: str = ""
    command: str = ""
    text: str = ""
    user_id: str = ""
    channel_id: str = ""
    trigger_id: str = ""
    event: _Event = _Event()


class Envelope(Struct, frozen=True):
    """One message of the socket; `reason` says why it is about to be closed."""

    type: str = ""
    envelope_id: str = ""
    reason: str = ""
    payload: _Payload = _Payload()


class Told(Struct, frozen=True, kw_only=True):
    """What was said, and where the answer goes: to a URL for this one, or into a conversation."""

    said: Said
    response_url: str = ""
    channel: str = ""
    thread: str = ""


def read(envelope: Envelope) -> Told | None:
    """Return what somebody said; None for what nobody said, or what is not for Tocsin to hear."""
    match envelope.type:
        case "interactive":
            return _pressed(envelope.payload)
        case "slash_commands":
            return _commanded(envelope.payload)
        case "events_api":
            return _written(envelope.payload.event)
        case _:
            return None


def _pressed(payload: _Payload) -> Told | None:
    if payload.type != "block_actions" or not payload.actions or not payload.user.id:
        return None
    action, where = payload.actions[0], payload.container
    if not action.value:  # a button that opens a page in the browser
        return None
    said = Said(
        kind=MethodKind.SLACK, id=f"{payload.user.id}/{action.action_id}/{action.action_ts}",
        sender=payload.user.id, text=action.value[:TEXT_MAX], is_direct=True,
        about=(f"{where.channel_id}/{where.message_ts}",),
    )  # fmt: skip
    return Told(said=said, response_url=payload.response_url)


def _commanded(payload: _Payload) -> Told | None:
    if not payload.user_id:
        return None
    said = Said(
        kind=MethodKind.SLACK, id=f"command/{payload.trigger_id}", sender=payload.user_id,
        text=(payload.text or "help")[:TEXT_MAX], is_direct=True,
    )  # fmt: skip
    return Told(said=said, response_url=payload.response_url)


def _written(event: _Event) -> Told | None:
    if event.type not in {"message", "app_mention"} or event.bot_id or not event.user:
        return None
    if event.subtype not in {"", "thread_broadcast"}:  # changed, deleted, joined …
        return None
    text = html.unescape(event.text)
    mention = _MENTION.match(event.text) if event.type == "app_mention" else None
    if mention is not None:
        text = html.unescape(event.text[mention.end() :]) or "help"
    is_alone = event.channel_type == "im"
    said = Said(
        kind=MethodKind.SLACK, id=f"{event.channel}/{event.ts}", sender=event.user,
        text=text[:TEXT_MAX], is_direct=is_alone or mention is not None,
        about=(f"{event.channel}/{event.thread_ts}",) if event.thread_ts else (),
        at=_instant(event.ts),
    )  # fmt: skip
    thread = event.thread_ts or ("" if is_alone else event.ts)
    return Told(said=said, channel=event.channel, thread=thread)


def _instant(stamp: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None
