"""What Tocsin answers in Alertmanager's words: alerts, receivers, the server's status."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

import msgspec
from msgspec import Struct

import tocsin

SPOKEN_VERSION = "0.28.1"  # the Alertmanager whose API v2 is spoken here
_CAMEL = {"starts_at": "startsAt", "updated_at": "updatedAt", "ends_at": "endsAt"}


class State(StrEnum):
    """Alertmanager's three states of a listed alert."""

    UNPROCESSED = "unprocessed"
    ACTIVE = "active"
    SUPPRESSED = "suppressed"


class Receiver(Struct, frozen=True):
    """Who is told; in Tocsin, the policy a group is routed to."""

    name: str


class AlertStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """Why an alert is quiet, if it is: ids of silences, fingerprints, names of intervals."""

    state: State
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()


class GettableAlert(Struct, frozen=True, kw_only=True, rename=_CAMEL):
    """One alert as `GET /api/v2/alerts` lists it."""

    annotations: Mapping[str, str]
    ends_at: str
    fingerprint: str
    receivers: tuple[Receiver, ...]
    starts_at: str
    status: AlertStatus
    updated_at: str
    generator_url: str | msgspec.UnsetType = msgspec.field(
        name="generatorURL", default=msgspec.UNSET
    )
    labels: Mapping[str, str]


def to_wire(  # noqa: PLR0913 - one argument per field of the wire form
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    starts_at: datetime,
    updated_at: datetime,
    ends_at: datetime,
    source_url: str = "",
    receivers: Iterable[str] = (),
    state: State = State.ACTIVE,
    silenced_by: tuple[str, ...] = (),
    inhibited_by: tuple[str, ...] = (),
    muted_by: tuple[str, ...] = (),
) -> GettableAlert:
    """Put one alert into wire form: UTC, whole milliseconds (cut off, as Go does)."""
    return GettableAlert(
        annotations=annotations,
        ends_at=instant(ends_at),
        fingerprint=fingerprint(labels),
        receivers=tuple(Receiver(name) for name in receivers),
        starts_at=instant(starts_at),
        status=AlertStatus(
            state=state,
            silenced_by=silenced_by,
            inhibited_by=inhibited_by,
            muted_by=muted_by,
        ),
        updated_at=instant(updated_at),
        generator_url=source_url or msgspec.UNSET,
        labels=labels,
    )


def alerts_body(alerts: Iterable[GettableAlert]) -> bytes:
    """Encode a listing, sorted by fingerprint as the clients are used to."""
    return msgspec.json.encode(sorted(alerts, key=lambda alert: alert.fingerprint)) + b"\n"


def instant(at: datetime) -> str:
    """Write an aware instant as `2026-09-01T10:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def fingerprint(labels: Mapping[str, str]) -> str:
    """Hash a label set bit for bit as Prometheus does: FNV-1a, 64 bits, 16 hex digits."""
    return _fnv1a(tuple(sorted(labels.items())))


@lru_cache(maxsize=65_536)
def _fnv1a(pairs: tuple[tuple[str, str], ...]) -> str:
    digest = 14695981039346656037
    for name, value in pairs:
        for byte in b"%b\xff%b\xff" % (name.encode(), value.encode()):
            digest = ((digest ^ byte) * 1099511628211) & 0xFFFF_FFFF_FFFF_FFFF
    return f"{digest:016x}"


def receivers_body(names: Iterable[str]) -> bytes:
    """Encode the answer to `GET /api/v2/receivers`."""
    return msgspec.json.encode([Receiver(name) for name in names]) + b"\n"


def status_body(
    *,
    started_at: datetime,
    receivers: tuple[str, ...] = ("tocsin",),
    group_by: tuple[str, ...] = ("service",),
    group_wait_s: int = 30,
    group_interval_s: int = 300,
    repeat_interval_s: int = 14_400,
) -> bytes:
    """Encode the answer to `GET /api/v2/status`, which amtool asks before anything else.

    `config.original` is an `alertmanager.yml` that Go's strict parser reads; the first of
    `receivers` is the default one. Tocsin's own configuration has another form.
    """
    quoted = [msgspec.json.encode(name).decode() for name in receivers]
    original = (
        "global:\n  resolve_timeout: 5m\n"
        f"route:\n  receiver: {quoted[0]}\n"
        f"  group_by: {msgspec.json.encode(group_by).decode()}\n"
        "  continue: false\n"
        f"  group_wait: {group_wait_s}s\n"
        f"  group_interval: {group_interval_s}s\n"
        f"  repeat_interval: {repeat_interval_s}s\n"
        "receivers:\n" + "".join(f"- name: {name}\n" for name in quoted) + "templates: []\n"
    )
    version = {
        "branch": "tocsin",
        "buildDate": "",
        "buildUser": "",
        "goVersion": "",
        "revision": f"tocsin-{tocsin.__version__}",
        "version": SPOKEN_VERSION,
    }
    answer = {
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": original},
        "uptime": instant(started_at),
        "versionInfo": version,
    }
    return msgspec.json.encode(answer) + b"\n"
