"""A random organisation, and how it changes in the course of a day."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from tocsin.kernel.durations import seconds
from tocsin.kernel.resources import Document, Metadata

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
NAMES = ("ana", "ben", "cleo", "dan", "eva")
TIMEOUTS = ("30s", "1m", "2m", "5m", "15m")
SERVICES = ("checkout", "search", "billing", "login", "mail", "maps")


class Reachable(Struct, frozen=True):
    """How many methods each person had from an instant on."""

    since: datetime
    methods: dict[str, int]


class Org:
    """People, schedules, policies and routes, as documents to apply."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.methods = {name: rng.choice((0, 1, 2, 2, 3)) for name in NAMES}
        self.methods["ana"] = max(1, self.methods["ana"])
        self.active = dict.fromkeys(NAMES, True)
        self.rotations = {name: self._rotation() for name in ("primary", "nights")}
        self.policies = {name: self._policy() for name in ("default", "database")}
        self.routes: dict[str, dict[str, Any]] = {
            "search": {
                "match": {"service": "search"},
                "groupBy": ["service", "alertname"],
                "groupWait": rng.choice(("0s", "30s", "2m")),
                "policy": "database",
            },
            "billing": {"match": {"service": "billing"}, "urgency": "high"},
        }
        self.bound_s: dict[str, int] = {}
        self.catch_every_s: dict[str, int] = {}
        self.reachable: list[Reachable] = []

    def _rotation(self) -> dict[str, Any]:
        rng = self._rng
        return {
            "timezone": rng.choice(ZONES),
            "rotation": {
                "start": f"2026-01-0{rng.randrange(1, 8)}T{rng.choice(('09:00', '02:30', '00:00'))}",
                "every": rng.choice(("day", "week")),
                "people": rng.sample(NAMES, rng.randrange(1, 4)),
            },
        }

    def _policy(self) -> dict[str, Any]:
        rng = self._rng
        return {
            "steps": [self._step() for _ in range(rng.randrange(1, 4))],
            "repeat": rng.choice((0, 0, 1, 2)),
            "catchAll": [{"person": rng.choice(NAMES)}] if rng.random() < 0.75 else [],
            "catchAllEvery": rng.choice(("5m", "10m", "20m")),
            "ackTimeout": rng.choice(("0s", "20m", "30m", "2h")),
        }

    def _step(self) -> dict[str, Any]:
        rng = self._rng
        targets: list[dict[str, str]] = [
            {"schedule": rng.choice(tuple(self.rotations))}
            if rng.random() < 0.5
            else {"person": rng.choice(NAMES)}
            for _ in range(rng.choice((1, 1, 2)))
        ]
        return {"targets": targets, "timeout": rng.choice(TIMEOUTS)}

    def change(self) -> str:
        """Change one thing, and say what."""
        rng, name = self._rng, self._rng.choice(NAMES)
        policy = self.policies[rng.choice(tuple(self.policies))]
        match rng.randrange(7):
            case 0:
                self.active[name] = not self.active[name]
                return f"{name} active={self.active[name]}"
            case 1 | 2:
                self.methods[name] = rng.randrange(4)
                return f"{name} has {self.methods[name]} methods"
            case 3:
                policy["steps"] = [self._step() for _ in range(rng.randrange(1, 4))]
                return "other steps"
            case 4:
                policy["repeat"] = rng.randrange(3)
                return "other repeat"
            case 5:
                policy["catchAll"] = [{"person": name}] if rng.random() < 0.7 else []
                return "other catch-all"
            case _:
                rotation = self.rotations[rng.choice(tuple(self.rotations))]["rotation"]
                rotation["people"] = rng.sample(NAMES, rng.randrange(1, 4))
                return "other rotation"

    def documents(self, now: datetime) -> list[Document]:
        """Write everything down, and remember what a promise may count on from `now` on."""
        methods = {n: self.methods[n] if self.active[n] else 0 for n in NAMES}
        self.reachable.append(Reachable(now, methods))
        for name, policy in self.policies.items():
            rounds = sum(seconds(s["timeout"], field="timeout") for s in policy["steps"])
            bound_s = rounds * (policy["repeat"] + 1)
            self.bound_s[name] = max(bound_s, self.bound_s.get(name, 0))
            every_s = seconds(policy["catchAllEvery"], field="every")
            self.catch_every_s[name] = max(every_s, self.catch_every_s.get(name, 0))
        return [
            *(_document("Person", name, self._person(name)) for name in NAMES),
            *(_document("Schedule", name, spec) for name, spec in self.rotations.items()),
            *(_document("EscalationPolicy", name, s) for name, s in self.policies.items()),
            *(_document("Route", name, spec) for name, spec in self.routes.items()),
        ]

    def _person(self, name: str) -> dict[str, Any]:
        contact = [
            {"type": "email", "address": f"{name}{n}@example.org"}
            if n % 2 == 0
            else {"type": "webhook", "url": f"https://hooks.example.org/{name}/{n}"}
            for n in range(self.methods[name])
        ]
        return {"displayName": name.title(), "contact": contact, "active": self.active[name]}

    def least_methods(self, name: str, at: datetime) -> int:
        """Return how many methods `name` had at the least around `at`.

        A process may work by a revision that is some seconds old.
        """
        known = [one for one in self.reachable if one.since <= at]
        recent = [one for one in known if one.since > at - timedelta(seconds=30)]
        before = known[: len(known) - len(recent)][-1:]
        return min((one.methods[name] for one in (*before, *recent)), default=0)


def _document(kind: str, name: str, spec: dict[str, Any]) -> Document:
    return Document(
        api_version="tocsin/v1", kind=kind, metadata=Metadata(name), spec=dict(spec)
    )
