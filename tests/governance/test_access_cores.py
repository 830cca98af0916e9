"""The pure rules of access: limits, scopes, passwords, teams, the names of browsers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.governance.core.browser import spell
from tocsin.governance.core.config import MemberSpec, TeamSpec, compile_teams, team_refs
from tocsin.governance.core.limit import Limit, Spent, Wait, forgive, spend
from tocsin.governance.core.password import LENGTH_MIN, normal, require_good
from tocsin.governance.core.scope import (
    capped,
    capped_teams,
    is_within,
    more_of,
    require_grantable,
    require_person_role,
    require_team_role,
)
from tocsin.kernel.access import PERMISSIONS, Role
from tocsin.kernel.errors import Forbidden, Invalid
from tocsin.kernel.snapshot import Resource, Resources

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
MAYA, JONAS = UUID(int=1), UUID(int=2)
limits = st.builds(
    lambda burst, every: Limit(name="x", burst=burst, every_s=every),
    st.integers(1, 20),
    st.integers(1, 600),
)
waits = st.lists(st.integers(0, 1200), max_size=60)


@given(limits, waits)
def test_no_window_takes_more_than_the_limit_says(limit: Limit, waits: list[int]) -> None:
    now, tat, taken = NOON, NOON, list[datetime]()
    for wait in waits:
        now += timedelta(seconds=wait)
        found = spend(limit, tat, now)
        if isinstance(found, Spent):
            tat = found.tat
            taken.append(now)
    for at in taken:
        for seconds in (0, limit.every_s, 10 * limit.every_s):
            inside = [one for one in taken if at <= one <= at + timedelta(seconds=seconds)]
            assert len(inside) <= limit.burst + seconds // limit.every_s


@given(limits, st.integers(0, 40))
def test_whoever_waits_as_told_is_let_in(limit: Limit, count: int) -> None:
    tat = NOON
    for _ in range(count):
        found = spend(limit, tat, NOON)
        tat = found.tat if isinstance(found, Spent) else tat
    found = spend(limit, tat, NOON)
    if isinstance(found, Wait):
        assert count >= limit.burst
        assert isinstance(spend(limit, tat, NOON + timedelta(seconds=found.seconds)), Spent)
        early = NOON + timedelta(seconds=found.seconds - 1)
        assert isinstance(spend(limit, tat, early), Wait)
    else:
        assert count < limit.burst


@given(limits)
def test_a_try_that_is_forgiven_was_never_made(limit: Limit) -> None:
    tat = NOON
    for _ in range(limit.burst * 3):
        found = spend(limit, tat, NOON)
        assert isinstance(found, Spent)
        tat = forgive(limit, found.tat)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("limit", Role)
def test_what_is_capped_is_within_both(role: Role, limit: Role) -> None:
    found = capped(role, limit)
    if found is None:
        assert not PERMISSIONS[Role.VIEWER] <= PERMISSIONS[role] & PERMISSIONS[limit]
    else:
        assert is_within(found, role)
        assert is_within(found, limit)
    assert (found == role) == is_within(role, limit)


def test_a_cap_counts_in_teams_and_the_greater_role_is_the_greater() -> None:
    teams = {"a": Role.MANAGER, "b": Role.VIEWER, "c": Role.RESPONDER}
    assert capped_teams(teams, Role.RESPONDER) == {
        "a": Role.RESPONDER, "b": Role.VIEWER, "c": Role.RESPONDER,
    }  # fmt: skip
    assert capped_teams({"a": Role.VIEWER}, Role.INTEGRATION) == {}
    assert more_of(Role.VIEWER, Role.MANAGER) is Role.MANAGER
    assert more_of(Role.MANAGER, Role.VIEWER) is Role.MANAGER


def test_nobody_gives_away_more_than_they_have() -> None:
    own = {"own": Role.RESPONDER, "own_teams": {"pay": Role.MANAGER}}
    for role, teams in (
        (Role.RESPONDER, ()),
        (Role.VIEWER, ("x",)),
        (Role.MANAGER, ("pay",)),
    ):
        require_grantable(role, teams, **own)  # type: ignore[arg-type]
    for role, teams in (
        (Role.MANAGER, ()),
        (Role.MANAGER, ("pay", "other")),
        (Role.ADMIN, ("pay",)),
        (Role.AUDITOR, ()),
        (Role.INTEGRATION, ()),
    ):
        with pytest.raises(Forbidden):
            require_grantable(role, teams, **own)  # type: ignore[arg-type]


def test_roles_that_concern_everything_are_of_no_team_and_machines_roles_of_no_person() -> None:
    for role in (Role.ADMIN, Role.AUDITOR, Role.INTEGRATION, Role.SYSTEM):
        with pytest.raises(Invalid):
            require_team_role(role, ("pay",))
        require_team_role(role, ())
    for role in (Role.INTEGRATION, Role.SYSTEM):
        with pytest.raises(Invalid):
            require_person_role(role)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "characters"),
        ("a" * (LENGTH_MIN - 1), "characters"),
        ("x" * 201, "longer"),
        ("abababababab", "repeats"),
        ("maya-is-the-best", "name"),
        ("I am MAYA Okafor!", "name"),
        ("okafor forever 2", "name"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        require_good(password, ("maya", "Maya Okafor"))


def test_a_long_password_of_any_letters_is_taken() -> None:
    for password in (
        "seven green parrots",
        "пароль на четырёх",
        "ab3%=x!Qy7&z",
        "é" * 3 + "abcdefghi",
    ):
        require_good(password, ("maya", "Al B"))
    assert normal("é") == normal("e\u0301")


def team(name: str, *members: MemberSpec) -> Resource:
    return Resource(
        UUID(int=hash(name) % 1000 + 10),
        "Team",
        name,
        TeamSpec(display_name=name.title(), members=members),
    )


def test_teams_know_who_is_what_in_them() -> None:
    found = compile_teams(
        Resources(
            [
                Resource(MAYA, "Person", "maya", None),
                Resource(JONAS, "Person", "jonas", None),
                team("pay", MemberSpec(person="maya", role=Role.MANAGER)),
                team("web", MemberSpec(person="maya"), MemberSpec(person="jonas")),
            ]
        )
    )
    assert found.roles_of(MAYA) == {"pay": Role.MANAGER, "web": Role.RESPONDER}
    assert found.roles_of(UUID(int=9)) == found.roles_of(None) == {}
    assert found.by_name["web"].members == {MAYA: Role.RESPONDER, JONAS: Role.RESPONDER}


def test_a_team_refuses_a_role_that_is_not_a_teams_and_a_member_twice() -> None:
    spec = TeamSpec(display_name="x", members=(MemberSpec(person="maya", role=Role.ADMIN),))
    with pytest.raises(Invalid, match=r"spec.members\[0\].role"):
        team_refs(spec)
    twice = TeamSpec(display_name="x", members=(MemberSpec(person="a"), MemberSpec(person="a")))
    with pytest.raises(Invalid, match="twice"):
        team_refs(twice)
    good = TeamSpec(display_name="x", members=(MemberSpec(person="a"),))
    assert list(team_refs(good)) == [("Person", "a", "spec.members")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
                " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"
            ),
            "Edge on Windows",
        ),
        ("curl/8.5.0", "curl"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_in_three_words(text: str, words: str) -> None:
    assert spell(text) == words
