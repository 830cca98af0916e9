"""Who can be woken: one verified urgent method, whatever else there is."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.reachability import (
    fingerprint,
    fingerprint_of,
    is_urgent,
    reachable,
)
from tocsin.oncall.model import ContactState, Method, MethodKind, Person

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
ADA = PersonId(UUID(int=1))
URGENT = (MethodKind.PUSH, MethodKind.NTFY, MethodKind.SMS, MethodKind.VOICE)


def ada(*methods: Method, active: bool = True) -> Person:
    return Person(id=ADA, name="ada", display_name="Ada", methods=methods, active=active)


def known(method: Method, *, dropped: bool = False) -> ContactState:
    return ContactState(
        person_id=ADA, fingerprint=fingerprint(method), kind=method.kind, verified_at=NOON,
        verified_by="code", dropped_at=NOON if dropped else None,
    )  # fmt: skip


def states(*found: ContactState) -> dict[str, ContactState]:
    return {one.fingerprint: one for one in found}


MAIL = Method(kind=MethodKind.EMAIL, address="ada@example.org")
NTFY = Method(kind=MethodKind.NTFY, address="https://ntfy.example.org/ada")
PUSH = Method(kind=MethodKind.PUSH, address=str(ADA))


@pytest.mark.parametrize("kind", [kind for kind in MethodKind if kind not in URGENT])
def test_mail_chat_and_what_only_stands_in_tocsin_are_never_urgent(kind: MethodKind) -> None:
    method = Method(kind=kind, address="https://x.example.org/ada")
    assert not is_urgent(method)
    found = reachable(ada(method), states(known(method)))
    assert not found.is_reachable
    assert "cannot break through Do Not Disturb" in found.why_not


@pytest.mark.parametrize("kind", URGENT)
def test_one_verified_urgent_method_is_enough(kind: MethodKind) -> None:
    method = Method(kind=kind, address="+4915112345678")
    found = reachable(ada(MAIL, method), states(known(method)))
    assert found.is_reachable
    assert [one.index for one in found.waking] == [1]
    assert "You can be reached at night" in found.words


@pytest.mark.parametrize(
    ("priority", "wakes"), [(None, True), (5, True), (4, False), (1, False)]
)
def test_ntfy_wakes_at_its_top_priority_only(priority: int | None, wakes: bool) -> None:
    method = Method(kind=MethodKind.NTFY, address=NTFY.address, priority=priority)
    assert reachable(ada(method), states(known(method))).is_reachable is wakes


def test_by_what_is_not_set_up_nobody_is_reached_however_verified_it_is() -> None:
    sms = Method(kind=MethodKind.SMS, address="+4915112345678", is_set_up=False)
    found = reachable(ada(MAIL, sms), states(known(MAIL), known(sms)))
    assert found.why_not == "this Tocsin has nothing set up that sends an SMS"
    assert [(one.is_verified, one.arrives) for one in found.methods] == [
        (True, True),
        (True, False),
    ]


def test_why_not_names_the_cure() -> None:
    assert "no contact method" in reachable(ada(), {}).why_not
    assert "is not verified" in reachable(ada(NTFY), {}).why_not
    both = reachable(ada(NTFY, PUSH), {}).why_not
    assert both == "ntfy and push to your browsers would be urgent, but are not verified"
    assert "not a member" in reachable(ada(NTFY, active=False), states(known(NTFY))).why_not
    dropped = reachable(ada(PUSH), states(known(PUSH, dropped=True)))
    assert "push to your browsers would be urgent, but is not verified" in dropped.words


def test_another_address_is_not_verified_another_spelling_is() -> None:
    def same(kind: MethodKind, one: str, other: str) -> bool:
        return fingerprint_of(kind, one) == fingerprint_of(kind, other)

    assert same(MethodKind.EMAIL, "Ada@Example.org", " ada@example.org")
    assert same(MethodKind.SMS, "+49 151 1234-5678", "+4915112345678")
    assert not same(MethodKind.SMS, "+4915112345678", "+4915112345679")
    assert fingerprint_of(MethodKind.SMS, "+49151") != fingerprint_of(
        MethodKind.VOICE, "+49151"
    )
    assert not same(MethodKind.NTFY, "https://n.test/A", "https://n.test/a")


_methods = st.builds(
    Method,
    kind=st.sampled_from(MethodKind),
    address=st.sampled_from(["a", "b", "+4915112345678"]),
    priority=st.sampled_from([None, 1, 5]),
)


@given(st.lists(_methods, max_size=5), st.lists(_methods, max_size=5), st.booleans())
def test_reachable_is_exactly_one_verified_urgent_method_of_a_member(
    methods: list[Method], proved: list[Method], active: bool
) -> None:
    found = reachable(ada(*methods, active=active), states(*map(known, proved)))
    prints = {fingerprint(one) for one in proved}
    expected = active and any(is_urgent(one) and fingerprint(one) in prints for one in methods)
    assert found.is_reachable is expected
    assert bool(found.why_not) is not expected


@given(st.lists(_methods, max_size=4), _methods, st.lists(_methods, max_size=4))
def test_one_more_method_or_proof_never_takes_reach_away(
    methods: list[Method], more: Method, proved: list[Method]
) -> None:
    before = reachable(ada(*methods), states(*map(known, proved)))
    after = reachable(ada(*methods, more), states(*map(known, [*proved, more])))
    assert after.is_reachable or not before.is_reachable
