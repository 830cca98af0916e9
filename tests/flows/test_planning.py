"""What a plan says in words is what pages would then do, for every service, route and policy."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert

from tocsin.app.wiring import KINDS, compilers
from tocsin.flows.planning import HORIZON, carried, explain
from tocsin.kernel.snapshot import Resource, Resources, Snapshot, compile_snapshot
from tocsin.oncall.core.config import Directory
from tocsin.triage.core.routing import routes_of
from tocsin.triage.model import Routing

MONDAY = "Monday 09:00 (Europe/Berlin)"
AFTER = "Monday 6 April 09:00 (Europe/Berlin)"
NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)  # a Friday; Berlin's clocks go forward on Sunday
SPECS = {kind.name: kind.spec for kind in KINDS}
PEOPLE = {"maya": "Maya", "jonas": "Jonas", "bea": "Bea"}
Config = Mapping[tuple[str, str], Mapping[str, Any]]


def snapshot(config: Config) -> Snapshot:
    """Compile a configuration, the same uid for the same name."""
    resources = Resources(
        Resource(uuid5(NAMESPACE_URL, kind + name), kind, name, convert(spec, SPECS[kind]))
        for (kind, name), spec in config.items()
    )
    return compile_snapshot(1, resources, compilers())


def person(name: str, **more: Any) -> dict[str, Any]:
    contact = [{"type": "email", "address": f"{name}@example.org"}]
    return {"displayName": PEOPLE[name], "contact": contact, **more}


def rotation(*people: str, every: str = "week", zone: str = "Europe/Berlin") -> dict[str, Any]:
    turns = {"start": "2026-01-05T09:00", "every": every, "people": list(people)}
    return {"timezone": zone, "rotation": turns}


def steps(*targets: Mapping[str, str]) -> dict[str, Any]:
    return {"steps": [{"targets": [target]} for target in targets]}


ACME: dict[tuple[str, str], dict[str, Any]] = {
    **{("Person", name): person(name) for name in PEOPLE},
    ("Schedule", "primary"): rotation("maya", "jonas"),
    ("EscalationPolicy", "default"): steps({"schedule": "primary"}, {"person": "bea"}),
    ("Route", "checkout"): {"match": {"service": "checkout"}, "policy": "default"},
}


def said(before: Config, after: Config, starts_at: datetime = NOW) -> list[str]:
    return explain(snapshot(before), snapshot(after), NOW, starts_at)


def test_a_handoff_that_changes_hands_is_told_with_its_day_and_zone() -> None:
    words = said(ACME, {**ACME, ("Schedule", "primary"): rotation("bea", "jonas")})
    assert words == [
        f"checkout and the default route page Bea instead of Maya from {MONDAY}",
        "Maya is no longer on call for primary",
    ]


def test_a_change_of_now_is_told_as_such() -> None:
    words = said(ACME, {**ACME, ("EscalationPolicy", "default"): steps({"person": "bea"})})
    assert words == ["checkout and the default route page Bea instead of Jonas from now on"]


def test_a_change_of_later_counts_from_then() -> None:
    after = {**ACME, ("EscalationPolicy", "default"): steps({"person": "bea"})}
    [words] = said(ACME, after, NOW + timedelta(days=8))
    subject = "checkout and the default route page Bea instead of Maya"
    assert words == f"{subject} from Saturday 4 April 14:00 (Europe/Berlin)"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({("Person", "maya"): person("maya", contact=[]), ("Person", "bea"): person("bea", contact=[])},
         f"nobody is paged for checkout and the default route from {MONDAY} until {AFTER}"),
        ({("Person", name): person(name, active=False) for name in PEOPLE},
         "nobody is paged for checkout and the default route from now on"),
        ({("Route", "checkout"): {"match": {"service": "checkout"}, "urgency": "low"}},
         "checkout pages nobody instead of Jonas from now on: low urgency"),
        ({("EscalationPolicy", "default"): {"steps": [{"targets": [{"person": "bea"}, {"schedule": "primary"}]}]}},
         "checkout and the default route also page Bea from now on"),
        ({("EscalationPolicy", "nights"): steps({"person": "bea"})},
         "policy nights pages Bea from now on"),
        ({("Route", "blog"): {"match": {"service": "blog"}}}, "blog pages Jonas from now on"),
        ({("Service", "blog"): {}, ("EscalationPolicy", "nights"): steps({"person": "bea"}),
          ("Route", "blog"): {"match": {"service": "blog"}, "policy": "nights"}},
         "blog pages Bea instead of Jonas from now on"),
        ({("Service", "blog"): {"owner": None}}, None),
        ({("Person", "maya"): person("maya", displayName="Maya O.")}, None),
        ({("Schedule", "unused"): rotation("bea")}, None),
    ],
)  # fmt: skip
def test_each_consequence_has_its_sentence(change: Config, words: str | None) -> None:
    found = said(ACME, {**ACME, **change})
    assert (words in found) if words else found == [], found


def test_steps_that_reach_nobody_are_passed_over_as_the_pager_does() -> None:
    silent = {**ACME, ("Person", "jonas"): person("jonas", contact=[])}
    assert said(ACME, silent) == [
        "checkout and the default route page Bea instead of Jonas from now on",
    ]  # the second step is called at once


def test_an_organisation_that_begins_hears_of_nobody_who_is_not_paged() -> None:
    assert said({}, ACME) == [
        "checkout pages Jonas from now on",
        "the default route pages Jonas from now on, where nobody was paged",
    ]


_rotations = st.builds(
    rotation,
    st.sampled_from(list(PEOPLE)),
    st.sampled_from(list(PEOPLE)),
    every=st.sampled_from(["day", "week"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]),
)
_targets = st.sampled_from([{"schedule": "primary"}, {"schedule": "nights"}, {"person": "bea"}])
_people = st.fixed_dictionaries(
    {
        ("Person", name): st.builds(
            lambda name, active, reached: (
                person(name, active=active) | ({} if reached else {"contact": []})
            ),
            st.just(name),
            st.sampled_from([True, True, True, False]),
            st.sampled_from([True, True, True, False]),
        )
        for name in PEOPLE
    }
)
_configs = st.builds(
    lambda people, primary, nights, first, second, policy, urgency: {
        **people,
        ("Schedule", "primary"): primary,
        ("Schedule", "nights"): nights,
        ("EscalationPolicy", "default"): steps(first),
        ("EscalationPolicy", "other"): steps(second),
        ("Service", "checkout"): {},
        ("Route", "checkout"): {
            "match": {"service": "checkout"},
            "policy": policy,
            "urgency": urgency,
        },
    },
    _people,
    _rotations,
    _rotations,
    _targets,
    _targets,
    st.sampled_from(["default", "other"]),
    st.sampled_from([None, None, "low", "high"]),
)


def succeeded(old: Snapshot, new: Snapshot, at: datetime) -> Snapshot:
    """The new configuration, whose schedules go on where those of the old one are."""
    directory = carried(old.part(Directory), new.part(Directory), at, exact=at > NOW)
    return Snapshot(new.revision, {**new.parts, Directory: directory})


def called(found: Snapshot, at: datetime) -> frozenset[str]:
    """Say by brute force whom a page about checkout calls first."""
    directory = found.part(Directory)
    names: set[str] = set()
    for route in routes_of({"service": "checkout"}, found.part(Routing)):
        if route.urgency == "low":
            continue
        ladder = directory.ladder(directory.policy(route.policy).id, at)
        rungs = [rung for rung in (*ladder.rungs, ladder.catch_all) if rung.reach]
        names |= (
            {directory.name_of(one.person_id) for one in rungs[0].reach} if rungs else set()
        )
    return frozenset(names)


def told(words: list[str]) -> list[str]:
    return [
        one
        for one in words
        if re.match(r"(nobody is paged for .*)?checkout\b", one)
        and "no longer on call" not in one
    ]


@settings(max_examples=150, deadline=None)
@given(config=_configs)
def test_what_does_not_change_is_not_spoken_of(config: Config) -> None:
    assert said(config, config) == []


@settings(max_examples=200, deadline=None)
@given(before=_configs, after=_configs, days=st.sampled_from([0, 0, 3]))
def test_the_first_difference_is_told_and_is_the_one_that_pages_would_show(
    before: Config, after: Config, days: int
) -> None:
    old, new = snapshot(before), snapshot(after)
    starts_at = NOW + timedelta(days=days)
    words = told(explain(old, new, NOW, starts_at))
    new = succeeded(old, new, starts_at)
    hours = int(HORIZON / timedelta(minutes=30))
    instants = [starts_at + timedelta(minutes=30 * n) for n in range(hours)]
    first = next((at for at in instants if called(old, at) != called(new, at)), None)
    if first is None:
        assert not [one for one in words if "nobody" not in one], words
        return
    assert words
    if first <= NOW:
        assert any("from now on" in one for one in words), (words, first)
        return
    spelled = {f"{first.astimezone(ZoneInfo(zone)):%H:%M} ({zone})" for zone in ZONES}
    assert any(instant in one for one in words for instant in spelled), (words, first)


ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York")


@settings(max_examples=100, deadline=None)
@given(before=_configs, after=_configs)
def test_who_is_named_as_paged_is_paged_then_and_who_is_replaced_was(
    before: Config, after: Config
) -> None:
    old, new = snapshot(before), snapshot(after)
    words_now = told(explain(old, new, NOW, NOW))
    new = succeeded(old, new, NOW)
    for one in words_now:
        found = re.fullmatch(r"checkout\b.* pages? (.+) instead of (.+) from now on", one)
        if found and "nobody" not in found[1]:
            gained, lost = (set(words.split(" and ")) for words in found.groups())
            assert gained == called(new, NOW) - called(old, NOW)
            assert lost == called(old, NOW) - called(new, NOW)
