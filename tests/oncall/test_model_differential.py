"""The same random life of one page in the executable model and in the real engine on PostgreSQL.

The model decides in its own plain words over tiny tables; the engine is the application with its
actions, its worker and its rows. Who was tried by what, when and how it ended must be the same,
and how the page stands after each thing that somebody does.
"""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml
from msgspec import Struct
from page_model import Model
from page_tables import Org, Row

from fakes.world import NOON, World, running
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.ids import IncidentId, PageId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import actions as oncall
from tocsin.oncall import store
from tocsin.oncall.core.config import ASKED_TIMEOUT_S
from tocsin.oncall.model import Brief
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent, TransientFailure

pytestmark = pytest.mark.db

NAMES = ("ana", "ben", "cy", "boss")
BRIEF = Brief(number=1, title="It is down", summary="", labels={})
LIVES = 6
VERBS = (
    "ack", "ack", "resolve", "escalate", "snooze", "hand back", "retrigger", "reassign", "raise",
    "nothing",
)  # fmt: skip
RECEIPT_S = 61  # odd, so that little else happens at the instants at which receipts are missed
FRIDAY = {"weekdays": ["fri"], "to": "23:00", "timezone": "UTC"}
Tried = tuple[int, str, int, str]


class Act(Struct, frozen=True):
    """What somebody does, and when."""

    at: int
    verb: str
    until: int = 0
    to: str = ""


def draw(rng: random.Random) -> tuple[Org, list[Act], float]:
    """Draw an organisation, what is done in it, and how often providers fail."""
    names = [rng.sample(NAMES[:3], rng.randrange(3)) for _ in range(rng.randrange(1, 4))]
    org = Org(
        steps=[(one, rng.choice((60, 300))) for one in names if one] or [(["ana"], 60)],
        methods={name: rng.randrange(4) for name in NAMES},
        repeat=rng.randrange(3),
        catch_all=tuple(rng.sample(NAMES, rng.randrange(2))),
        catch_every=rng.choice((120, 600)),
        ack_timeout=rng.choice((0, 1200)),
        turns=frozenset(at for at in range(3) if rng.random() < 0.4),
        urgent=frozenset(at for at in range(3) if rng.random() < 0.3),
        low=rng.random() < 0.5,
        opens_at=rng.choice((0, 20 * 60, 75 * 60)),
        assigned_s=ASKED_TIMEOUT_S,
    )
    instants = sorted(rng.sample(range(30, 5400, 7), 10))
    there = [name for name in NAMES if org.methods[name]]
    acts = [
        Act(at, rng.choice(VERBS), at + rng.choice((90, 1800)), rng.choice(there or [""]))
        for at in instants
    ]
    return org, acts, rng.choice((0.0, 0.4, 1.0))


def ends(seed: int, p_fail: float, user: str, method: int, nth: int) -> str:
    """Say how the n-th attempt to reach somebody by a method ends, whoever makes it."""
    luck = random.Random(f"{seed}/{user}/{method}/{nth}")
    if luck.random() < p_fail:
        return luck.choice(("transient", "permanent"))
    return luck.choice(
        ("sent", "sent", "silent")
    )  # that one promises a receipt, and sends none


class ModelLife:
    """The model, event by event: all that is due at an instant is done before time goes on."""

    def __init__(self, org: Org, seed: int, p_fail: float) -> None:
        self.model = Model(org)
        self.seed, self.p_fail = seed, p_fail
        self.tried: list[Tried] = []
        self.counts: dict[tuple[str, int], int] = {}
        self.missed: list[tuple[int, Row]] = []
        self.now = 0

    def settle(self) -> None:
        while True:
            if missed := [one for one in self.missed if one[0] <= self.now]:
                self.missed.remove(missed[0])
                if missed[0][1].state == "sent":
                    self.model.on_end(missed[0][1], "unconfirmed", self.now)
            elif due := self.model.due(self.now):
                self.model.fire(min(due, key=lambda one: one.due), self.now)
            elif rows := self.model.claimable(self.now):
                row = min(rows, key=lambda one: one.key)
                if self.model.claim(row, self.now):
                    who = (row.user, row.method)
                    self.counts[who] = self.counts.get(who, 0) + 1
                    outcome = ends(self.seed, self.p_fail, *who, self.counts[who])
                    self.tried.append((self.now, *who, outcome))
                    is_silent = outcome == "silent"
                    self.model.on_end(row, "sent" if is_silent else outcome, self.now)
                    self.missed += [(self.now + RECEIPT_S, row)] if is_silent else []
            else:
                return

    def forward(self, end: int) -> None:
        while True:
            self.settle()
            ahead = [t.due for t in self.model.timers if not t.done]
            ahead += [r.not_before for r in self.model.rows if r.state == "queued"]
            ahead += [at for at, _ in self.missed]
            coming = [at for at in ahead if self.now < at <= end]
            if not coming:
                break
            self.now = min(coming)
        self.now = end
        self.settle()

    def do(self, act: Act) -> None:
        match act.verb:
            case "ack":
                self.model.ack("ana", self.now)
            case "resolve":
                self.model.resolve(self.now)
            case "escalate":
                self.model.escalate("ana", self.now)
            case "snooze":
                self.model.snooze("ana", act.until, self.now)
            case "hand back":
                self.model.hand_back("ana", self.now)
            case "retrigger" if self.model.state == "resolved":
                self.model.retrigger(self.now)
            case "reassign" if act.to:
                self.model.reassign(act.to, self.now)
            case "raise":
                self.model.make_urgent(self.now)


def documents(org: Org) -> str:
    """Write the organisation down as people do."""

    def target(name: str) -> dict[str, str]:
        return {"person": name}

    people = [
        {
            "apiVersion": "tocsin/v1", "kind": "Person", "metadata": {"name": name},
            "spec": {
                "displayName": name,
                "contact": [
                    {"type": "ntfy", "topic": f"https://ntfy.example.org/{name}-{n}"}
                    for n in range(count)
                ],
            },
        }
        for name, count in org.methods.items()
    ]  # fmt: skip
    policy = {
        "apiVersion": "tocsin/v1", "kind": "EscalationPolicy", "metadata": {"name": "default"},
        "spec": {
            "steps": [
                {
                    "targets": [target(name) for name in one.names],
                    "timeout": f"{one.timeout}s",
                    **({"mode": "round-robin"} if one.turns else {}),
                    **({"urgency": "high"} if one.urgent else {}),
                }
                for one in org.rungs()
            ],
            "supportHours": [FRIDAY | {"from": f"{NOON + timedelta(seconds=org.opens_at):%H:%M}"}],
            "repeat": org.repeat,
            "catchAll": [target(one) for one in org.catch_all],
            "catchAllEvery": f"{org.catch_every}s",
            "ackTimeout": f"{org.ack_timeout}s",
        },
    }  # fmt: skip
    return yaml.safe_dump_all([*people, policy])


class EngineLife:
    """The application; its one channel fails as the model's providers do."""

    def __init__(self, world: World, seed: int, p_fail: float) -> None:
        self.world = world
        self.tried: list[Tried] = []
        self.counts: dict[tuple[str, int], int] = {}
        self.incident_id = IncidentId(uuid7())
        self.actor = Actor(kind="token", id=uuid7(), name="bot", role=Role.ADMIN)

        def judge(message: Outgoing) -> Outcome:
            if message.event != "page":
                return Sent("ok")
            user, _, n = message.to.rpartition("/")[2].rpartition("-")
            who = (user, int(n))
            self.counts[who] = self.counts.get(who, 0) + 1
            outcome = ends(seed, p_fail, *who, self.counts[who])
            now = int((world.clock.now() - NOON).total_seconds())
            self.tried.append((now, *who, outcome))
            outcomes: dict[str, Outcome] = {
                "sent": Sent("ok"),
                "silent": Sent("ok", receipt_within_s=RECEIPT_S),
                "transient": TransientFailure("451"),
                "permanent": PermanentFailure("550"),
            }
            return outcomes[outcome]

        world.mail.judge = judge

    async def run(self, act: Callable[[Unit], Awaitable[Any]], actor: Actor) -> Any:
        found = await self.world.app.units.run(actor, act)
        await self.world.settle()
        return found

    async def open(self, urgency: Urgency) -> None:
        await self.run(
            lambda u: oncall.call(
                u, self.incident_id, "default", BRIEF, urgency=urgency
            ), SYSTEM,
        )  # fmt: skip

    async def head(self) -> tuple[Any, ...]:
        [row] = await self.world.rows(
            "SELECT state, epoch, loop, step, catch, retriggers, unpageable, urgency = 'high'"
            "  FROM oncall.pages"
        )
        return row

    async def do(self, act: Act, page_id: PageId) -> None:
        until = NOON + timedelta(seconds=act.until)
        match act.verb:
            case "ack":
                await self.run(
                    lambda u: oncall.acknowledge(u, page_id, channel="API"), self.actor
                )
            case "resolve":
                await self.run(lambda u: oncall.resolve_pages(u, self.incident_id), SYSTEM)
            case "escalate" if (await self.head())[0] in ("triggered", "escalating"):
                await self.run(lambda u: oncall.escalate(u, self.incident_id), self.actor)
            case "snooze" if (await self.head())[0] != "resolved":
                await self.run(
                    lambda u: oncall.snooze(u, page_id, until=until, channel="API"), self.actor
                )
            case "hand back" if (await self.head())[0] in ("acknowledged", "snoozed"):
                await self.run(lambda u: oncall.hand_back(u, page_id), self.actor)
            case "retrigger" if (await self.head())[0] == "resolved":
                await self.open(Urgency.HIGH if (await self.head())[-1] else Urgency.LOW)
            case "reassign" if act.to and (await self.head())[0] != "resolved":
                to = oncall.Assignee(person=act.to)
                await self.run(lambda u: oncall.reassign(u, page_id, to), self.actor)
            case "raise" if (await self.head())[0] != "resolved":
                await self.open(Urgency.HIGH)


def by_instant(tried: list[Tried]) -> list[Tried]:
    """Order what happened at one instant, where either order is right."""
    return sorted(tried)


@pytest.mark.parametrize("seed", range(LIVES))
async def test_the_engine_lives_as_the_model_does(dsn: str, seed: int) -> None:
    org, acts, p_fail = draw(random.Random(seed))
    model = ModelLife(org, seed, p_fail)
    async with running(dsn) as world:
        await world.apply(documents(org))
        engine = EngineLife(world, seed, p_fail)
        await engine.open(Urgency.LOW if org.low else Urgency.HIGH)
        model.model.on_trigger(0)
        model.settle()
        [(page_id,)] = await world.rows("SELECT id FROM oncall.pages")
        for act in [*acts, Act(7200, "nothing")]:
            await world.forward(seconds=act.at - model.now)
            model.forward(act.at)
            if act.verb == "escalate" and not model.model.is_open():
                continue
            await engine.do(act, PageId(page_id))
            model.do(act)
            model.settle()
            state = f"seed {seed}, after {act}"
            assert await engine.head() == model.model.head(), state
            assert by_instant(engine.tried) == by_instant(model.tried), state
        async with world.app.db.connection() as conn:
            page = (await store.unresolved_pages(conn))[:1]
        assert [one.unpageable for one in page] in ([], [model.model.unpageable])
