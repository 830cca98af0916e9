"""A random organisation, and how it changes in the course of a day."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
from day_turns import Turns, edited
from msgspec import Struct

from tocsin.kernel.durations import seconds
from tocsin.kernel.resources import Document, Metadata
from tocsin.oncall.core.config import ASKED_TIMEOUT_S

LAG = timedelta(seconds=30)  # far more than the five between two looks
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
NAMES = ("ana", "ben", "cleo", "dan", "eva")
TIMEOUTS = ("30s", "1m", "2m", "5m", "15m")
ROUND_ROBIN = "round-robin"
SERVICES = ("checkout", "search", "billing", "login", "mail", "maps")

CONTACTS: tuple[Callable[[str, int], dict[str, Any]], ...] = (
    lambda name, n: {
        "type": "email", "address": f"{name}{n}@example.org", "name": f"mail{n}",
    },
    lambda name, n: {
        "type": "webhook", "url": f"https://hooks.example.org/{name}/{n}", "name": f"hook{n}",
    },
    lambda name, n: {
        "type": "ntfy", "topic": f"https://ntfy.example.org/{name}{n}", "name": f"phone{n}",
    },
)  # fmt: skip


class Revision(Struct):
    """The organisation as it was applied; `methods` is 0 for whoever is away."""

    since: datetime
    methods: dict[str, int]
    rotations: dict[str, Any]
    policies: dict[str, Any]
    turns: dict[
        str, list[Turns]
    ]  # how edits may have moved the turns: by what was taken before
    applied_at: datetime | None = None  # None: whoever applied it got no answer


class Org:
    """People, schedules, policies and routes, as documents to apply."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.methods = {name: rng.choice((0, 1, 2, 2, 3)) for name in NAMES}
        self.methods["ana"] = max(1, self.methods["ana"])
        self.active = dict.fromkeys(NAMES, True)
        self.rotations = {name: self._rotation() for name in ("primary", "nights")}
        self.policies = {name: self._policy() for name in ("default", "database", "office")}
        begin = rng.randrange(5, 11)
        self.policies["office"]["supportHours"] = [
            {"from": f"{begin:02}:00", "to": f"{begin + 11}:30", "timezone": rng.choice(ZONES)}
        ]
        self.routes: dict[str, dict[str, Any]] = {
            "search": {
                "match": {"service": "search"},
                "groupBy": ["service", "alertname"],
                "groupWait": rng.choice(("0s", "30s", "2m")),
                "policy": "database",
            },
            "billing": {
                "match": {"service": "billing"},
                "urgency": "high",
                "repeatInterval": rng.choice(("0", "20m", "2h")),
            },
            "maps": {
                "match": {"service": "maps"},
                "order": 5,
                "urgency": "low",
                "policy": "office",
            },
            "mail": {"match": {"service": "mail"}, "order": 10, "continue": True},
            "slow": {"match": {"alertname": "Slow"}, "order": 20, "policy": "database"},
        }
        self.removed: set[str] = set()  # people and policies that are not there just now
        self.ever_removed: set[str] = set()
        self.bound_s: dict[str, int] = {}
        self._rounds: dict[str, tuple[int, int]] = {}
        self.catch_every_s: dict[str, int] = {}
        self.revisions: list[Revision] = []
        self.heartbeats: dict[str, dict[str, Any]] = {}
        self.is_pruned = False  # something is gone that no name in `removed` says

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
        step: dict[str, Any] = {"targets": targets, "timeout": rng.choice(TIMEOUTS)}
        if len(targets) > 1 and rng.random() < 0.5:
            step["mode"] = ROUND_ROBIN
        return step

    def change(self) -> str:  # noqa: PLR0911 - one a change
        """Change one thing, and say what."""
        rng, name = self._rng, self._rng.choice(NAMES)
        policy = self.policies[rng.choice(tuple(self.policies))]
        match rng.randrange(9):
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
            case 6 | 7:
                return self._remove_or_restore(rng.choice(("eva", "database")))
            case _:
                rotation = self.rotations[rng.choice(tuple(self.rotations))]["rotation"]
                rotation["people"] = rng.sample(NAMES, rng.randrange(1, 4))
                return "other rotation"

    def _remove_or_restore(self, name: str) -> str:
        """Take a person or a policy away, with all that points there, or give it back."""
        if name in self.removed:
            self.removed.discard(name)
            return f"{name} is back"
        self.removed.add(name)
        self.ever_removed.add(name)
        return f"{name} is gone"

    def later(self, at: datetime) -> tuple[Document, Callable[[], Awaitable[None]]]:
        """Return a policy that holds from `at` on, and what is to be called then."""
        policy = self._present(self._policy())
        self._bound("default", policy)

        async def come() -> None:
            last = self.revisions[-1]
            policies = {**last.policies, "default": policy}
            self.revisions.append(
                Revision(at, last.methods, last.rotations, policies, last.turns)
            )

        document = _document("EscalationPolicy", "default", policy)
        return msgspec.structs.replace(document, metadata=Metadata("default", at)), come

    def _present(self, found: Any) -> Any:
        """Return a spec without those who are gone; somebody always stands in."""
        if isinstance(found, dict):
            return {key: self._present(one) for key, one in found.items()}
        if isinstance(found, list):
            kept = [self._present(one) for one in found]
            return list(dict.fromkeys(kept)) if all(isinstance(k, str) for k in kept) else kept
        return "ana" if isinstance(found, str) and found in self.removed & {*NAMES} else found

    def _bound(self, name: str, policy: dict[str, Any]) -> None:
        """Remember the longest that a policy, and a page for one person, may take."""
        rounds = sum(seconds(s["timeout"], field="timeout") for s in policy["steps"])
        every_s = seconds(policy["catchAllEvery"], field="every")
        # a page goes on by the policy as it has become: at worst its longest round, most often
        longest, most = self._rounds.get(name, (rounds, policy["repeat"]))
        is_edited = (longest, most) != (rounds, policy["repeat"])
        longest, most = max(longest, rounds), max(most, policy["repeat"])
        self._rounds[name] = (longest, most)
        bounds = {name: longest * (most + 1 + is_edited)}
        if name == "default":
            bounds["asked"] = ASKED_TIMEOUT_S * (policy["repeat"] + 1)
        for one, bound_s in bounds.items():
            self.bound_s[one] = max(bound_s, self.bound_s.get(one, 0))
            self.catch_every_s[one] = max(every_s, self.catch_every_s.get(one, 0))

    def patience_s(self, name: str) -> tuple[int, int]:
        """Return the longest ladder and the longest catch-all of a policy, whatever it became."""
        names = {name, "default"} if name in self.ever_removed else {name}
        return sum(self.bound_s[n] for n in names), max(self.catch_every_s[n] for n in names)

    def documents(self, now: datetime) -> list[Document]:
        """Write everything down, and remember what a promise may count on from `now` on."""
        people = [n for n in NAMES if n not in self.removed]
        methods = {n: self.methods[n] if self.active[n] and n in people else 0 for n in NAMES}
        rotations = {n: self._present(one) for n, one in self.rotations.items()}
        policies = {
            n: self._present(one) for n, one in self.policies.items() if n not in self.removed
        }
        there = [n for n in people if self.active[n]]
        turns = {n: self._turns(n, one, now, there) for n, one in rotations.items()}
        self.revisions.append(
            Revision(now, methods, deepcopy(rotations), deepcopy(policies), turns)
        )
        for name, policy in policies.items():
            self._bound(name, policy)
        return [
            *(_document("Person", name, self._person(name)) for name in people),
            *(_document("Schedule", name, spec) for name, spec in rotations.items()),
            *(_document("EscalationPolicy", name, spec) for name, spec in policies.items()),
            *(
                _document("Route", name, self._route(spec))
                for name, spec in self.routes.items()
            ),
            *(_document("Heartbeat", name, spec) for name, spec in self.heartbeats.items()),
        ]

    def _turns(
        self, name: str, spec: dict[str, Any], now: datetime, there: list[str]
    ) -> list[Turns]:
        """Let a schedule go on from whichever revision may have been taken last."""
        taken = [n for n, one in enumerate(self.revisions) if one.applied_at is not None]
        last = self.revisions[taken[-1] if taken else 0 :]
        before: list[Turns | None] = [one for r in last for one in r.turns[name]]
        if not taken:
            before.append(None)
        return list(dict.fromkeys(edited(spec, one, now, there) for one in before))

    def _route(self, spec: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in spec.items() if k != "policy" or v not in self.removed}

    def _person(self, name: str) -> dict[str, Any]:
        name_at = NAMES.index(name)
        contact = [CONTACTS[(n + name_at) % 3](name, n) for n in range(self.methods[name])]
        found = {"displayName": name.title(), "contact": contact, "active": self.active[name]}
        if name == "ben":  # who wants to be told again a while later, whatever was heard
            names = [one["name"] for one in contact]
            found["notify"] = {
                "high": [{"by": by, "after": f"{2 * n}m"} for n, by in enumerate(names[:2])]
            }
        if name == "cleo":
            found["quietHours"] = [{"from": "22:00", "to": "07:00"}]
        return found

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
