"""The demo's alerting rules, each over two scrapes, and what becomes of their alerts. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from tocsin.app.demo.shop import SLOW_S

RESEND_AFTER = timedelta(minutes=1)
ENDS_AFTER = timedelta(
    minutes=4
)  # four times what passes between two repeats, as Prometheus has it

Series = frozenset[tuple[str, str]]
Samples = Mapping[str, Mapping[Series, float]]
Found = Mapping[Series, float]


def parsed(text: str) -> Samples:
    """Read Prometheus' text format: values by metric name and labels."""
    found: dict[str, dict[Series, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


class Rule(Struct, frozen=True, kw_only=True):
    """Fires for every series that `ask` returns for `for_s` on end."""

    name: str
    severity: str
    for_s: int
    summary: str
    ask: Callable[[Samples, Samples], Found]


class Alert(Struct, frozen=True, kw_only=True):
    """One series of one rule: pending until `fired_at`, gone after its resolve was sent."""

    rule: Rule
    series: Series
    value: float
    since: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    sent_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Say whether it has to be sent."""
        if self.fired_at is None:
            return False
        ended = self.resolved_at is not None
        return ended or self.sent_at is None or now - self.sent_at >= RESEND_AFTER

    def wire(self, now: datetime, source_url: str) -> Mapping[str, object]:
        """Return it as Prometheus posts it."""
        labels = dict(self.series)
        ends_at = self.resolved_at or now + ENDS_AFTER
        return {
            "labels": {**labels, "alertname": self.rule.name, "severity": self.rule.severity},
            "annotations": {"summary": self.rule.summary.format(value=self.value, **labels)},
            "startsAt": (self.fired_at or now).isoformat(),
            "endsAt": ends_at.isoformat(),
            "generatorURL": source_url,
        }


Key = tuple[str, Series]


def advanced(
    known: Mapping[Key, Alert], first: Samples, last: Samples, now: datetime
) -> dict[Key, Alert]:
    """Evaluate all rules: what is new is pending, what stays fires, what is gone is resolved."""
    found = {
        (rule.name, s): (rule, v) for rule in RULES for s, v in rule.ask(first, last).items()
    }
    after: dict[Key, Alert] = {}
    for key, (rule, value) in found.items():
        old = known.get(key)
        if old is None or old.resolved_at is not None:
            old = Alert(rule=rule, series=key[1], value=value, since=now)
        fires = now - old.since >= timedelta(seconds=rule.for_s)
        after[key] = replace(
            old, value=value, fired_at=old.fired_at or (now if fires else None)
        )
    for key, old in known.items():
        if key not in found and old.fired_at is not None:
            after[key] = replace(old, resolved_at=old.resolved_at or now)
    return after


def sent(known: Mapping[Key, Alert], keys: Iterable[Key], now: datetime) -> dict[Key, Alert]:
    """Note what was sent; a resolve that was sent is forgotten."""
    done = set(keys)
    return {
        key: replace(alert, sent_at=now) if key in done else alert
        for key, alert in known.items()
        if not (key in done and alert.resolved_at is not None)
    }


def _increase(name: str, first: Samples, last: Samples) -> Found:
    before = first.get(name, {})
    return {s: v - before[s] for s, v in last.get(name, {}).items() if s in before}


def _error_ratio(first: Samples, last: Samples) -> Found:
    served = _increase("http_requests_total", first, last)
    count: dict[Series, float] = {}
    failed: dict[Series, float] = {}
    for series, value in served.items():
        where = frozenset(one for one in series if one[0] != "code")
        count[where] = count.get(where, 0) + value
        failed[where] = failed.get(where, 0) + value * (("code", "500") in series)
    return {where: failed[where] / count[where] for where in count if count[where]}


def _slow_ratio(first: Samples, last: Samples) -> Found:
    count = _increase("http_request_duration_seconds_count", first, last)
    quick = _increase("http_request_duration_seconds_bucket", first, last)
    bound = ("le", str(SLOW_S))
    return {
        series: 1 - quick.get(series | {bound}, 0) / value
        for series, value in count.items()
        if value
    }


def _free_ratio(_first: Samples, last: Samples) -> Found:
    size = last.get("node_filesystem_size_bytes", {})
    free = last.get("node_filesystem_avail_bytes", {})
    return {series: free[series] / size[series] for series in free if size.get(series)}


def _above(ask: Callable[[Samples, Samples], Found], limit: float) -> Callable[..., Found]:
    return lambda first, last: {s: v for s, v in ask(first, last).items() if v > limit}


def _below(ask: Callable[[Samples, Samples], Found], limit: float) -> Callable[..., Found]:
    return lambda first, last: {s: v for s, v in ask(first, last).items() if v < limit}


RULES = (
    Rule(
        name="HighErrorRate", severity="critical", for_s=2, ask=_above(_error_ratio, 0.05),
        summary="{value:.0%} of the requests to {instance} in {site} fail",
    ),
    Rule(
        name="SlowRequests", severity="critical", for_s=3, ask=_above(_slow_ratio, 0.1),
        summary="{value:.0%} of the requests to {instance} in {site} take longer than 500 ms",
    ),
    Rule(
        name="DiskAlmostFull", severity="critical", for_s=3, ask=_below(_free_ratio, 0.1),
        summary="{instance} in {site} has {value:.0%} of its disk left",
    ),
    Rule(
        name="QueueBacklog", severity="warning", for_s=3,
        ask=_above(lambda _first, last: last.get("queue_messages", {}), 10_000),
        summary="{value:.0f} messages wait in {instance} in {site}",
    ),
)  # fmt: skip
