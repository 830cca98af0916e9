"""PagerDuty's Events API v2 as the web floor asks for it: bytes in, values out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from tocsin.integrations.pagerduty import errors, parse, wire
from tocsin.kernel.errors import (
    Forbidden,
    Refused,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from tocsin.kernel.ids import uuid7
from tocsin.signals.model import Signal, Slice, Split, Unreadable
from tocsin.topology.model import DETAILS_MAX, NewChange
from tocsin.topology.model import Link as ChangeLink

FORMAT = "pagerduty.v2"
RETRY_WITHIN = timedelta(
    minutes=15
)  # a change without a time, sent twice within, is one change


class PagerdutyApi:
    """Answers, in PagerDuty's words; nothing here decides who may ask."""

    body_max = wire.BODY_MAX

    def load(self, body: bytes) -> Mapping[str, Any]:
        """Return the object that a body is. Raises Unreadable."""
        return wire.load(body)

    def key_of(self, found: Mapping[str, Any]) -> str:
        """Return the routing key that stands in a body, "" for none."""
        return wire.key_of(found)

    def event(
        self, found: Mapping[str, Any], *, integration: str, lanes: int
    ) -> tuple[Slice, bytes]:
        """Check an event; return what is to be kept, and the answer once it is. Raises Unreadable."""
        event = wire.event(found)
        dedup_key = event.dedup_key or uuid7().hex
        kept = parse.kept(event, integration=integration, dedup_key=dedup_key, lanes=lanes)
        return kept, errors.accepted(dedup_key)

    def change(
        self, found: Mapping[str, Any], *, integration: str, service: str, now: datetime
    ) -> NewChange:
        """Check a change event. Raises Unreadable."""
        event = wire.change(found)
        at = min(event.timestamp or now, now)
        sent = event.timestamp or now.timestamp() // RETRY_WITHIN.total_seconds()
        told = (integration, event.summary, event.source, sent, event.details, event.links)
        return NewChange(
            digest=blake2b(
                msgspec.json.encode(told, order="deterministic"), digest_size=16
            ).digest(),
            at=at,
            integration=integration,
            service=parse.service_of(event.details, service),
            summary=event.summary,
            source=event.source,
            links=tuple(ChangeLink(one.text or one.href, one.href) for one in event.links),
            details={
                wire.clean(name, 100): wire.clean(
                    value if isinstance(value, str) else msgspec.json.encode(value).decode(),
                    wire.TEXT_MAX,
                )
                for name, value in list(event.details.items())[:DETAILS_MAX]
            },
        )

    def change_accepted(self) -> bytes:
        """Return the answer to a change that was kept."""
        return errors.change_accepted()

    def not_allowed(self, method: str) -> Unreadable:
        """Answer for the wrong verb."""
        return errors.not_allowed(method)

    def refused(self, error: Refused) -> Unreadable:
        """Say a refusal of ours in PagerDuty's words."""
        match error:
            case TooMany():
                return errors.throttled()
            case TooLarge():
                return errors.too_large(wire.BODY_MAX)
            case Unavailable():
                return errors.unavailable()
            case Forbidden():
                return errors.forbidden(error.detail)
            case Unauthenticated():
                return errors.invalid(
                    [f"'routing_key' is no token of this Tocsin: {error.detail}"]
                )
            case _:
                return errors.invalid([error.detail])

    def split(self, body: bytes, *, lanes: int) -> Split:
        """Check and cut an event that nobody has sent: what the try-it box shows."""
        kept, _ = self.event(wire.load(body), integration="try", lanes=lanes)
        return Split((kept,))

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        """Turn a slice back into signals."""
        return parse.read(body, received_at)
