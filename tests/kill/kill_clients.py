"""Who talks to Tocsin while it is killed, and what each was promised by a 2xx."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from kill_http import LOST, Wire
from msgspec import Struct
from typing_extensions import override

SERVICES = 12
RETRY_S = 0.05


class Told(Struct, kw_only=True):
    """What Tocsin must know of one alert."""

    labels: dict[str, str]
    starts_at: datetime
    is_firing: bool = True
    fired_count: int = 1
    posts: list[str] = []
    ends: list[str] = []  # posts that say that it is over, and nothing else

    @property
    def instance(self) -> str:
        """Return the name that no other alert has."""
        return self.labels.get("instance") or self.labels["source"]


class Sender:
    """A Prometheus: one connection, one request in flight, the same body until a 2xx."""

    path = "/api/v2/alerts"
    named_by = "instance"  # the label that no other alert has
    batch_max = 8

    def __init__(self, name: str, wire: Wire, rng: Random) -> None:
        self.name = name
        self._wire = wire
        self._rng = rng
        self.alerts: list[Told] = []
        self.tries: dict[str, int] = {}  # post -> how often it was sent until its 2xx
        self.kept_at: list[float] = []
        self.refusals: Counter[int] = Counter()  # by status

    async def run(self, stop: asyncio.Event) -> None:
        """Post until told to stop; the last body too is sent until its 2xx."""
        while not stop.is_set():
            post = f"{self.name}/{len(self.tries)}"
            chosen = self._next(post)
            self.tries[post] = 0
            await self._until_kept(post, self._body(chosen, post))
            await asyncio.sleep(self._rng.uniform(0.01, 0.08))

    async def _until_kept(self, post: str, body: object) -> None:
        while True:
            self.tries[post] += 1
            try:
                answer = await self._wire.ask("POST", self.path, body)
            except LOST as lost:
                self.tries[post] -= isinstance(lost, ConnectionRefusedError)
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status // 100 == 2:
                self.kept_at.append(time.monotonic())
                return
            self.refusals[answer.status] += 1
            assert answer.status // 100 == 5, f"{answer.status}: {answer.body.decode()}"
            await asyncio.sleep(RETRY_S)

    def _next(self, post: str) -> list[Told]:
        lot = self._rng.random()
        if lot < 0.6 or not self.alerts:
            return [self._fire(post)]
        if lot < 0.75:
            return [self._fire(post) for _ in range(self._rng.randint(2, self.batch_max))]
        told = self._rng.choice(self.alerts)
        if lot < 0.85:
            told.is_firing = False
        elif not told.is_firing:
            told.is_firing = True
            told.fired_count += 1
            told.starts_at = datetime.now(UTC) - timedelta(seconds=1)
        self._speaks(told).append(post)
        return [told]

    def _fire(self, post: str) -> Told:
        number = len(self.alerts)
        alone = self._rng.random() < 0.03
        service = f"{self.name}-{number}" if alone else f"s{self._rng.randrange(SERVICES)}"
        labels = {
            "alertname": "Killed",
            "service": service,
            self.named_by: f"{self.name}-{number}",
            "severity": "critical",
        }
        told = Told(labels=labels, starts_at=datetime.now(UTC) - timedelta(minutes=1))
        told.posts = [post]
        self.alerts.append(told)
        return told

    def _speaks(self, told: Told) -> list[str]:
        """Return where a post about a known alert is noted."""
        return told.posts

    def _body(self, chosen: Sequence[Told], post: str) -> object:
        return [self._alert(told, post) for told in chosen]

    def _alert(self, told: Told, post: str) -> dict[str, Any]:
        # a firing one names a far end, so that none expires while a long run goes on
        now = datetime.now(UTC)
        end = now + timedelta(days=1) if told.is_firing else now - timedelta(milliseconds=500)
        return {
            "labels": told.labels,
            "annotations": {"post": post},
            "startsAt": min(told.starts_at, end).isoformat(),
            "endsAt": end.isoformat(),
        }


class EventSender(Sender):
    """A client of PagerDuty: one event in a request; a resolve says nothing but its key."""

    path = "/v2/enqueue"
    named_by = "source"
    batch_max = 2

    @override
    def _next(self, post: str) -> list[Told]:
        found = super()._next(post)
        for told in found[1:]:  # one at a time
            self.alerts.remove(told)
        return found[:1]

    @override
    def _speaks(self, told: Told) -> list[str]:
        return told.posts if told.is_firing else told.ends

    @override
    def _body(self, chosen: Sequence[Told], post: str) -> object:
        (told,) = chosen
        payload = {
            "summary": told.labels["alertname"], "source": told.instance,
            "severity": told.labels["severity"],
            "custom_details": {"service": told.labels["service"], "post": post},
        }  # fmt: skip
        return {
            "routing_key": self._wire.token, "dedup_key": told.instance, "payload": payload,
            "event_action": "trigger" if told.is_firing else "resolve",
        }  # fmt: skip


class WebhookSender(Sender):
    """A tool that posts JSON of its own, which a mapping reads."""

    path = "/webhook"

    @override
    def _body(self, chosen: Sequence[Told], post: str) -> object:
        return {
            "sent": [
                {"id": one.instance, "on": one.is_firing, "labels": one.labels, "post": post}
                for one in chosen
            ]
        }


class Responder:
    """Somebody who acknowledges open incidents over the API, now and then."""

    def __init__(self, wire: Wire, rng: Random) -> None:
        self._wire = wire
        self._rng = rng
        self.taken: set[str] = set()  # pages whose acknowledgement got a 2xx

    async def run(self, stop: asyncio.Event) -> None:
        """Acknowledge until told to stop."""
        while not stop.is_set():
            with suppress(*LOST):
                await self._acknowledge()
            await asyncio.sleep(self._rng.uniform(0.2, 0.8))

    async def _acknowledge(self) -> None:
        answer = await self._wire.ask("GET", "/api/v1/incidents?limit=50")
        if answer.status != 200 or not (found := answer.json()["items"]):
            return
        chosen: Mapping[str, Any] = self._rng.choice(found)
        answer = await self._wire.ask("POST", f"/api/v1/incidents/{chosen['id']}/acknowledge")
        if answer.status == 200:
            pages = answer.json()["pages"]
            self.taken |= {page["id"] for page in pages if page["state"] == "acknowledged"}
