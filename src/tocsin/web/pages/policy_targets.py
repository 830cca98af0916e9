"""Whom a step can call, as a form spells it: `person:ann`, `next:shop:primary`, a URL. Pure."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from tocsin.kernel.errors import Invalid
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.config.policies import HOOK, TargetSpec, host_of
from tocsin.oncall.model import Person, Schedule

CHOICES_MAX = 400
"""More are not put into each list of a page: they are typed, and completed."""
WEBHOOK = "webhook"
EXAMPLE = HOOK
SAID_MAX = 2100
CURE = (
    "choose whom to call from the list, or write person:NAME, schedule:NAME, team:NAME or a URL"
)
_ICONS: Final = {
    "person": "user", "schedule": "calendar-clock", "next": "calendar-clock", "team": "users",
    "oncall": "users", WEBHOOK: "webhook",
}  # fmt: skip


class TargetView(Struct, frozen=True, kw_only=True):
    """One target of a draft: as the form sends it, and for people; `gone`: it is not there."""

    value: str
    words: str
    icon: str
    gone: bool


class Choices(Struct, frozen=True, kw_only=True):
    """Who can be called, by groups of (value, words); `is_long`: to be typed, not picked."""

    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    is_long: bool


def written(target: TargetSpec) -> str:
    """Spell a target as a form sends it; `spec_of` reads it back as it was."""
    if target.person is not None:
        return f"person:{target.person}"
    if target.schedule is not None:
        slot = f":{target.slot}" if target.slot else ""
        return f"{'next' if target.next else 'schedule'}:{target.schedule}{slot}"
    if target.team is not None:
        return f"{'oncall' if target.on_call else 'team'}:{target.team}"
    return f"{WEBHOOK}:{target.webhook.url if target.webhook else ''}"


def spec_of(said: str, field: str) -> dict[str, Any]:
    """Return the target that a form means, as YAML has it. Raises Invalid."""
    kind, _, rest = said.strip().partition(":")
    if kind in ("http", "https"):
        return {WEBHOOK: {"url": said.strip()}}
    if not rest or kind not in _SPECS:
        raise Invalid(f"{field}: {said!r} names nobody; {CURE}", field=field)
    return _SPECS[kind](rest)


def _of_schedule(said: str) -> dict[str, Any]:
    name, _, slot = said.partition(":")
    return {"schedule": name} | ({"slot": slot} if slot else {})


_SPECS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "person": lambda name: {"person": name},
    "schedule": _of_schedule,
    "next": lambda said: _of_schedule(said) | {"next": True},
    "team": lambda name: {"team": name},
    "oncall": lambda name: {"team": name, "onCall": True},
    WEBHOOK: lambda url: {WEBHOOK: {"url": url}},
}


def choices(directory: Directory, teams: list[str]) -> Choices:
    """Return who can be called: people who are there, schedules by slot, teams, a URL."""
    people = sorted(
        (one for one in directory.people.values() if one.active),
        key=lambda one: (one.display_name, one.name),
    )
    schedules = sorted(directory.schedules.values(), key=lambda one: one.name)
    groups = (
        ("On call", tuple(_slots("schedule", schedules))),
        ("Next on call", tuple(_slots("next", schedules))),
        ("People", tuple((f"person:{one.name}", _named(one)) for one in people)),
        ("Teams", tuple(_teams(teams))),
        ("Machines", ((WEBHOOK, "A webhook"),)),
    )
    found = tuple(one for one in groups if one[1])
    count = sum(len(options) for _, options in found)
    return Choices(groups=found, is_long=count > CHOICES_MAX)


def _named(person: Person) -> str:
    return f"{person.display_name} ({person.name})"


def _slots(kind: str, schedules: list[Schedule]) -> Iterator[tuple[str, str]]:
    for one in schedules:
        words = f"after whoever is on call in {one.name}" if kind == "next" else one.name
        if len(one.slots) == 1:
            yield f"{kind}:{one.name}", words
            continue
        for slot in one.slots:
            yield f"{kind}:{one.name}:{slot}", f"{words}, {slot}"


def _teams(teams: list[str]) -> Iterator[tuple[str, str]]:
    for name in teams:
        yield f"oncall:{name}", f"who is on call in {name}"
        yield f"team:{name}", f"everybody in {name}"


def views(values: tuple[str, ...], directory: Directory, teams: list[str]) -> list[TargetView]:
    """Show the targets of a draft; what is not there is shown as it was written."""
    return [_view(one, directory, teams) for one in values]


def _view(value: str, directory: Directory, teams: list[str]) -> TargetView:
    kind, _, rest = value.partition(":")
    if kind in ("http", "https"):
        kind, rest = WEBHOOK, value
    words = _WORDS[kind](rest, directory, teams) if kind in _WORDS else None
    return TargetView(
        value=value, words=words or value, icon=_ICONS.get(kind, "circle-help"),
        gone=words is None,
    )  # fmt: skip


def _person(name: str, directory: Directory, _teams: list[str]) -> str | None:
    found = directory.find_person(name)
    if found is None:
        return None
    return found.display_name if found.active else f"{found.display_name}, not active"


def _schedule(said: str, directory: Directory) -> str | None:
    name, _, slot = said.partition(":")
    found = next((one for one in directory.schedules.values() if one.name == name), None)
    if found is None or (slot and slot not in found.slots):
        return None
    return f"{name}, {slot}" if slot else name


def _on_call(said: str, directory: Directory, _teams: list[str]) -> str | None:
    found = _schedule(said, directory)
    return f"on call in {found}" if found else None


def _next(said: str, directory: Directory, _teams: list[str]) -> str | None:
    found = _schedule(said, directory)
    return f"next on call in {found}" if found else None


def _team(name: str, _directory: Directory, teams: list[str]) -> str | None:
    return f"everybody in {name}" if name in teams else None


def _team_on_call(name: str, _directory: Directory, teams: list[str]) -> str | None:
    return f"on call in team {name}" if name in teams else None


def _host(url: str, _directory: Directory, _teams: list[str]) -> str | None:
    return f"webhook at {host_of(url) or url}"


_WORDS: Final[dict[str, Callable[[str, Directory, list[str]], str | None]]] = {
    "person": _person, "schedule": _on_call, "next": _next, "team": _team,
    "oncall": _team_on_call, WEBHOOK: _host,
}  # fmt: skip
