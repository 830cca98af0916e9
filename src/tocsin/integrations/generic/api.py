"""The JSON webhook as the web floor asks for it, and the try-it box for every kind of sender."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Protocol
from zlib import crc32

import msgspec
from msgspec.structs import replace

from tocsin.integrations import lenient_json
from tocsin.integrations.generic.evaluate import Item, Unmappable, items
from tocsin.integrations.generic.mapping import (
    Compiled,
    Mappings,
    WrongMapping,
    compiled,
)
from tocsin.kernel.durations import seconds
from tocsin.kernel.errors import Invalid
from tocsin.signals.core.config import IntegrationSpec, MappingSpec
from tocsin.signals.model import (
    FOR_EVER,
    IntegrationType,
    Mistake,
    Signal,
    Slice,
    Split,
    Tried,
    Unreadable,
)

FORMAT = "webhook.v1"
BODY_MAX = 512 * 1024

_decode = msgspec.json.Decoder(list[Item]).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class Reads(Protocol):
    """A wire format of a vendor, as the try-it box needs it."""

    def split(self, body: bytes, *, lanes: int) -> Split:
        """Check a request. Raises Unreadable."""
        ...

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        """Turn a slice into signals."""
        ...


class GenericWebhook:
    """Reads payloads by the mapping of their integration."""

    body_max = BODY_MAX

    def __init__(
        self, mappings: Callable[[], Mappings], vendors: Mapping[IntegrationType, Reads]
    ) -> None:
        self._mappings = mappings
        self._vendors = vendors

    def map(self, body: bytes, *, integration: str, lanes: int) -> Sequence[Slice]:
        """Map a payload and cut it by lane. Raises Invalid, naming expression and reason."""
        known = self._mappings()
        mapping = known.by_name.get(integration)
        if mapping is None:
            raise Invalid(
                f"there is no mapping for {integration!r}; apply an Integration of that name with"
                " type: webhook, and try it on the page Integrations first",
                field="mapping",
            )
        try:
            found = items(mapping, _payload(body))
        except Unmappable as error:
            first = error.mistakes[0]
            raise Invalid(
                f"the mapping of {integration!r} cannot read this payload: {error}",
                field=first.field,
            ) from error
        after_s = known.resolve_after_s.get(integration)
        return _cut(
            [replace(one, resolve_after_s=after_s) for one in found], integration, lanes
        )

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        """Turn a slice back into signals, in order."""
        return tuple(_signal(one, received_at) for one in _decode(body))

    def attempt(self, spec: IntegrationSpec, body: bytes, now: datetime) -> Tried:
        """Say what signals a payload would make, or what is wrong, field by field."""
        vendor = self._vendors.get(spec.type)
        try:
            if vendor is not None:
                found = _of_vendor(vendor, body, now)
            else:
                found = self._mapped(spec, body, now)
        except WrongMapping as error:
            return Tried((), error.mistakes)
        except Unmappable as error:
            return Tried((), error.mistakes)
        except Unreadable as error:
            return Tried((), (Mistake("payload", error.body.decode().strip()),))
        except Invalid as error:
            return Tried((), (Mistake(error.field or "payload", error.detail),))
        team = {"team": spec.team} if spec.team else {}
        return Tried(
            tuple(replace(one, labels={**team, **spec.labels, **one.labels}) for one in found)
        )

    def _mapped(self, spec: IntegrationSpec, body: bytes, now: datetime) -> tuple[Signal, ...]:
        mapping: Compiled = compiled(spec.mapping or MappingSpec())
        after = spec.resolve_after
        after_s = seconds(after, field="resolveAfter") if after else None
        kept = (
            _identified(replace(one, resolve_after_s=after_s), "try")
            for one in items(mapping, _payload(body))
        )
        return tuple(_signal(one, now) for one in kept)


def _of_vendor(vendor: Reads, body: bytes, now: datetime) -> tuple[Signal, ...]:
    split = vendor.split(body, lanes=1)
    if split.refusals:
        raise Unmappable(Mistake("payload", one) for one in split.refusals)
    return tuple(one for part in split.accepted for one in vendor.read(part.body, now))


def _payload(body: bytes) -> object:
    try:
        found = lenient_json.read(body)
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}", field="payload") from error
    if not isinstance(found, dict | list):
        raise Invalid("the body is neither a JSON object nor an array", field="payload")
    return found


def _cut(found: Sequence[Item], integration: str, lanes: int) -> Sequence[Slice]:
    by_lane: dict[int, list[Item]] = {}
    for one in found:
        kept = _identified(one, integration)
        by_lane.setdefault(crc32(kept.key.encode()) % lanes, []).append(kept)
    return [
        Slice(
            lane=lane,
            body=_encode(part),
            count=len(part),
            ends=not all(one.firing for one in part),
        )
        for lane, part in by_lane.items()
    ]


def _identified(item: Item, integration: str) -> Item:
    """Put the identity in its final form: a hash, within the integration."""
    told = [integration, item.key] if item.key else [integration, item.labels]
    return replace(item, key=blake2b(_encode(["webhook", *told]), digest_size=16).hexdigest())


def _signal(item: Item, received_at: datetime) -> Signal:
    ends_at, by_timeout = FOR_EVER, False
    if not item.firing:
        ends_at = received_at
    elif item.resolve_after_s is not None:
        ends_at = received_at + timedelta(seconds=item.resolve_after_s)
        by_timeout = True
    return Signal(
        dedup_key=bytes.fromhex(item.key),
        labels=item.labels,
        annotations=item.annotations,
        starts_at=min(item.starts_at or received_at, received_at),
        ends_at=ends_at,
        ends_by_timeout=by_timeout,
        source_url=item.source_url,
    )
