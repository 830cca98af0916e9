"""Counters and gauges for Prometheus, named `tocsin_<noun>_<unit>`; rendered by `web`."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()

ACCEPTED = Counter(
    "tocsin_alerts_accepted", "Alerts answered with 2xx, all on disk.", registry=REGISTRY
)
REFUSED = Counter(
    "tocsin_intake_refused",
    "Intake requests refused, by status.",
    ["status"],
    registry=REGISTRY,
)
SORTED = Counter("tocsin_alerts_sorted", "Alerts sorted.", registry=REGISTRY)
UNSORTABLE = Counter(
    "tocsin_signals_unsortable", "Signals no rule could read.", registry=REGISTRY
)
ATTEMPTS = Counter(
    "tocsin_attempts",
    "Attempts to deliver, by method and outcome; Skipped: its provider is left alone for a while.",
    ["method", "outcome"],
    registry=REGISTRY,
)
RECEIPTS = Counter(
    "tocsin_receipts", "What providers told of messages that they had taken.", ["kind"],
    registry=REGISTRY,
)  # fmt: skip
PROVIDER_STATE = Gauge(
    "tocsin_provider_state",
    "Whether a provider of messages is used: 0 well, 1 tried again, 2 left alone for a while.",
    ["provider"],
    registry=REGISTRY,
)
UNPAGEABLE = Counter(
    "tocsin_pages_unpageable", "Alarms that a page reaches nobody.", registry=REGISTRY
)
WITNESS_RESTORED = Counter(
    "tocsin_pages_witness_restored",
    "Pages the watchdog found without a timer.",
    registry=REGISTRY,
)
PARKED = Gauge(
    "tocsin_reactions_parked_count", "Reactions waiting in the parking lot.", registry=REGISTRY
)
DUE_LAG = Gauge(
    "tocsin_due_timer_lag_seconds", "How late the oldest due job is.", registry=REGISTRY
)
SORT_LAG = Gauge(
    "tocsin_sort_lag_seconds", "Age of the oldest unsorted signal.", registry=REGISTRY
)
UNSEALED = Gauge(
    "tocsin_log_unsealed_seconds", "Age of the oldest event not yet sealed.", registry=REGISTRY
)
OPEN_PAGES = Gauge(
    "tocsin_pages_open_count", "Pages nobody has acknowledged.", registry=REGISTRY
)
CLIENTS = Gauge("tocsin_live_clients_count", "Open event streams.", registry=REGISTRY)
BACKUP_AGE = Gauge(
    "tocsin_backup_age_seconds",
    "Age of the last backup by `tocsin backup`; +Inf: there is none.",
    registry=REGISTRY,
)
BACKUP_AGE.set(float("inf"))
SKEW = Gauge(
    "tocsin_clock_skew_seconds", "Database clock minus this machine's.", registry=REGISTRY
)

REPLIES = Counter(
    "tocsin_replies", "What people wrote to Tocsin, by connection and outcome.",
    ["connection", "outcome"], registry=REGISTRY,
)  # fmt: skip
REPLIES_CONNECTED = Gauge(
    "tocsin_replies_connected",
    "1 where this process hears replies by a connection, 0 where it tries to.",
    ["connection"], registry=REGISTRY,
)  # fmt: skip

PINGS = Counter(
    "tocsin_heartbeat_pings", "Pings of users' jobs that were kept, by kind.", ["kind"],
    registry=REGISTRY,
)  # fmt: skip
HEARTBEATS_MISSED = Counter(
    "tocsin_heartbeats_missed", "Heartbeats that were not heard of in time.", registry=REGISTRY
)

OUTSIDE_TOLD = Gauge(
    "tocsin_outside_heartbeat_told",
    "1 where the last heartbeat to `TOCSIN_HEARTBEAT_URL` got through, 0 where it did not.",
    registry=REGISTRY,
)


def render() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
