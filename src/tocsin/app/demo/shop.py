"""ACME's services: they count what they do, as Prometheus has it, and fall ill by a script."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

TICK_S = 0.5
CYCLE_S = 300
# the sites have their trouble in turn: with six of them, each is well for longer than the
# 15 minutes inside of which the same trouble would reopen its old incident
SITES = ("berlin", "lisbon", "nairobi", "osaka", "oslo", "quito")
REQUESTS_A_TICK = 10
DISK_BYTES = 500e9
DISK_FILLS_IN_S = 8
SLOW_S = 0.5


class Trouble(Struct, frozen=True, kw_only=True):
    """One instance is ill from `begins_s` into each cycle on, for `lasts_s`."""

    instance: str
    begins_s: int
    lasts_s: int


SCRIPT = (
    Trouble(instance="checkout-1", begins_s=0, lasts_s=150),
    Trouble(instance="checkout-2", begins_s=12, lasts_s=130),
    Trouble(instance="payments-db-1", begins_s=20, lasts_s=200),
    Trouble(instance="search-1", begins_s=75, lasts_s=70),
    Trouble(instance="mailer-1", begins_s=110, lasts_s=110),
)
WEB = ("checkout-1", "checkout-2", "search-1")
DATABASES = ("payments-db-1", "search-db-1")
QUEUES = ("mailer-1",)


def ailing(elapsed_s: float, first_site: int) -> tuple[str, Mapping[str, float]]:
    """Return the site in trouble, and for how many seconds each of its instances has been ill."""
    cycle, within_s = divmod(elapsed_s, CYCLE_S)
    site = SITES[(first_site + int(cycle)) % len(SITES)]
    ill = {
        one.instance: within_s - one.begins_s
        for one in SCRIPT
        if 0 <= within_s - one.begins_s < one.lasts_s
    }
    return site, ill


class Shop:
    """All instances of all sites, and their metrics."""

    def __init__(self) -> None:
        self.first_site = 0
        self._registry = CollectorRegistry()
        labels = ("service", "site", "instance")
        self._requests = Counter(
            "http_requests", "Requests served.", [*labels, "code"], registry=self._registry
        )
        self._durations = Histogram(
            "http_request_duration_seconds", "How long requests took.", labels,
            buckets=(0.1, SLOW_S, 2.5), registry=self._registry,
        )  # fmt: skip
        self._disk_size = Gauge(
            "node_filesystem_size_bytes", "Size of the disk.", labels, registry=self._registry
        )
        self._disk_free = Gauge(
            "node_filesystem_avail_bytes", "Free on the disk.", labels, registry=self._registry
        )
        self._queue = Gauge(
            "queue_messages", "Messages that wait.", labels, registry=self._registry
        )

    async def run(self) -> None:
        """Serve customers until cancelled."""
        elapsed_s = 0.0
        while True:
            self.tick(elapsed_s)
            await asyncio.sleep(TICK_S)
            elapsed_s += TICK_S

    def tick(self, elapsed_s: float) -> None:
        """Do half a second's work everywhere."""
        troubled, ill = ailing(elapsed_s, self.first_site)
        for site in SITES:
            ill_here = ill if site == troubled else {}
            for instance in WEB:
                self._serve(site, instance, is_ill=instance in ill_here)
            for instance in DATABASES:
                self._fill(site, instance, ill_here.get(instance, 0.0))
            for instance in QUEUES:
                count = 12_000 if instance in ill_here else 40
                self._queue.labels(*_labels(site, instance)).set(count)

    def _serve(self, site: str, instance: str, *, is_ill: bool) -> None:
        labels = _labels(site, instance)
        failed_count = 3 if is_ill and instance.startswith("checkout") else 0
        slow_count = 4 if is_ill and instance.startswith("search") else 0
        self._requests.labels(*labels, "500").inc(failed_count)
        self._requests.labels(*labels, "200").inc(REQUESTS_A_TICK - failed_count)
        durations = self._durations.labels(*labels)
        for number in range(REQUESTS_A_TICK):
            durations.observe(SLOW_S * 3 if number < slow_count else SLOW_S / 6)

    def _fill(self, site: str, instance: str, ill_s: float) -> None:
        free_ratio = 0.4 - 0.34 * min(ill_s / DISK_FILLS_IN_S, 1.0)
        labels = _labels(site, instance)
        self._disk_size.labels(*labels).set(DISK_BYTES)
        self._disk_free.labels(*labels).set(DISK_BYTES * free_ratio)

    def metrics(self) -> bytes:
        """Render all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    async def show(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one HTTP request with all metrics, whatever path it asks for."""
        try:
            await reader.readuntil(b"\r\n\r\n")
            body = self.metrics()
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE_LATEST}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
        except (ConnectionError, EOFError, asyncio.LimitOverrunError):
            return  # whoever asked went away
        finally:
            writer.close()


def _labels(site: str, instance: str) -> tuple[str, str, str]:
    return instance.rpartition("-")[0], site, instance
