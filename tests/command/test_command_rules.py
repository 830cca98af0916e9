"""The rules of incidents without a database: status, merging, who sees, what may be written."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tocsin.command.core import audience, merging, status, wording
from tocsin.command.core.status import ACTIVE, Move, NotSo, Same
from tocsin.command.model import Incident, IncidentStatus, OpenedBy, ResolvedBy
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import GroupId, IncidentId, PersonId
from tocsin.kernel.vocabulary import Severity, Urgency

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
GROUPS = [GroupId(UUID(int=n)) for n in range(1, 6)]


def incident(number: int = 1, **more: Any) -> Incident:
    base = Incident(
        id=IncidentId(UUID(int=number)), number=number, title="Checkout", description="",
        status=IncidentStatus.INVESTIGATING, severity=None, urgency=Urgency.HIGH, policy="",
        labels={}, opened_at=NOON,
    )  # fmt: skip
    return replace(base, **more)


statuses = st.sampled_from(IncidentStatus)
incidents = st.builds(
    incident,
    st.integers(1, 3),
    status=statuses,
    severity=st.none() | st.sampled_from(Severity),
    urgency=st.sampled_from(Urgency),
    opened_by=st.sampled_from(OpenedBy),
    resolved_by=st.sampled_from(ResolvedBy),
    merged_into=st.none() | st.builds(lambda n: IncidentId(UUID(int=n)), st.integers(1, 4)),
    visible_to=st.none() | st.sampled_from([("role:admin",), ("role:manager",)]),
)


@given(incidents, statuses)
def test_a_word_of_status_moves_keeps_or_says_what_would_help(
    one: Incident, wanted: IncidentStatus
) -> None:
    match status.move(one, wanted):
        case Same():
            assert one.status is wanted
        case Move(stage):
            assert stage is wanted is not one.status
            assert one.merged_into is None
            # over or not over changes by resolve and reopen alone
            assert (stage in ACTIVE) == (one.status in ACTIVE)
        case NotSo(why):
            assert why


@given(st.lists(statuses, max_size=8))
def test_whatever_is_said_pages_hang_on_resolve_and_reopen_alone(words: list[Any]) -> None:
    one = incident()
    for wanted in words:
        outcome = status.move(one, wanted)
        if isinstance(outcome, Move):
            one = replace(one, status=outcome.status)
    assert one.status in ACTIVE


@given(incidents)
def test_reopening_what_was_resolved_works_on_it_again(one: Incident) -> None:
    assume(one.merged_into is None)
    resolved = status.resolve(one)
    if isinstance(resolved, Move):
        one = replace(one, status=resolved.status)
    assert status.is_over(one)
    assert status.resolve(one) == Same()
    assert status.reopen(one) == Move(IncidentStatus.INVESTIGATING)
    assert status.fires_again(one) == Move(IncidentStatus.INVESTIGATING)


@given(incidents, st.integers(0, 3))
def test_alerts_end_what_they_began_when_none_fires(one: Incident, firing: int) -> None:
    ends = status.clears(one, firing_count=firing) != Same()
    began = one.opened_by is OpenedBy.ALERTS
    assert ends == (began and firing == 0 and one.status in ACTIVE)


@given(incidents)
def test_what_was_merged_stays_where_it_is(one: Incident) -> None:
    assume(one.merged_into is not None)
    assert status.fires_again(one) == Same()
    assert isinstance(status.reopen(one), NotSo)
    assert isinstance(merging.split(one, GROUPS[:1], GROUPS, firing_count=1), NotSo)


@given(incidents, incidents, st.integers(0, 2))
def test_a_merge_hides_no_more_than_it_must_and_loses_nobody(
    source: Incident, target: Incident, firing: int
) -> None:
    match merging.merge(source, target, firing_count=firing):
        case merging.Merge(needs_page, is_urgent):
            assert source.id != target.id
            assert source.merged_into is None
            assert target.merged_into is None
            assert source.visible_to in (None, target.visible_to)
            goes_on = source.status in ACTIVE or firing > 0
            assert is_urgent == (source.urgency is Urgency.HIGH and goes_on)
            assert needs_page == (is_urgent and target.status in ACTIVE)
            is_over = target.status not in ACTIVE
            by_person = source.resolved_by is ResolvedBy.PERSON
            by = ResolvedBy.PERSON if is_over and by_person else target.resolved_by
            assert merging.resolved_by(source, target) is by
            assert source.status not in ACTIVE or target.status in ACTIVE
        case Same():
            assert source.merged_into == target.id
        case NotSo(why):
            assert why


@given(st.sets(st.sampled_from(GROUPS)), st.sets(st.sampled_from(GROUPS)), st.integers(0, 2))
def test_a_split_leaves_something_on_both_sides(
    wanted: set[GroupId], has: set[GroupId], firing: int
) -> None:
    outcome = merging.split(incident(), wanted, has, firing_count=firing)
    if isinstance(outcome, merging.Split):
        assert wanted
        assert wanted < has
        assert outcome.needs_page == (firing > 0)
    else:
        assert not (wanted and wanted < has)


people = st.builds(lambda n: PersonId(UUID(int=n)), st.integers(1, 9))
roles = st.sampled_from([role for role in Role if role is not Role.SYSTEM])


@given(st.sets(people, max_size=4), st.sets(roles, max_size=3), people, roles)
def test_whoever_restricts_goes_on_seeing_it_and_strangers_do_not(
    named: set[PersonId], those: set[Role], asker: PersonId, stranger: Role
) -> None:
    own = audience.names_of((asker,), (Role.MANAGER,))
    found = audience.with_asker(audience.names_of(named, those), own, asker)
    assert audience.is_seen(found, own)
    assert set(audience.people_in(found)) == named | {asker}
    assert set(audience.roles_in(found)) == those
    assert audience.is_seen(found, (f"role:{stranger}",)) == (stranger in those)
    assert audience.is_seen(None, ())
    assert audience.is_seen(found, None)


def test_a_token_without_a_person_cannot_hide_a_thing_from_itself() -> None:
    with pytest.raises(Invalid, match="name your own role"):
        audience.with_asker(("role:admin",), ("role:manager",), None)
    assert audience.with_asker(("role:manager",), ("role:manager",), None) == ("role:manager",)


@pytest.mark.parametrize("name", ["role:system", "role:boss", "person:maya", "team:x", ""])
def test_only_people_and_roles_that_there_are_can_be_named(name: str) -> None:
    with pytest.raises(Invalid, match="neither person"):
        audience.with_asker((name,), ("role:manager",), PersonId(UUID(int=1)))


def test_a_restriction_has_a_limit() -> None:
    names = audience.names_of((UUID(int=n) for n in range(300)), ())
    with pytest.raises(Invalid, match="at most 200"):
        audience.with_asker(names, (), PersonId(UUID(int=1)))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "ftp://x/y", "//host/x", "https://", "http:///x", "x",
        "https://a b/", "https://[::1", "data:text/html,x", "",
    ],
)  # fmt: skip
def test_a_link_leads_to_a_web_page_or_nowhere(url: str) -> None:
    with pytest.raises(Invalid, match="https"):
        wording.link(url, "x")


def test_a_link_without_a_name_is_called_by_its_host() -> None:
    assert wording.link(" https://wiki.test/a?b#c ", "  ") == (
        "https://wiki.test/a?b#c",
        "wiki.test",
    )
    assert wording.link("http://x.test", " two \n words ")[1] == "two words"


@pytest.mark.parametrize(
    ("write", "limit"),
    [(wording.title, 200), (wording.description, 10_000), (wording.note, 10_000)],
)
def test_words_have_limits_and_no_nul(write: Any, limit: int) -> None:
    assert write("x" * limit) == "x" * limit
    with pytest.raises(Invalid, match=f"at most {limit}"):
        write("x" * (limit + 1))
    with pytest.raises(Invalid, match="NUL"):
        write("a\0b")


def test_words_must_be_there_where_they_are_all_there_is() -> None:
    assert wording.description("  ") == ""
    for write in (wording.title, wording.note):
        with pytest.raises(Invalid):
            write(" \n ")
    assert wording.title(" two\n words ") == "two words"
    assert wording.services([" a", "b", "a ", ""]) == ("a", "b")
    with pytest.raises(Invalid, match="at most 50"):
        wording.services(str(n) for n in range(51))
