"""From one of PagerDuty's events to a slice that is kept, and from there to a signal."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Struct

from tocsin.integrations.pagerduty.wire import Action, Event, Link, clean
from tocsin.signals.model import FOR_EVER, Signal, Slice

ALERTNAME_MAX = 200
ANNOTATION_MAX = 4096
DETAILS_MAX = 40
_OWN = frozenset({"summary", "links", "images", "client"})  # details may not take these names


class Kept(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as it is kept: without its key, with its dedup key, and whose it is."""

    integration: str
    dedup_key: str
    action: Action
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    timestamp: datetime | None = None
    source_url: str = ""


_decode = msgspec.json.Decoder(Kept).decode
_encode = msgspec.json.Encoder().encode


def kept(event: Event, *, integration: str, dedup_key: str, lanes: int) -> Slice:
    """Put one event into the form in which it is kept.

    The key is the identity of the alert, within its integration; the same key always shares
    a lane, so that trigger and resolve stay in order.
    """
    speaks = event.action is Action.TRIGGER
    body = Kept(
        integration=integration,
        dedup_key=dedup_key,
        action=event.action,
        labels=_labels(event) if speaks else {},
        annotations=_annotations(event) if speaks else {},
        timestamp=event.timestamp if speaks else None,
        source_url=_source_url(event) if speaks else "",
    )
    return Slice(
        lane=crc32(_identity(body)) % lanes,
        body=_encode(body),
        count=1,
        ends=event.action is Action.RESOLVE,
    )


def read(body: bytes, received_at: datetime) -> tuple[Signal, ...]:
    """Turn a slice back into its one signal, which fires until it is resolved."""
    found = _decode(body)
    is_over = found.action is Action.RESOLVE
    starts_at = min(found.timestamp or received_at, received_at)
    return (
        Signal(
            dedup_key=blake2b(_identity(found), digest_size=16).digest(),
            labels=found.labels,
            annotations=found.annotations,
            starts_at=received_at if is_over else starts_at,
            ends_at=received_at if is_over else FOR_EVER,
            ends_by_timeout=False,
            source_url=found.source_url,
            acknowledges=found.action is Action.ACKNOWLEDGE,
            only_ends=is_over,
        ),
    )


def _identity(found: Kept) -> bytes:
    return _encode(["pagerduty", found.integration, found.dedup_key])


def _labels(event: Event) -> dict[str, str]:
    service = event.details.get("service")
    pairs = {
        "alertname": " ".join(clean(event.summary, ALERTNAME_MAX).split()),
        "severity": str(event.severity or ""),
        "source": event.source,
        "component": event.component,
        "group": event.group,
        "class": event.kind,
        "service": clean(service, ALERTNAME_MAX) if isinstance(service, str) else "",
    }
    return {name: value for name, value in pairs.items() if value}


def _annotations(event: Event) -> dict[str, str]:
    pairs = {
        "summary": event.summary,
        "links": _spelled(event.links),
        "images": _spelled(event.images),
        "client": event.client,
        "runbook_url": _runbook(event.links),
    }
    found = {name: value for name, value in pairs.items() if value}
    for name, value in list(event.details.items())[:DETAILS_MAX]:
        name = clean(name, ALERTNAME_MAX)  # noqa: PLW2901 - the same name, made storable
        if name and name not in _OWN and value is not None:
            found[name] = _text(value)
    return found


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else _encode(value).decode()
    return clean(text, ANNOTATION_MAX)


def _spelled(links: tuple[Link, ...]) -> str:
    lines = (f"{one.text}: {one.href}" if one.text else one.href for one in links)
    return clean("\n".join(lines), ANNOTATION_MAX)


def _runbook(links: tuple[Link, ...]) -> str:
    return next((one.href for one in links if "runbook" in one.text.lower()), "")


def _source_url(event: Event) -> str:
    if event.client_url.startswith(("https://", "http://")):
        return event.client_url
    return event.links[0].href if event.links else ""


def service_of(details: Mapping[str, Any], default: str) -> str:
    """Return which service a change is about: what its details name, else the integration's."""
    named = details.get("service")
    return clean(named, ALERTNAME_MAX) if isinstance(named, str) and named else default
