"""What screens say of incidents: pure builders, no database."""

from msgspec.structs import replace
from pages_nouns import CALLED, DIRECTORY, DUE, TAKEN, THE_INCIDENT, WAITING

from tocsin.command.model import Incident, IncidentStatus
from tocsin.kernel.access import Role
from tocsin.kernel.ids import PageId, uuid7
from tocsin.oncall.model import (
    Page,
    PageState,
)
from tocsin.web.pages.views import Row, in_order, room, row


def shown(*pages: Page, role: Role = Role.RESPONDER, incident: Incident = THE_INCIDENT) -> Row:
    return row(incident, pages, waiting=WAITING, alert_count=3, directory=DIRECTORY, role=role)


def test_an_open_page_says_who_is_called_next_and_when() -> None:
    found = shown(CALLED)
    assert (found.number, found.url, found.severity) == ("INC-42", "/incidents/INC-42", "SEV1")
    assert (found.status, found.next_page_at, found.next_page_to) == (
        "triggered",
        DUE,
        "Jonas Weber",
    )
    assert (found.can_ack, found.can_resolve) == (True, True)


def test_after_the_last_step_of_the_last_round_the_catch_all_is_next() -> None:
    assert shown(replace(CALLED, step=1)).next_page_to == "Maya Okafor, Jonas Weber"


def test_a_viewer_is_offered_nothing() -> None:
    found = shown(CALLED, role=Role.VIEWER)
    assert (found.can_ack, found.can_resolve) == (False, False)


def test_an_acknowledged_incident_calls_nobody_and_says_who_took_it() -> None:
    found = shown(TAKEN)
    assert (found.status, found.acknowledged_by, found.next_page_at) == (
        "acknowledged",
        "Maya Okafor",
        None,
    )
    assert found.can_ack is False
    assert found.can_resolve is True


def test_one_open_page_keeps_an_incident_unacknowledged() -> None:
    found = shown(TAKEN, replace(CALLED, id=PageId(uuid7())))
    assert found.acknowledged_by is None
    assert found.status == "triggered"


def test_an_unpageable_incident_says_so() -> None:
    assert shown(replace(CALLED, unpageable=True)).page_state.startswith("UNPAGEABLE")


def test_an_incident_without_pages_keeps_its_own_status() -> None:
    found = shown()
    assert (found.status, found.page_state) == ("investigating", "pages nobody")


def test_a_resolved_incident_offers_nothing() -> None:
    over = replace(THE_INCIDENT, status=IncidentStatus.RESOLVED, resolved_at=DUE)
    found = shown(replace(TAKEN, state=PageState.RESOLVED, resolved_at=DUE), incident=over)
    assert (found.status, found.can_ack, found.can_resolve) == ("resolved", False, False)
    assert found.acknowledged_by == "Maya Okafor"


def test_what_still_calls_people_stands_first() -> None:
    taken, quiet, calling = shown(TAKEN), shown(), shown(CALLED, role=Role.VIEWER)
    assert in_order([taken, quiet, calling]) == [calling, taken, quiet]


def test_the_room_names_the_policy_that_is_really_used() -> None:
    found = room(shown(CALLED), THE_INCIDENT, alerts=(), directory=DIRECTORY)
    assert (found.policy, found.runbook_url) == ("default", "")
    assert found.group_labels == (("alertname", "HighErrorRate"), ("service", "checkout"))
