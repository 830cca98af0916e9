"""Heartbeats as the API tells them; the screens show the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from tocsin.kernel.durations import written
from tocsin.signals.core.heartbeat import shown
from tocsin.signals.model import BeatState, Heartbeat, KeptPing, PingKind, Standing


class HeartbeatShape(Struct, frozen=True, kw_only=True):
    """A job that is to be heard of, and how it stands.

    Either `every` or `cron` is set. `missed_at` is when it is missed unless it pings before;
    `has_key` says whether there is an address to ping at all.
    """

    name: str
    state: BeatState
    description: str
    team: str | None
    every: str
    cron: str
    timezone: str
    grace: str
    severity: str
    labels: dict[str, str]
    runbook_url: str
    paused_by: Annotated[str, Meta(description="hand, resource, or nothing", examples=[""])]
    has_key: bool
    key_made_at: datetime | None
    last_ping_at: datetime | None
    last_ok_at: datetime | None
    started_at: Annotated[
        datetime | None, Meta(description="Of a run that began and has not ended yet.")
    ]
    down_at: datetime | None
    expected_at: datetime | None
    missed_at: datetime | None
    pings: int

    @property
    def rhythm(self) -> str:
        """Say when it is to be heard of."""
        return f"every {self.every}" if self.every else f"{self.cron} {self.timezone}"


class PingShape(Struct, frozen=True, kw_only=True):
    """A ping: what the job said of itself, and in its own words."""

    at: datetime
    kind: PingKind
    exit_code: int | None
    text: str
    sender: str


class HeartbeatDetail(HeartbeatShape, frozen=True, kw_only=True):
    """A heartbeat with its newest pings, and the address to ping with its key put in."""

    recent: tuple[PingShape, ...]
    url: Annotated[str, Meta(examples=["https://tocsin.example.org/heartbeat/KEY"])]


class HeartbeatList(Struct, frozen=True):
    """Every heartbeat, by name."""

    items: tuple[HeartbeatShape, ...]


class NewPing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ping by hand."""

    kind: PingKind = PingKind.OK
    text: Annotated[str, Meta(max_length=2000)] = ""


class KeyShape(Struct, frozen=True, kw_only=True):
    """A heartbeat's key, and the address that it makes: shown this once."""

    key: Annotated[str, Meta(examples=["KEY"])]
    url: Annotated[str, Meta(examples=["https://tocsin.example.org/heartbeat/KEY"])]


def heartbeat_shape(one: Heartbeat, row: Standing, now: datetime) -> HeartbeatShape:
    """Tell a heartbeat."""
    rule, beat = one.rule, row.beat
    is_awaited = beat.state in (BeatState.NEW, BeatState.UP)
    return HeartbeatShape(
        name=one.name,
        state=shown(beat, now),
        description=one.description,
        team=one.team,
        every=written(rule.every_s) if rule.every_s is not None else "",
        cron=rule.cron,
        timezone=rule.zone,
        grace=written(rule.grace_s),
        severity=one.severity,
        labels=dict(one.labels),
        runbook_url=one.runbook_url,
        paused_by="resource" if one.paused else "hand" if row.paused_by_hand else "",
        has_key=row.key_made_at is not None,
        key_made_at=row.key_made_at,
        last_ping_at=beat.heard_at,
        last_ok_at=beat.ok_at,
        started_at=beat.started_at,
        down_at=beat.down_at,
        expected_at=beat.expected_at,
        missed_at=beat.due_at if is_awaited else None,
        pings=row.ping_count,
    )


def heartbeat_detail(
    one: Heartbeat, row: Standing, pings: Sequence[KeptPing], now: datetime, base_url: str
) -> HeartbeatDetail:
    """Tell a heartbeat with its newest pings."""
    shape = heartbeat_shape(one, row, now)
    return HeartbeatDetail(
        **{name: getattr(shape, name) for name in shape.__struct_fields__},
        recent=tuple(
            PingShape(
                at=ping.at,
                kind=ping.kind,
                exit_code=ping.exit_code,
                text=ping.text,
                sender=ping.sender,
            )
            for ping in pings
        ),
        url=ping_url(base_url, "KEY"),
    )


def ping_url(base_url: str, key: str) -> str:
    """Return the address that a job pings."""
    return f"{base_url}/heartbeat/{key}"


def crontab_line(shape: HeartbeatShape, url: str) -> str:
    """Return a line of a crontab that runs a job and pings when it went well."""
    when = shape.cron or "*/5 * * * *"
    return f"{when} my-job && curl -fsS -m 10 --retry 5 -o /dev/null {url}"
