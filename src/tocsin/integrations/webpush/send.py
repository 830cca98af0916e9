"""Push a message to every browser of a person: encrypted to each, and signed as this Tocsin."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tocsin.integrations.outbound import Outbound, deliver
from tocsin.integrations.webpush import encryption
from tocsin.oncall.model import PushDevice
from tocsin.oncall.ports import (
    Devices,
    Outcome,
    Outgoing,
    PermanentFailure,
    Pushed,
    Sent,
    TransientFailure,
)

TTL_S = 3600  # a page of an hour ago has been answered or has gone on to others
RECEIPT_WITHIN_S = 45.0  # a phone that is switched on answers in a second or two
TITLE_MAX = 200
BODY_MAX = 600
BODY_LINES = 4
_NOBODY = (
    "no browser is subscribed: open Account, Contact methods on the device, and turn push on"
)


class WebPush:
    """The browsers of people; `to` is the id of the person."""

    def __init__(
        self,
        outbound: Outbound,
        devices: Devices,
        *,
        subject: str,
        now: Callable[[], datetime],
    ) -> None:
        """`subject` is whom a push service may complain to: `mailto:` or `https:`."""
        self._outbound = outbound
        self._devices = devices
        self._subject = subject
        self._now = now

    async def send(self, message: Outgoing) -> Outcome:
        """Push once to each browser, all at a time; one that takes it is enough."""
        try:
            person_id = UUID(message.to)
        except ValueError:
            return PermanentFailure("not an id of a person", address_wrong=True)
        devices = await self._devices.of(person_id)
        if not devices:
            return PermanentFailure(_NOBODY, address_wrong=True)
        key = await self._devices.key()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._push(one, message, key)) for one in devices]
        outcomes = [task.result() for task in tasks]
        await self._devices.ended(person_id, _pushed(devices, outcomes))
        return _together(message, outcomes)

    async def _push(self, device: PushDevice, message: Outgoing, key: bytes) -> Outcome:
        plain = payload(message, device, key)
        try:
            body = encryption.encrypt(plain, p256dh=device.p256dh, auth=device.auth)
        except ValueError:
            return PermanentFailure(
                "the browser's key is no point of P-256", address_wrong=True
            )
        parts = urlsplit(device.endpoint)
        headers = {
            "Authorization": encryption.vapid(
                key, audience=f"{parts.scheme}://{parts.netloc}", subject=self._subject,
                now=self._now(),
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": "high",
            "Topic": topic(message),
        }  # fmt: skip
        return await deliver(self._outbound, device.endpoint, headers=headers, content=body)


def subject_of(base_url: str, mail_from: str) -> str:
    """Say whom a push service may complain to; some refuse what is no public address."""
    if base_url.startswith("https://"):
        return base_url
    address = mail_from.rpartition("<")[2].rstrip("> ") or "tocsin@localhost"
    return f"mailto:{address}"


def topic(message: Outgoing) -> str:
    """Name what a message is about: one that has not arrived is replaced by a later one."""
    about = _about(message)
    return encryption.b64(sha256(about.encode("utf-8", "replace")).digest())[:32]


def _about(message: Outgoing) -> str:
    """Return the page that a message is about, or itself for what is about none."""
    is_page = message.event == "page"
    return message.key.partition("/")[0] if is_page else message.key


def payload(message: Outgoing, device: PushDevice, key: bytes) -> bytes:
    """Spell a message for our service worker; paths only, since it knows by what name it came."""
    told = {
        "title": message.subject[:TITLE_MAX],
        "body": _body(message.text),
        "tag": topic(message),
        "event": message.event,
        "url": _path(message.link),
        "ack": _path(message.ack_link),
        "device": str(device.id),
        "key": message.key,
        "receipt": message.receipt,
        "seal": encryption.seal(key, str(device.id), message.key, message.receipt),
    }
    while len(spelled := msgspec.json.encode(told)) > encryption.PLAIN_MAX and told["body"]:
        told["body"] = told["body"][: len(told["body"]) // 2]
    return spelled


def _body(text: str) -> str:
    """Return the lines of a message that a lock screen has room for: no headline, no links."""
    lines = [line.strip() for line in text.splitlines()[1:]]
    said = [line for line in lines if line and "://" not in line]
    return "\n".join(said[:BODY_LINES])[:BODY_MAX]


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "") if url else ""


def _pushed(devices: Sequence[PushDevice], outcomes: Sequence[Outcome]) -> Pushed:
    pairs = list(zip(devices, outcomes, strict=True))
    gone = [
        one.id for one, how in pairs if isinstance(how, PermanentFailure) and how.address_wrong
    ]
    sent = [one.id for one, how in pairs if isinstance(how, Sent)]
    failed = [one.id for one, _ in pairs if one.id not in (*gone, *sent)]
    return Pushed(
        sent=tuple(sent), failed=tuple(failed), gone=tuple(gone), error=_reasons(outcomes)
    )


def _together(message: Outgoing, outcomes: Sequence[Outcome]) -> Outcome:
    """Make one outcome of many: the best of them."""
    sent = sum(isinstance(one, Sent) for one in outcomes)
    if sent:
        taken = f"push-{topic(message)[:16]}, {sent} of {len(outcomes)} browsers"
        return Sent(taken, receipt_within_s=RECEIPT_WITHIN_S if message.receipt else None)
    for one in outcomes:
        if isinstance(one, TransientFailure):
            # each browser has a push service of its own: the trouble of one is not that of all
            return replace(one, address_only=True)
    is_gone = all(isinstance(one, PermanentFailure) and one.address_wrong for one in outcomes)
    return PermanentFailure(_reasons(outcomes), address_wrong=is_gone)


def _reasons(outcomes: Iterable[Outcome]) -> str:
    reasons = (one.reason for one in outcomes if not isinstance(one, Sent))
    return "; ".join(dict.fromkeys(reasons))
