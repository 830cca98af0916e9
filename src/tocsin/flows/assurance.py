"""Will this page someone? Routes, policies, schedules and contact methods, put together and proven."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tocsin.flows.paths import paths_of
from tocsin.flows.planning import PROVEN, carried
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.jobs import Job
from tocsin.kernel.resources import Store
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import actions, reads
from tocsin.oncall.core.assurance import (
    Assurance,
    Drafted,
    Line,
    Outcome,
    Path,
    Simulated,
    lasts_s,
    prove,
    simulate,
)
from tocsin.oncall.core.assurance.stands import States
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Policy
from tocsin.triage.model import Routing

DAYS = PROVEN.days
DAYS_MAX = 90
NIGHT = timedelta(hours=2)
"""When the check runs, after midnight in UTC."""
KINDS = frozenset(
    {"ContactDefaults", "EscalationPolicy", "Person", "Route", "Schedule", "Team"}
)
_KEY = "assurance.nightly"
_ORDER = (Outcome.LOST, Outcome.LATE, Outcome.PROVEN, Outcome.SILENT)


class CheckPaths(Job, frozen=True, tag="oncall.check_paths"):
    """Check all paths of alerts, and come back the next night."""


class Stretch(Struct, frozen=True, kw_only=True):
    """One configuration, and from when on it decides."""

    start_at: datetime
    directory: Directory
    routing: Routing
    paths: tuple[Path, ...]


class Assurances:
    """Checks paths of alerts; what is scheduled to come into force decides from its instant on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(
        self, unit: Unit, days: int = DAYS, names: Collection[str] = ()
    ) -> Assurance:
        """Look at every alert of the next `days`; `names` are of routes and policies, none: all.

        Raises Invalid for more than DAYS_MAX days, NotFound for a name that is neither.
        """
        unit.require("oncall:read")
        if not 0 < days <= DAYS_MAX:
            raise Invalid(f"ask for 1 to {DAYS_MAX} days", field="days")
        end = unit.now + timedelta(days=days)
        stretches = await self._stretches(unit, end)
        _require_known(names, stretches)
        states = await reads.contact_states(unit)
        # away from the loop: pages go on while a large configuration is looked at
        return await asyncio.to_thread(_proven, stretches, states, unit.now, end, names)

    async def simulate(
        self, unit: Unit, name: str, at: datetime, urgency: Urgency = Urgency.HIGH
    ) -> tuple[Simulated, Directory]:
        """Say whom a policy would call when for an alert at `at`. Raises NotFound, Invalid.

        The present configuration answers: `at` is within AROUND before now, and DAYS_MAX after.
        """
        unit.require("oncall:read")
        if at > unit.now + timedelta(days=DAYS_MAX):
            raise Invalid(f"look {DAYS_MAX} days ahead at most", field="at")
        if at < unit.now - reads.AROUND:
            raise Invalid(
                f"look {reads.AROUND.days} days back at most; `tocsin page why` tells who was"
                " paged",
                field="at",
            )
        stretches = await self._stretches(unit, max(at, unit.now) + timedelta(seconds=1))
        stretch = _in_force(stretches, max(at, unit.now))
        policy = stretch.directory.policies.get(name)
        if policy is None:
            raise NotFound(f"no policy {name}; `tocsin policy list` shows what there is")
        states = await reads.contact_states(unit)
        found = await asyncio.to_thread(
            simulate, policy, stretch.directory, states, at, urgency
        )
        return found, stretch.directory

    async def draft(
        self, unit: Unit, policy: Policy, at: datetime, urgency: Urgency = Urgency.HIGH
    ) -> Drafted:
        """Say what a policy that nobody has saved would do, for an alert at `at` and for DAYS.

        Its paths are those of the routes that would call by it, else somebody by hand. Raises
        Invalid.
        """
        unit.require("oncall:read")
        if at > unit.now + timedelta(days=DAYS_MAX):
            raise Invalid(f"look {DAYS_MAX} days ahead at most", field="at")
        end = unit.now + timedelta(days=DAYS)
        found = await self._stretches(unit, max(at + timedelta(seconds=1), end))
        meant = [_meant(one, policy) for one in found]
        states = await reads.contact_states(unit)
        directory = _in_force(meant, max(at, unit.now)).directory
        page = await asyncio.to_thread(simulate, policy, directory, states, at, urgency)
        near = [one for one in meant if one.start_at < end]
        checked = await asyncio.to_thread(_proven, near, states, unit.now, end, ())
        return Drafted(page=page, checked=checked, directory=directory)

    async def keep_nightly(self, unit: Unit) -> None:
        """See that the check waits for the next night; it waits once, whoever asks for it."""
        unit.defer(CheckPaths(), at=next_night(unit.now), key=_KEY)

    async def check_nightly(self, unit: Unit, _job: CheckPaths) -> None:
        """Check all paths, keep what was found, and say what is new in it."""
        await actions.keep_assurance(unit, await self.check(unit))
        await self.keep_nightly(unit)

    async def _stretches(self, unit: Unit, end: datetime) -> list[Stretch]:
        now = unit.config(Directory)
        until = end + timedelta(seconds=lasts_s(now))
        directory = await reads.directory(unit, unit.now, until)
        found = [_stretch(unit.now, directory, unit.config(Routing))]
        for at, snapshot in await self._store.ahead(unit, end, KINDS):
            directory = carried(directory, snapshot.part(Directory), at, exact=True)
            found.append(_stretch(at, directory, snapshot.part(Routing)))
        return found


def _in_force(stretches: Sequence[Stretch], at: datetime) -> Stretch:
    return [one for one in stretches if one.start_at <= at][-1]


def _meant(stretch: Stretch, policy: Policy) -> Stretch:
    """Put a policy into a configuration, and leave the paths that take it."""
    known = stretch.directory
    directory = replace(known, policies={**known.policies, policy.name: policy})
    routing = paths_of(stretch.routing, directory)
    taken = {one.urgency for one in routing if one.policy == policy.name} or {Urgency.HIGH}
    paths = tuple(Path(route="", policy=policy.name, urgency=one) for one in sorted(taken))
    return replace(stretch, directory=directory, paths=paths)


def next_night(now: datetime) -> datetime:
    """Return when the check runs next."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tonight = midnight + NIGHT
    return tonight if tonight > now else tonight + timedelta(days=1)


def _stretch(at: datetime, directory: Directory, routing: Routing) -> Stretch:
    paths = paths_of(routing, directory)
    return Stretch(start_at=at, directory=directory, routing=routing, paths=paths)


def _require_known(names: Collection[str], stretches: Sequence[Stretch]) -> None:
    known = {
        name for one in stretches for path in one.paths for name in (path.route, path.policy)
    }
    for name in names:
        if name not in known:
            raise NotFound(f"no policy and no route is named {name!r}; `tocsin policy list`")


def _proven(
    stretches: Sequence[Stretch],
    states: States,
    start: datetime,
    end: datetime,
    names: Collection[str],
) -> Assurance:
    found: dict[tuple[str, str | None], Line] = {}
    untils = [*(one.start_at for one in stretches[1:]), end]
    for stretch, until in zip(stretches, untils, strict=True):
        paths = [
            one
            for one in stretch.paths
            if not names or one.route in names or one.policy in names
        ]
        for line in prove(paths, stretch.directory, states, stretch.start_at, until):
            key = (line.path.route, "" if line.path.route else line.path.policy)
            found[key] = _both(found[key], line) if key in found else line
    return Assurance(start_at=start, end_at=end, lines=tuple(_sorted(found.values())))


def _both(one: Line, other: Line) -> Line:
    """Put two stretches of a path together; the worse of them counts."""
    worst = [each.worst_s for each in (one, other) if each.worst_s is not None]
    return replace(
        other,
        outcome=min(one.outcome, other.outcome, key=_ORDER.index),
        worst_s=max(worst, default=None),
        holes=one.holes + other.holes,
        more=one.more + other.more,
    )


def _sorted(lines: Collection[Line]) -> Iterator[Line]:
    """Put what is lost first; else as routes are asked."""
    for outcome in _ORDER:
        yield from (one for one in lines if one.outcome is outcome)
