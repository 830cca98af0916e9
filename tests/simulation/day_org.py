"""A random organisation, and how it changes in the course of a day."""

from copy import deepcopy
from datetime import datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from tocsin.kernel.durations import seconds
from tocsin.kernel.resources import Document, Metadata

LAG = timedelta(seconds=30)  # far more than the five between two looks
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
NAMES = ("ana", "ben", "cleo", "dan", "eva")
TIMEOUTS = ("30s", "1m", "2m", "5m", "15m")
SERVICES = ("checkout", "search", "billing", "login", "mail", "maps")


class Revision(Struct):
    """The organisation as it was applied; `methods` is 0 for whoever is away."""

    since: datetime
    methods: dict[str, int]
    rotations: dict[str, Any]
    policies: dict[str, Any]
    applied_at: datetime | None = None  # None: whoever applied it got no answer


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
        self.revisions: list[Revision] = []

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
        self.revisions.append(
            Revision(now, methods, deepcopy(self.rotations), deepcopy(self.policies))
        )
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

    def applied(self, now: datetime) -> None:
        """Note that the newest revision has been taken."""
        self.revisions[-1].applied_at = now

    def revisions_at(self, at: datetime) -> list[Revision]:
        """Return by which revisions a process may have worked at `at`; it may be seconds behind."""
        known = [one for one in self.revisions if one.since <= at]
        settled = [
            n
            for n, one in enumerate(known)
            if one.applied_at is not None and one.applied_at + LAG <= at
        ]
        return known[settled[-1] if settled else 0 :]

    def least_methods(self, name: str, at: datetime) -> int:
        """Return how many methods `name` had at the least around `at`."""
        return min((one.methods[name] for one in self.revisions_at(at)), default=0)


def _document(kind: str, name: str, spec: dict[str, Any]) -> Document:
    return Document(
        api_version="tocsin/v1", kind=kind, metadata=Metadata(name), spec=dict(spec)
    )
