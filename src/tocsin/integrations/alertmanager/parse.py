"""Read what Prometheus posts to `/api/v2/alerts`: at the door, and again when it is sorted.

The door is the hottest path of Tocsin, so it stays in msgspec's C code and looks at each
alert once. Whatever the strict decoder does not like goes to `lenient`, which reads as Go
does or answers in Go's words.
"""

import re
from datetime import MAXYEAR, UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated
from zlib import crc32

import msgspec
from msgspec import Meta, Struct

from tocsin.integrations.alertmanager import lenient
from tocsin.integrations.alertmanager.errors import FrameworkError
from tocsin.signals.model import Signal, Slice, Split

MAX_LABELS = 64
MAX_VALUE_BYTES = 4096

_NEVER = datetime.min.replace(tzinfo=UTC)
_Instant = Annotated[datetime, Meta(tz=True)]
_CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*").fullmatch
_REQUEST_URI = re.compile(r"(?:/|[a-zA-Z][a-zA-Z0-9+.-]*:)[^\s\x00-\x1f\x7f]*").fullmatch


class PostableAlert(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    rename={"starts_at": "startsAt", "ends_at": "endsAt", "generator_url": "generatorURL"},
):
    """One alert as it is posted. The zero time (year 1) means "not set"."""

    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    starts_at: _Instant | None = None
    ends_at: _Instant | None = None
    generator_url: str | None = None


_decode = msgspec.json.Decoder(list[PostableAlert] | None).decode
_decode_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


def split(
    body: bytes, *, lanes: int, now: datetime = _NEVER, classic_names: bool = False
) -> Split:
    """Check a request as Alertmanager does and cut it into one slice per lane.

    Alerts keep their order within a lane. Raises `FrameworkError` when nothing of the
    request can be kept; a single bad alert is a refusal beside the good ones. A start in
    the far future without an end is taken, where Alertmanager refuses it: clocks err. A slice
    `ends` if one of its alerts has ended `now`.
    """
    try:
        alerts = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        body, alerts = _read_leniently(body)
    # PostgreSQL's text has no NUL, so none comes past this door (one byte is found faster)
    if b"\\" in body and b"\\u0000" in body:
        body, alerts = _read_leniently(body)
    if not alerts:
        return Split(())
    if len(alerts) > 1:
        return _split_many(body, alerts, lanes, now, classic_names)
    placed = _place(alerts[0], 0, len(body), lanes, classic_names)
    if isinstance(placed, str):
        return Split((), (placed,))
    return Split((Slice(lane=placed, body=body, count=1, ends=_ends(alerts[0], now)),))


def read(
    body: bytes, received_at: datetime, resolve_timeout_s: float = 300
) -> tuple[Signal, ...]:
    """Read the alerts of one slice as signals, in order, with Alertmanager's defaults.

    An unset start is the end, else `received_at`; an unset end is `received_at` plus the
    resolve timeout, and never before the start.
    """
    return tuple(
        _signal(alert, received_at, resolve_timeout_s) for alert in _decode(body) or ()
    )


def dedup_key(labels: dict[str, str]) -> bytes:
    """Hash the non-empty labels, sorted by name, to the 16 bytes that say "the same alert"."""
    return blake2b(_encode_sorted(labels), digest_size=16).digest()


def _split_many(
    body: bytes,
    alerts: list[PostableAlert],
    lanes: int,
    now: datetime,
    classic_names: bool,  # noqa: FBT001 - as `_place`
) -> Split:
    by_lane: dict[int, list[msgspec.Raw]] = {}
    ending: set[int] = set()
    refusals: list[str] = []
    for index, raw in enumerate(_decode_raw(body)):
        placed = _place(alerts[index], index, len(raw), lanes, classic_names)
        if isinstance(placed, str):
            refusals.append(placed)
            continue
        if _ends(alerts[index], now):
            ending.add(placed)
        if placed in by_lane:
            by_lane[placed].append(raw)
        else:
            by_lane[placed] = [raw]
    accepted = [
        Slice(
            lane=lane, body=b"[" + b",".join(raws) + b"]", count=len(raws), ends=lane in ending
        )
        for lane, raws in by_lane.items()
    ]
    return Split(tuple(accepted), tuple(refusals))


def _ends(alert: PostableAlert, now: datetime) -> bool:
    at = alert.ends_at
    return at is not None and at <= now and at.year > 1


def _place(
    alert: PostableAlert,
    index: int,
    size_bytes: int,
    lanes: int,
    classic_names: bool,  # noqa: FBT001 - called per alert; positional ones are faster
) -> int | str:
    """Return one alert's lane, or why it is not kept.

    `size_bytes` is its raw length, which bounds the length of every value in it.
    """
    url, labels = alert.generator_url, alert.labels
    if url and not url.startswith(("http://", "https://")) and not _REQUEST_URI(url):
        message = f'{index}.generatorURL in body must be of type uri: "{url}"'
        raise FrameworkError(422, 601, message)
    starts_at, ends_at = alert.starts_at, alert.ends_at
    if starts_at and ends_at and starts_at > ends_at and ends_at.year > 1:
        return "start time must be before end time"
    if "" in labels.values():
        labels = _non_empty(labels)
    notes = alert.annotations
    doubtful = classic_names or "" in labels or (notes is not None and "" in notes)
    if doubtful or not labels or len(labels) > MAX_LABELS or size_bytes > MAX_VALUE_BYTES:
        refusal = _refusal(labels, notes or {}, classic_names=classic_names)
        if refusal is not None:
            return refusal
    return crc32(_encode_sorted(labels)) % lanes


def _non_empty(labels: dict[str, str]) -> dict[str, str]:
    if "" in labels.values():
        return {name: value for name, value in labels.items() if value}
    return labels


def _refusal(
    labels: dict[str, str], annotations: dict[str, str], *, classic_names: bool
) -> str | None:
    for pairs, kind in ((labels, "label set"), (annotations, "annotations")):
        for name in pairs:
            if not name or (classic_names and not _CLASSIC_NAME(name)):
                return f'invalid {kind}: invalid name "{name}"'
    if not labels:
        return "at least one label pair required"
    if len(labels) > MAX_LABELS:
        return f"{len(labels)} labels, the limit is {MAX_LABELS}"
    return _over_length(labels, "label") or _over_length(annotations, "annotation")


def _over_length(pairs: dict[str, str], kind: str) -> str | None:
    for name, value in pairs.items():
        if max(len(name.encode()), len(value.encode())) > MAX_VALUE_BYTES:
            return f'{kind} "{name[:64]}" is longer than {MAX_VALUE_BYTES} bytes'
    return None


def _read_leniently(body: bytes) -> tuple[bytes, list[PostableAlert]]:
    fields = lenient.read(body)
    alerts = msgspec.convert(fields, list[PostableAlert])
    return _encode(alerts), alerts


def _signal(alert: PostableAlert, received_at: datetime, resolve_timeout_s: float) -> Signal:
    labels = _non_empty(alert.labels)
    named_end = _utc(alert.ends_at)
    starts_at = _utc(alert.starts_at) or named_end or received_at
    ends_at = named_end or max(received_at + timedelta(seconds=resolve_timeout_s), starts_at)
    return Signal(
        dedup_key=dedup_key(labels),
        labels=labels,
        annotations=alert.annotations or {},
        starts_at=starts_at,
        ends_at=ends_at,
        ends_by_timeout=named_end is None,
        source_url=alert.generator_url or "",
    )


def _utc(instant: datetime | None) -> datetime | None:
    if instant is None or instant.year <= 1:
        return None
    if instant.year >= MAXYEAR:  # an offset could carry it past the last year
        return datetime(MAXYEAR, 1, 1, tzinfo=UTC)
    return instant.astimezone(UTC)
