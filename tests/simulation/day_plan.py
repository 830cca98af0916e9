"""What is going to happen on a day, drawn from its seed before it begins."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from random import Random

from day import Day
from day_org import SERVICES
from day_outside import Labels
from day_people import VERBS
from day_providers import forecast
from day_race import race

HOURS = 24.0


def plan(day: Day) -> None:
    """Fill the agenda."""
    rng = day.rng
    for _ in range(rng.randrange(13, 20)):
        _trouble(day, rng)
    for hours in (0.0, 0.0, *_times(rng, 3, 8)):
        kind, weather = forecast(rng)
        day.at(
            day.start + timedelta(hours=hours),
            f"weather: {kind} fails {weather.failing:.0%}, {weather.permanent:.0%} for ever",
            partial(day.change_weather, kind, weather),
        )
    for hours in _times(rng, 0, 4):
        day.at(day.start + timedelta(hours=hours), "config", day.outside.change_config)
    for hours in _times(rng, 0, 2):
        day.at(day.start + timedelta(hours=hours), "later", day.outside.schedule_config)
    for hours in _times(rng, 15, 40):
        verb, luck = rng.choice(VERBS), Random(rng.getrandbits(32))
        day.at(day.start + timedelta(hours=hours), verb, partial(day.people.say, verb, luck))
    for n in range(rng.randrange(2, 5)):
        _events(day, rng, n)
    for hours in _times(rng, 4, 12):
        day.at(day.start + timedelta(hours=hours), "race", partial(race, day))
    for hours in _times(rng, 3, 6):
        day.at(day.start + timedelta(hours=hours), "watchdog", day.watch)
    if rng.random() < 0.05 or (day.mutant is not None and day.mutant.storms):
        _storm(day, rng)
    for hours in _times(rng, 0, 2):
        day.at(day.start + timedelta(hours=hours), "unreadable", day.outside.post_unreadable)
    _jumps(day, rng)


def _times(rng: Random, least: int, most: int) -> Iterator[float]:
    for _ in range(rng.randrange(least, most + 1)):
        yield rng.uniform(0, HOURS)


def _jumps(day: Day, rng: Random) -> None:
    for hours in _times(rng, 0, 2):
        minutes = rng.choice((1, 10, 60))
        day.at(
            day.start + timedelta(hours=hours),
            f"jump: {minutes} min",
            partial(day.suspend, minutes=minutes),
        )
    if rng.random() < 0.2:
        day.at(
            day.start + timedelta(hours=rng.uniform(0, 16)),
            "suspended: 8 h",
            lambda: day.suspend(hours=8),
        )


def _trouble(day: Day, rng: Random) -> None:
    """Something goes wrong at a service: some alerts, of some manner, for some time."""
    at = day.start + timedelta(hours=rng.uniform(0, HOURS))
    alerts = _alerts(rng)
    fuse = rng.random() < 0.4
    if fuse:
        day.at(at, "fuse", day.light_a_fuse)
    manner = rng.choice(("steady", "steady", "flap", "silent", "long"))
    name = f"alert: {manner} {dict(alerts[0]).get('service')} x{len(alerts)}"

    def post(delay_s: float, ends_in_s: float | None, word: str) -> None:
        day.at(
            at + timedelta(seconds=delay_s),
            f"{name} {word}",
            lambda: day.outside.post(alerts, ends_in_s=ends_in_s),
        )

    match manner:
        case "steady":
            length_s = rng.uniform(60, 3600)
            for n in range(rng.randrange(1, 5)):
                post(length_s * n / 4, length_s, "fires")
            if rng.random() < 0.8:
                post(length_s, 0, "resolves")
        case "flap":
            delay_s = 0.0
            for _ in range(rng.randrange(2, 6)):
                post(delay_s, rng.choice((None, 900)), "fires")
                delay_s += rng.choice((0.0, 5.0, 40.0, 400.0))
                post(delay_s, 0, "resolves")
                delay_s += rng.choice((1.0, 60.0, 600.0, 1200.0))
        case "silent":
            post(0, None, "fires")
        case _:
            post(0, rng.uniform(3600, 4 * 3600), "fires")
            if rng.random() < 0.5:
                post(rng.uniform(600, 7200), 0, "resolves")
    if fuse or rng.random() < 0.5:
        day.at(at + timedelta(seconds=rng.uniform(0, 1200)), "fuse", day.light_a_fuse)


def _events(day: Day, rng: Random, number: int) -> None:
    """Something goes wrong that is told by PagerDuty's events, each perhaps more than once."""
    at = day.start + timedelta(hours=rng.uniform(0, HOURS))
    source = "web".ljust(rng.randrange(3, 9), "b") + f"-{number}"
    for _ in range(rng.randrange(1, 4)):
        for action in ("trigger", "trigger", "acknowledge", "resolve"):
            if rng.random() < (1.0 if action == "resolve" else 0.7):
                how = rng.choice(("critical", "error", "warning", "warning"))
                act = partial(day.outside.event, source, action, how)
                day.at(at, f"event: {action} {how} {source}", act)
            at += timedelta(seconds=rng.choice((0, 0, 10, 100, 900, 2400)))


def _storm(day: Day, rng: Random) -> None:
    """Everything fails at once, and then more of it: more than one incident each would help."""
    at = day.start + timedelta(hours=rng.uniform(0, HOURS))
    for wave, count in enumerate((34, *rng.choices((3, 20, 34), k=rng.randrange(4)))):
        name = rng.choice(("Unreachable", "Slow"))  # Slow calls by another policy as well
        alerts = [_labels(f"svc{wave}-{n}", name, "critical", 0) for n in range(count)]
        day.at(at, f"alert: storm x{count}", partial(day.outside.post, alerts))
        over_at = at + timedelta(seconds=rng.uniform(5, 300))
        over = partial(day.outside.post, alerts, ends_in_s=0)
        day.at(over_at, "alert: storm is over", over)
        at += timedelta(seconds=rng.choice((40, 70, 100, 290)))


def _alerts(rng: Random) -> list[Labels]:
    severity = rng.choice(("critical", "critical", "critical", "warning", ""))
    service = rng.choice(SERVICES)
    count = rng.choice((1, 1, 1, 1, 2, 5))
    name = rng.choice(("HighErrorRate", "Slow", "Full"))
    return [_labels(service, name, severity, n) for n in range(count)]


def _labels(service: str, name: str, severity: str, n: int) -> Labels:
    labels = {"service": service, "alertname": name, "instance": f"i{n}", "severity": severity}
    return tuple(sorted((key, value) for key, value in labels.items() if value))


async def live(day: Day) -> None:
    """Live through a whole day and its evening. Raises BrokenPromise."""
    try:
        await day.open()
        plan(day)
        await day.pass_until(day.start + timedelta(hours=HOURS))
        await day.evening()
    except BaseException as error:
        tail = "\n".join(day.story[-40:])
        error.add_note(f"seed {day.seed}, the story so far:\n{tail}")
        raise
    finally:
        await day.close()
