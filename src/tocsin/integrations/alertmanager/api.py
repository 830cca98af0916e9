"""Alertmanager's API v2 as the web floor asks for it: paths and bytes in, bytes out."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from tocsin.integrations.alertmanager import errors, parse, wire
from tocsin.integrations.alertmanager.matchers import parse_matcher, parse_receiver
from tocsin.kernel.clock import Clock
from tocsin.signals.model import Signal, Split, Unreadable
from tocsin.triage.core.matchers import matches
from tocsin.triage.model import Alert

RECEIVER = "tocsin"


class AlertmanagerApi:
    """Answers, in Alertmanager's words; nothing here decides who may ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def split(self, body: bytes, *, lanes: int) -> Split:
        """Check and cut a POST. Raises Unreadable."""
        return parse.split(body, lanes=lanes, now=self._clock.now())

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        """Turn a slice back into signals."""
        return parse.read(body, received_at)

    def refused(self, refusals: Sequence[str]) -> Unreadable:
        """Answer for alerts that were not kept."""
        return errors.refused(refusals)

    def not_found(self, path: str) -> Unreadable:
        """Answer for an unknown path."""
        return errors.not_found(path)

    def not_allowed(self, method: str, allowed: Sequence[str]) -> Unreadable:
        """Answer for the wrong verb."""
        return errors.not_allowed(method, allowed)

    def unsupported(self, media_type: str) -> Unreadable:
        """Answer for a body that is not JSON."""
        return errors.unsupported(media_type)

    def listing(self, alerts: Sequence[Alert], query: str) -> bytes:
        """Answer GET /alerts: filtered, sorted by fingerprint. Raises Unreadable."""
        asked = parse_qsl(query, keep_blank_values=True)
        filters = [parse_matcher(value) for name, value in asked if name == "filter"]
        receivers = [
            parse_receiver(value) for name, value in asked if name == "receiver" and value
        ]
        # Alertmanager reads any other word as false, without an error
        wants_active = all(v in ("true", "1", "t") for n, v in asked if n == "active")
        if not wants_active or any(not one.fullmatch(RECEIVER) for one in receivers):
            return wire.alerts_body([])
        return wire.alerts_body(
            wire.to_wire(
                labels=alert.labels,
                annotations=alert.annotations,
                starts_at=alert.starts_at,
                ends_at=alert.ends_at,
                updated_at=alert.updated_at,
                source_url=alert.source_url,
                receivers=(RECEIVER,),
            )
            for alert in alerts
            if all(matches(one, alert.labels) for one in filters)
        )

    def status(self, started_at: datetime) -> bytes:
        """Answer GET /status, which amtool asks first."""
        return wire.status_body(started_at=started_at)

    def receivers(self) -> bytes:
        """Answer GET /receivers."""
        return wire.receivers_body([RECEIVER])
