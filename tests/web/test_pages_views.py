"""What screens say of incidents: pure builders, no database."""

from uuid import UUID

from msgspec.structs import replace
from pages_nouns import (
    CALLED,
    DIRECTORY,
    DUE,
    JONAS,
    LISTED,
    MAYA,
    TAKEN,
    TAKEN_AGAIN,
    THE_INCIDENT,
    WAITING,
    actor,
)

from tocsin.command.model import Calling, Incident, IncidentStatus
from tocsin.command.reads import IncidentRow
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.ids import PageId, uuid7
from tocsin.oncall.model import Page, PageState
from tocsin.web.forecasts import forecast
from tocsin.web.pages.views import (
    Counts,
    Room,
    Row,
    audience_words,
    in_order,
    room,
    row,
)

RESPONDER, VIEWER = actor(Role.RESPONDER), actor(Role.VIEWER)


def shown(
    *pages: Page,
    listed: IncidentRow = LISTED,
    by: Actor = RESPONDER,
) -> Row:
    ahead = [forecast(page, WAITING.get(page.id, ()), DIRECTORY) for page in pages]
    return row(listed, ahead, directory=DIRECTORY, actor=by)


def head(
    *pages: Page,
    incident: Incident = THE_INCIDENT,
    by: Actor = RESPONDER,
    may_take: bool = False,
) -> Room:
    return room(
        incident, pages, waiting=WAITING, counts=Counts(1, 3, 2), alerts=(),
        directory=DIRECTORY, merged_into=None, actor=by, may_take=may_take,
    )  # fmt: skip


def test_an_open_page_says_who_is_called_next_and_when() -> None:
    found = shown(CALLED)
    assert (found.number, found.url, found.severity) == ("INC-42", "/incidents/INC-42", "SEV1")
    assert (found.status, found.next_page_at, found.next_page_to) == (
        "calling",
        DUE,
        "Jonas Weber",
    )
    assert (found.can_ack, found.page_state) == (True, "calling now")


def test_after_the_last_step_of_the_last_round_the_catch_all_is_next() -> None:
    assert shown(replace(CALLED, step=1)).next_page_to == "Maya Okafor, Jonas Weber"


def test_a_viewer_is_offered_nothing() -> None:
    assert shown(CALLED, by=VIEWER).can_ack is False
    assert head(CALLED, by=VIEWER).can == frozenset()


def test_who_was_called_may_acknowledge_whatever_their_role() -> None:
    assert head(CALLED, by=VIEWER, may_take=True).can == {"acknowledge"}


def test_a_role_in_the_team_of_an_incident_offers_what_it_may() -> None:
    ours = replace(THE_INCIDENT, team="payments")
    there = replace(VIEWER, teams={"payments": Role.RESPONDER})
    assert "resolve" in head(CALLED, incident=ours, by=there).can
    assert head(CALLED, by=there).can == frozenset()


def test_an_acknowledged_incident_calls_nobody_and_says_who_took_it() -> None:
    listed = replace(LISTED, calling=Calling.ACKNOWLEDGED, acknowledged_by=MAYA)
    found = shown(TAKEN, listed=listed)
    assert (found.status, found.acknowledged_by, found.next_page_at) == (
        "acknowledged",
        "Maya Okafor",
        None,
    )
    assert found.can_ack is False
    taken = head(TAKEN)
    assert (taken.status, taken.acknowledged_by) == ("acknowledged", "Maya Okafor")
    assert (taken.acknowledged_after, "resolve" in taken.can) == ("0 s", True)
    assert {"acknowledge", "escalate"}.isdisjoint(taken.can)


def test_the_head_of_a_taken_incident_says_who_is_paged_again_unless_it_is_resolved() -> None:
    found = head(TAKEN)
    assert (found.next_page_at, found.next_page_to) == (TAKEN_AGAIN, "Maya Okafor")
    assert found.pages_again
    assert not head(CALLED).pages_again
    assert head(TAKEN, replace(CALLED, id=PageId(uuid7()))).next_page_at is None


def test_what_a_person_has_said_stands_before_that_somebody_has_it() -> None:
    said = replace(THE_INCIDENT, status=IncidentStatus.MITIGATED)
    assert head(TAKEN, incident=said).status == "mitigated"
    listed = replace(LISTED, calling=Calling.ACKNOWLEDGED, status=IncidentStatus.MITIGATED)
    assert shown(TAKEN, listed=listed).status == "mitigated"


def test_one_open_page_keeps_an_incident_unacknowledged() -> None:
    found = head(TAKEN, replace(CALLED, id=PageId(uuid7())))
    assert found.acknowledged_by is None
    assert found.status == "triggered"


def test_an_unpageable_incident_says_so() -> None:
    listed = replace(LISTED, calling=Calling.UNPAGEABLE)
    assert shown(CALLED, listed=listed).page_state.startswith("UNPAGEABLE")
    assert head(replace(CALLED, unpageable=True)).page_state.startswith("UNPAGEABLE")


def test_an_incident_without_pages_keeps_its_own_status() -> None:
    found = shown(listed=replace(LISTED, calling=Calling.NONE))
    assert (found.status, found.page_state) == ("investigating", "pages nobody")
    assert (head().status, head().page_state) == ("investigating", "pages nobody")


def test_a_resolved_incident_can_only_be_reopened_and_written_about() -> None:
    over = replace(THE_INCIDENT, status=IncidentStatus.RESOLVED, resolved_at=DUE)
    found = head(replace(TAKEN, state=PageState.RESOLVED, resolved_at=DUE), incident=over)
    assert (found.status, found.acknowledged_by) == ("resolved", "Maya Okafor")
    assert found.can == {"reopen", "update", "note"}
    listed = replace(LISTED, status=IncidentStatus.RESOLVED, resolved_at=DUE)
    assert (shown(listed=listed).status, shown(listed=listed).can_ack) == ("resolved", False)


def test_a_merged_incident_is_no_longer_acted_on() -> None:
    merged = replace(
        THE_INCIDENT, merged_into=THE_INCIDENT.id, status=IncidentStatus.CLOSED, resolved_at=DUE
    )
    assert head(incident=merged).can == {"note"}
    listed = replace(LISTED, merged_into=LISTED.id, resolved_at=DUE)
    assert shown(listed=listed).status == "merged"


def test_what_still_calls_people_stands_first() -> None:
    quiet = shown(listed=replace(LISTED, calling=Calling.NONE))
    taken = shown(TAKEN, listed=replace(LISTED, calling=Calling.ACKNOWLEDGED))
    calling = shown(CALLED)
    assert in_order([taken, quiet, calling]) == [calling, taken, quiet]


def test_the_room_names_the_policy_that_is_really_used() -> None:
    found = head(CALLED)
    assert (found.policy, found.runbook_url) == ("default", "")
    assert found.group_labels == (("alertname", "HighErrorRate"), ("service", "checkout"))


def test_a_restricted_incident_names_who_sees_it() -> None:
    assert audience_words(None, DIRECTORY) == ""
    names = ("role:manager", f"person:{JONAS}", f"person:{UUID(int=7)}")
    assert audience_words(names, DIRECTORY) == (
        "Seen by every manager, Jonas Weber, a former member"
    )
