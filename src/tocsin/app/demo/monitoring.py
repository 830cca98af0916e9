"""Stands for Prometheus: scrapes over HTTP, evaluates rules, posts alerts with a token of its own."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping

import httpx

from tocsin.app.demo.rules import Alert, Key, Samples, advanced, parsed, sent
from tocsin.kernel.clock import Clock

INTERVAL_S = 1.0
WINDOW = 6  # scrapes that a rate looks back over


class Monitoring:
    """One scrape target, one receiver."""

    def __init__(
        self, client: httpx.AsyncClient, clock: Clock, *, metrics_url: str, token: str
    ) -> None:
        self._client = client
        self._clock = clock
        self._metrics_url = metrics_url
        self._bearer = {"authorization": f"Bearer {token}"}
        self._scrapes: deque[Samples] = deque(maxlen=WINDOW)
        self._alerts: Mapping[Key, Alert] = {}

    async def run(self) -> None:
        """Look every second until cancelled; what could not be sent is sent the next time."""
        while True:
            # no answer: its database is being killed and started again, which is part of the show
            with contextlib.suppress(httpx.HTTPError):
                await self._look()
            await asyncio.sleep(INTERVAL_S)

    async def _look(self) -> None:
        answer = await self._client.get(self._metrics_url)
        self._scrapes.append(parsed(answer.text))
        now = self._clock.now()
        self._alerts = advanced(self._alerts, self._scrapes[0], self._scrapes[-1], now)
        due = {key: alert for key, alert in self._alerts.items() if alert.is_due(now)}
        if due:
            alerts = [alert.wire(now, self._metrics_url) for alert in due.values()]
            answer = await self._client.post(
                "/api/v2/alerts", json=alerts, headers=self._bearer
            )
            answer.raise_for_status()
            self._alerts = sent(self._alerts, due, now)
