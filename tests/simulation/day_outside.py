"""The world outside of Tocsin: senders that try again, people who answer or not."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from day_node import Node
from day_org import NAMES, SERVICES
from day_promises import BrokenPromise

from tocsin.command import actions as command
from tocsin.governance import actions as governance
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import IncidentId, PageId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall.ports import Outgoing
from tocsin.signals.ports import LANES
from tocsin.web.inbound import FORMAT
from tocsin.web.inbound_doors import PAGERDUTY

if TYPE_CHECKING:
    from day import Day

Labels = tuple[tuple[str, str], ...]


def actor(kind: str, name: str, role: Role, person_id: PersonId | None = None) -> Actor:
    return Actor(
        kind=kind, id=uuid5(NAMESPACE_URL, name), name=name, role=role, person_id=person_id
    )


def _identity(labels: dict[str, str]) -> Labels:
    """Return what makes an alert the same: its labels, or what its event is the key of."""
    named = {k: v for k, v in labels.items() if k == "source"} or labels
    return tuple(sorted(named.items()))


class Outside:
    """Whoever talks to Tocsin, and what they were told."""

    def __init__(self, day: "Day") -> None:
        self._day = day
        self._asked = day.observer
        self.accepted: Counter[Labels] = Counter()
        self.unsure: Counter[Labels] = Counter()
        self.firing: set[Labels] = set()
        self.triggered: set[str] = set()  # by events of PagerDuty
        self.unreadable = self.unreadable_unsure = 0
        self._sent_to: Counter[str] = Counter()
        self.answers = True

    # -- what senders do -----------------------------------------------------------------

    async def post(self, alerts: list[Labels], *, ends_in_s: float | None = None) -> None:
        """Send alerts as Prometheus does: again, until it is told that they were taken."""
        body = []
        for labels in alerts:
            alert: dict[str, object] = {
                "labels": dict(labels),
                "startsAt": self._day.now.isoformat(),
            }
            if ends_in_s is not None:
                alert["endsAt"] = (self._day.now + timedelta(seconds=ends_in_s)).isoformat()
            body.append(alert)
        (self.firing.difference_update if ends_in_s == 0 else self.firing.update)(alerts)
        sender = actor("token", f"prom-{len(alerts[0]) % 2}", Role.INTEGRATION)

        async def accept(node: Node) -> None:
            split = node.app.services.alertmanager.split(json.dumps(body).encode(), lanes=LANES)
            self.unsure.update(alerts)
            await node.accept(sender, FORMAT, split.accepted)
            self.unsure.subtract(alerts)
            self.accepted.update(alerts)

        if not await self._day.on_any(accept):
            self._day.after(
                "post again",
                lambda: self.post(alerts, ends_in_s=ends_in_s),
                seconds=self._again_s(),
            )

    async def event(self, source: str, action: str, severity: str = "critical") -> None:
        """Send an event as PagerDuty's clients do: again, until it is told that it was taken."""
        payload = {
            "summary": "Disk is full", "source": source, "severity": severity,
            "custom_details": {"service": SERVICES[len(source) % len(SERVICES)]},
        }  # fmt: skip
        found = {"event_action": action, "dedup_key": source, "payload": payload}
        (self.triggered.discard if action == "resolve" else self.triggered.add)(source)
        labels = (("source", source),)
        sender = actor("token", "events", Role.INTEGRATION)

        async def accept(node: Node) -> None:
            kept, _ = node.app.services.pagerduty.event(
                found, integration="events", lanes=LANES
            )
            self.unsure[labels] += 1
            await node.accept(sender, PAGERDUTY, [kept])
            if action == "trigger":  # of the others some speak of what is not known
                self.unsure[labels] -= 1
                self.accepted[labels] += 1

        if not await self._day.on_any(accept):
            self._day.after(
                "event again",
                lambda: self.event(source, action, severity),
                seconds=self._again_s(),
            )

    def _again_s(self) -> float:
        """Return when a sender tries again; its backoff grows while nobody lives at all."""
        return 30 if self._day.idle(busy=True) else 240

    async def post_unreadable(self) -> None:
        """A signal in a form that nobody knows any more: kept, set aside, paged about."""
        sender = actor("token", "ancient", Role.INTEGRATION)
        node = self._day.idle()[0] if self._day.idle() else None
        if node is None:
            return
        split = node.app.services.alertmanager.split(
            b'[{"labels":{"alertname":"Old"}}]', lanes=LANES
        )
        if await self._day.on(node, lambda: node.accept(sender, "ancient.v0", split.accepted)):
            self.unreadable += 1
        else:
            self.unreadable_unsure += 1

    async def apply(self, node: Node) -> None:
        """Apply the configuration as it stands."""
        documents = self._day.org.documents(self._day.now)
        # then the set is all there is
        prune = bool(self._day.org.removed) or self._day.org.is_pruned
        manager = actor("token", "ops", Role.MANAGER)
        await node.app.units.run(
            manager, lambda unit: node.app.store.apply(unit, documents, prune=prune)
        )
        self._day.org.applied(self._day.now)
        await node.refresh()

    async def change_config(self) -> None:
        """Somebody changes the organisation."""
        self._day.note(f"config: {self._day.org.change()}")
        await self.apply_somewhere()

    async def schedule_config(self) -> None:
        """Somebody writes down today what shall hold later."""
        luck = Random(f"{self._day.seed}/{len(self._day.org.revisions)}")
        at = self._day.now + timedelta(minutes=luck.choice((1, 7, 45, 240)))
        document, come = self._day.org.later(at)
        manager = actor("token", "ops", Role.MANAGER)
        self._day.at(at, "config: what was scheduled", come)
        await self._day.on_any(
            lambda node: node.app.units.run(
                manager, lambda unit: node.app.store.apply(unit, [document])
            )
        )

    async def apply_somewhere(self) -> None:
        """Apply the configuration as it stands, as soon as anybody takes it."""
        if not await self._day.on_any(self.apply):
            self._day.after("config again", self.apply_somewhere, seconds=10)

    # -- what people do ------------------------------------------------------------------

    def luck_of(self, message: Outgoing) -> Random:
        """Return a source of luck that depends on nothing but who has been told how often."""
        self._sent_to[message.to] += 1
        return Random(f"{self._day.seed}/{message.to}/{self._sent_to[message.to]}")

    def taken(self, message: Outgoing, luck: Random) -> None:
        """A provider has taken a message: perhaps somebody reads it."""
        self._day.counts["delivered"] += 1
        if not self.answers or luck.random() > self.mood(message):
            return
        delay_s = luck.choice((0.0, 20.0, 60.0, 200.0, 300.0, 600.0, 1500.0))
        if message.event == "unpageable":
            self._day.after("desk resolves", self.resolve_something, seconds=delay_s + 600)
            return
        self._day.after("acknowledge", lambda: self.acknowledge(message, luck), seconds=delay_s)
        if luck.random() < 0.4:
            resolve = self.resolve_incident
            self._day.after(
                "resolve by hand", lambda: resolve(message.thread), seconds=delay_s + 900
            )

    def mood(self, message: Outgoing) -> float:
        """Return how likely anybody answers a message about this incident."""
        return Random(f"{self._day.seed}/{message.incident}").choice((0.0, 0.1, 0.3, 0.5))

    def refused(self, message: Outgoing, luck: Random) -> None:
        """A provider has not taken a message: perhaps somebody sees the incident on a screen."""
        self._day.counts["refused"] += 1
        if self.answers and luck.random() < 0.15:
            self._day.after(
                "seen", lambda: self.acknowledge(message, luck), seconds=luck.uniform(0, 8)
            )

    async def acknowledge(self, message: Outgoing, luck: Random) -> None:
        """Somebody takes the page: by the link, as a person, or with a token."""
        if message.event != "page":
            return
        page_id = PageId(UUID(message.key.partition("/")[0]))
        incident_id = IncidentId(UUID(message.thread))
        match luck.randrange(3):
            case 0:
                await self._day.on_any(lambda node: self._by_link(node, message))
            case 1:
                name = luck.choice(NAMES)
                who = actor("person", name, Role.RESPONDER, await self._person_id(name))
                await self._take(
                    who, lambda unit: oncall.acknowledge(unit, page_id, channel="chat")
                )
            case _:
                who = actor("token", "bot", Role.RESPONDER)
                await self._take(
                    who,
                    lambda unit: oncall.acknowledge_incident(unit, incident_id, channel="API"),
                )

    async def _take(self, who: Actor, act: Callable[[Unit], Awaitable[object]]) -> None:
        async def run(node: Node) -> None:
            with suppress(NotFound):  # restricted, and not to them
                await node.app.units.run(who, act)

        await self._day.on_any(run)

    async def _by_link(self, node: Node, message: Outgoing) -> None:
        secret, _, query = message.ack_link.rpartition("/")[2].partition("?")
        bundle = query.partition("all=")[2]
        units = node.app.units
        link = await units.run(SYSTEM, lambda unit: governance.use_acknowledge(unit, secret))
        assert link.page_id is not None
        page_id = PageId(link.page_id)
        await units.run(
            governance.actor_of_link(link, "somebody"),
            lambda unit: oncall.acknowledge(unit, page_id, channel="link"),
        )
        if bundle:  # one tap for all that the message told of
            await units.run(
                governance.actor_of_link(link, "somebody"),
                lambda unit: oncall.acknowledge_bundle(
                    unit, page_id, UUID(bundle), channel="link"
                ),
            )

    async def _person_id(self, name: str) -> PersonId:
        query = "SELECT uid FROM kernel.resources WHERE kind = 'Person' AND name = %(name)s"
        found: PersonId = await self._asked.one(query, name=name)
        return found

    async def resolve_incident(self, incident_id: str) -> None:
        """Somebody calls it over, whether it is or not."""
        if not incident_id:
            return
        who = actor("token", "desk", Role.MANAGER)
        wanted = IncidentId(UUID(incident_id))
        await self._day.on_any(
            lambda node: node.app.units.run(who, lambda unit: command.resolve(unit, wanted))
        )

    async def resolve_something(self) -> None:
        """The desk looks at the oldest incident and closes it."""
        found = await self._asked.rows(
            "SELECT id::text FROM command.incidents WHERE resolved_at IS NULL ORDER BY number"
        )
        if found:
            await self.resolve_incident(found[0][0])

    async def every_alert_is_there(self) -> None:
        """Whatever got its 2xx was folded in once, and what did not at most as often as tried."""
        seen = {
            _identity(labels): count
            for labels, count in await self._asked.rows(
                """
                SELECT labels, seen_count
                  FROM triage.alerts
                 WHERE integration NOT IN ('tocsin', 'heartbeats')
                """
            )
        }
        for labels in self.accepted.keys() | self.unsure.keys() | seen.keys():
            least = self.accepted[labels]
            most = least + self.unsure[labels]
            if not least <= seen.get(labels, 0) <= most:
                raise BrokenPromise(
                    f"I1 accepted {least} to {most} times, sorted {seen.get(labels)}: {labels}"
                )
        aside, told = (
            await self._asked.rows(
                """
                SELECT (SELECT count(*) FROM signals.unsortable),
                       (SELECT coalesce(sum(seen_count), 0) FROM triage.alerts
                         WHERE labels ->> 'alertname' = 'TocsinSignalUnsortable')
                """
            )
        )[0]
        if not self.unreadable <= aside <= self.unreadable + self.unreadable_unsure:
            raise BrokenPromise(f"I1 unreadable signals: {self.unreadable} taken, {aside} kept")
        if told != aside:
            raise BrokenPromise(f"I8 unreadable signals: {aside} kept, {told} told of")
