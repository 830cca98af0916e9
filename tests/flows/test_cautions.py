"""A plan warns of what is allowed and yet loses pages."""

from collections.abc import Mapping
from typing import Any

import pytest
from test_planning import ACME, Config, person, rotation, snapshot, steps

from tocsin.flows.cautions import cautions

SAFE: dict[tuple[str, str], Mapping[str, Any]] = {
    **ACME,
    ("EscalationPolicy", "catch-all"): steps({"person": "bea"}),
}


def told(config: Config) -> list[str]:
    return [one.words for one in cautions(snapshot(config))]


def test_a_configuration_that_loses_nothing_is_not_spoken_of() -> None:
    assert told(SAFE) == []


def test_a_policy_without_a_catch_all_can_end_with_nobody() -> None:
    [one] = cautions(snapshot(ACME))
    assert one.words == (
        "policy default ends with nobody when nobody acknowledges: add spec.catchAll, or an"
        " EscalationPolicy named catch-all for all"
    )
    assert ("EscalationPolicy", "default") in one.about


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({("Person", "bea"): person("bea", contact=[])},
         "ends with nobody when nobody acknowledges: nobody in its catch-all is active and has"),
        ({("Person", "maya"): person("maya", contact=[])},
         "Maya takes turns in schedule primary and has no contact method; add spec.contact"),
        ({("Person", "maya"): person("maya", active=False)},
         "Maya takes turns in schedule primary and is not active"),
        ({("Schedule", "nights"): rotation("maya", "maya"),
          ("Person", "maya"): person("maya", contact=[])},
         "Maya takes turns in schedule nights and has no contact method; add spec.contact"),
        ({("Person", name): person(name, active=False) for name in ("maya", "jonas", "bea")},
         "route checkout pages nobody: nobody on policy default is active and has a contact"),
    ],
)  # fmt: skip
def test_each_way_to_lose_a_page_has_its_sentence(change: Config, words: str) -> None:
    found = told({**SAFE, **change})
    assert any(words in one for one in found), found
    assert len(found) == len(set(found))


def test_a_route_of_low_urgency_is_meant_to_page_nobody() -> None:
    quiet = {"match": {"service": "blog"}, "urgency": "low"}
    assert told({**SAFE, ("Route", "blog"): quiet}) == []


def test_without_any_policy_every_route_pages_nobody() -> None:
    assert told({("Person", "bea"): person("bea")}) == [
        "the default route pages nobody: there is no EscalationPolicy named default; add one",
    ]


@pytest.mark.parametrize("on_call", [False, True])
def test_a_policy_that_calls_a_team_calls_its_members(on_call: bool) -> None:
    team = {"displayName": "Shop", "members": [{"person": "maya"}]}
    nights = {**rotation("maya", "jonas"), "team": "shop"}
    calls = {
        "steps": [{"targets": [{"team": "shop", "onCall": on_call}]}],
        "catchAll": [{"team": "shop", "onCall": on_call}],
    }
    found = {
        **SAFE, ("Team", "shop"): team, ("Schedule", "nights"): nights,
        ("EscalationPolicy", "default"): calls,
    }  # fmt: skip
    assert told(found) == []
