"""Heartbeats as they are written in YAML, and what they compile to."""

from collections.abc import Iterable, Mapping
from typing import Annotated, cast
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tocsin.kernel.durations import Duration, seconds
from tocsin.kernel.errors import Invalid
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.signals.core.config import DESCRIPTION_MAX, LABELS_MAX, LabelName, LabelValue
from tocsin.signals.core.expecting import CRON_MAX, read_cron, read_zone
from tocsin.signals.model import Heartbeat, Rule

EVERY_MIN_S = 10
DURATION_MAX_S = 366 * 86_400
OURS = ("alertname", "heartbeat", "severity", "team")
"""Labels of a heartbeat's alert that `labels` may not set: the resource has fields for them."""


class HeartbeatSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A job that pings when it has run; when it is not heard of in time, that is an alert.

    Either `every` or `cron`, the latter by the clocks of `timezone`. `grace` is how much later
    it may come, and how long a run may take whose start was pinged. `labels` stand on the
    alert, where routes, services and groups see them.
    """

    every: Annotated[Duration, Meta(description="At the latest so long after each other.")] = ""
    cron: Annotated[
        str,
        Meta(
            max_length=CRON_MAX,
            description="When it runs: minute, hour, day, month, weekday, or e.g. `@daily`.",
            examples=["30 2 * * 1-5"],
        ),
    ] = ""
    timezone: Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])] = "UTC"
    grace: Duration = "5m"
    severity: LabelValue = "critical"
    description: Annotated[str, Meta(max_length=DESCRIPTION_MAX)] = ""
    team: str = ""
    labels: Annotated[dict[LabelName, LabelValue], Meta(max_length=LABELS_MAX)] = msgspec.field(
        default_factory=dict
    )
    runbook_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s]+)?$",
            max_length=2000,
            examples=["https://wiki.example.org/backup"],
        ),
    ] = ""
    paused: bool = False


class Heartbeats(Struct, frozen=True):
    """Every heartbeat of one revision."""

    by_id: Mapping[UUID, Heartbeat]
    by_name: Mapping[str, Heartbeat]


def heartbeat_refs(spec: HeartbeatSpec) -> Iterable[tuple[str, str, str]]:
    """Name the team a heartbeat belongs to."""
    return [("Team", spec.team, "spec.team")] if spec.team else []


def compile_heartbeats(resources: Resources) -> Heartbeats:
    """Read the heartbeats of one revision. Raises Invalid, naming field and cure."""
    found = [_heartbeat(cast("HeartbeatSpec", r.spec), r) for r in resources.of("Heartbeat")]
    return Heartbeats({one.id: one for one in found}, {one.name: one for one in found})


def _heartbeat(spec: HeartbeatSpec, resource: Resource) -> Heartbeat:
    where = f"Heartbeat/{resource.name}: spec"
    taken = next((name for name in OURS if name in spec.labels), None)
    if taken is not None:
        cure = f"use spec.{taken}" if taken in ("severity", "team") else "leave it out"
        raise Invalid(
            f"{where}.labels: {taken} is set by the heartbeat itself; {cure}", field="labels"
        )
    return Heartbeat(
        id=cast("UUID", resource.uid),
        name=resource.name,
        description=spec.description,
        team=spec.team or None,
        rule=_rule(spec, where),
        severity=spec.severity,
        labels=spec.labels,
        runbook_url=spec.runbook_url,
        paused=spec.paused,
    )


def _rule(spec: HeartbeatSpec, where: str) -> Rule:
    if bool(spec.every) == bool(spec.cron):
        raise Invalid(
            f"{where}: {'both' if spec.every else 'neither'} every {'and' if spec.every else 'nor'}"
            " cron is set; write one of them, e.g. every: 5m",
            field="every",
        )
    grace_s = _bounded(spec.grace, f"{where}.grace", 0)
    zone = read_zone(spec.timezone, field=f"{where}.timezone")
    if spec.cron:
        return Rule(
            cron=read_cron(spec.cron, field=f"{where}.cron"), zone=zone, grace_s=grace_s
        )
    if spec.timezone != "UTC":
        raise Invalid(
            f"{where}.timezone: only cron goes by clocks, every does not; leave it out",
            field="timezone",
        )
    return Rule(every_s=_bounded(spec.every, f"{where}.every", EVERY_MIN_S), grace_s=grace_s)


def _bounded(text: str, field: str, least_s: int) -> int:
    found = seconds(text, field=field)
    if not least_s <= found <= DURATION_MAX_S:
        least = f"{least_s}s" if least_s else "0"
        raise Invalid(f"{field}: from {least} to 366d", field=field)
    return found
