"""What the sentinel decides after each look at a Tocsin; pure, so its nights can be tested."""

import math
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tocsin.oncall.ports import Outgoing

LAG_METRIC = "tocsin_due_timer_lag_seconds"
RECOVERED_AFTER = 2  # good looks in a row; one could be luck while a server is flapping


class Limits(Struct, frozen=True, kw_only=True):
    """When to speak: after how many failed looks, above which lag, how often again."""

    after: int = 3
    lag_s: float = 60.0
    repeat_s: float = 600.0


class Observation(Struct, frozen=True, kw_only=True):
    """One look from outside. `lag_s` is None where the metric could not be read."""

    ready: bool
    lag_s: float | None
    detail: str = ""


class Watch(Struct, frozen=True, kw_only=True):
    """What the sentinel remembers between two looks."""

    failures: int = 0
    successes: int = 0
    failing_since: datetime | None = None
    paged_at: datetime | None = None


class Alarm(Struct, frozen=True, kw_only=True):
    """Tell every contact that Tocsin cannot be relied on, and since when."""

    reason: str
    since: datetime
    at: datetime
    repeated: bool


class AllClear(Struct, frozen=True):
    """Tell every contact that it works again."""

    since: datetime
    at: datetime


Action = Alarm | AllClear


def watch(
    state: Watch, observation: Observation, now: datetime, limits: Limits
) -> tuple[Watch, tuple[Action, ...]]:
    """Say what to remember and whom to tell after one look.

    Alarm after `limits.after` failures in a row, or at once when timers are overdue by more
    than the limit: whoever waits for those has waited long enough.
    """
    reason = trouble(observation, limits)
    if reason is None:
        return _well(state, now)
    since = state.failing_since or now
    failing = replace(state, failures=state.failures + 1, successes=0, failing_since=since)
    repeated = state.paged_at is not None
    alarm = Alarm(reason=reason, since=since, at=now, repeated=repeated)
    if state.paged_at is None:
        if failing.failures < limits.after and not observation.ready:
            return failing, ()
        return replace(failing, paged_at=now), (alarm,)
    if now - state.paged_at < timedelta(seconds=limits.repeat_s):
        return failing, ()
    return replace(failing, paged_at=now), (alarm,)


def trouble(observation: Observation, limits: Limits) -> str | None:
    """Name what is wrong, or return None: an unreadable lag alone is not an outage."""
    if not observation.ready:
        return observation.detail or "not ready"
    if observation.lag_s is not None and observation.lag_s > limits.lag_s:
        return f"timers are {observation.lag_s:.0f} s late"
    return None


def _well(state: Watch, now: datetime) -> tuple[Watch, tuple[Action, ...]]:
    if state.paged_at is None or state.failing_since is None:
        return Watch(), ()
    successes = state.successes + 1
    if successes < RECOVERED_AFTER:
        return replace(state, successes=successes, failures=0), ()
    return Watch(), (AllClear(state.failing_since, now),)


def overdue_s(metrics: str) -> float | None:
    """Read the largest timer lag from Prometheus text, or None where it is not named."""
    values = []
    for line in metrics.splitlines():
        name, _, rest = line.partition("{") if "{" in line else line.partition(" ")
        if name == LAG_METRIC:
            try:
                values.append(float(rest.rpartition("}")[2].split()[0]))
            except (ValueError, IndexError):
                continue
    return max((value for value in values if not math.isnan(value)), default=None)


def compose(action: Action, *, url: str) -> Outgoing:
    """Write the message of an action; `to` is filled in per contact.

    All messages of one outage are one thread, and each has a key of its own.
    """
    if isinstance(action, Alarm):
        again = " (still)" if action.repeated else ""
        subject = f"Tocsin is not working{again}: {action.reason}"
        text = f"{url}: {action.reason}, since {action.since:%Y-%m-%d %H:%M:%S} UTC."
        text += "\nUntil this is repaired, pages may be late or missing."
    else:
        minutes = (action.at - action.since).total_seconds() / 60
        subject = "Tocsin works again"
        text = f"{url} is well again after {minutes:.1f} minutes."
    kind = type(action).__name__.lower()
    thread = f"sentinel:{url}:{action.since.isoformat()}"
    return Outgoing(
        to="",
        subject=subject,
        text=text + "\n\nSent by tocsin sentinel.\n",
        key=f"{thread}:{kind}:{action.at.isoformat()}",
        thread=thread,
        event=f"sentinel.{kind}",
        link=url,
    )
