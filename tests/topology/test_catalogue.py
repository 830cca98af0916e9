"""Which service an alert is about, and whose it is."""

import pytest
from msgspec import ValidationError, convert

from tocsin.kernel.ids import uuid7
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.topology.core.config import ServiceSpec, compile_catalogue, service_refs
from tocsin.topology.model import Catalogue


def catalogue(**specs: dict[str, object]) -> Catalogue:
    return compile_catalogue(
        Resources(
            Resource(uuid7(), "Service", name, convert(spec, ServiceSpec))
            for name, spec in specs.items()
        )
    )


def test_a_service_is_told_by_its_name_in_the_label_service() -> None:
    known = catalogue(checkout={"owner": "shop", "tier": 1})
    found = known.of({"service": "checkout", "severity": "critical"})
    assert found is known.service("checkout")
    assert known.of({"service": "cart"}) is None
    assert known.owner_of("checkout") == "shop"
    assert known.owner_of("cart") is None
    assert known.service("cart") is None


def test_labels_may_say_otherwise_and_the_narrowest_service_is_meant() -> None:
    known = catalogue(
        shop={"labels": {"service": ["checkout", "cart"]}, "owner": "a"},
        canary={"labels": {"service": "cart", "env": "canary"}, "owner": "b"},
    )
    assert known.team_of({"service": "checkout", "env": "canary"}) == "a"
    assert known.team_of({"service": "cart", "env": "canary"}) == "b"
    assert known.team_of({"service": "cart"}) == "a"


def test_what_no_service_claims_belongs_to_the_team_it_names() -> None:
    known = catalogue(checkout={"owner": "shop"}, free={})
    assert known.team_of({"service": "free", "team": "ops"}) == "ops"
    assert known.team_of({"team": "ops"}) == "ops"
    assert known.team_of({}) is None
    assert [one.name for one in known.owned_by("shop")] == ["checkout"]
    assert known.label_names == ("service", "team")


def test_a_service_points_at_the_team_that_owns_it() -> None:
    assert service_refs(ServiceSpec(owner="shop")) == [("Team", "shop", "spec.owner")]
    assert service_refs(ServiceSpec()) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"tier": 5},
        {"links": [{"title": "x", "url": "javascript:alert(1)"}]},
        {"runbooks": ["not a url"]},
        {"labels": {"service": []}},
        {"owners": "shop"},
    ],
)
def test_a_service_that_cannot_be_meant_is_refused(spec: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        convert(spec, ServiceSpec)
