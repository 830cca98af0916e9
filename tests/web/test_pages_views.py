"""What screens say of incidents, pages, alerts and shifts: pure builders, no database."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from tocsin.app.wiring import catalog
from tocsin.command.model import Incident, IncidentStatus
from tocsin.governance.model import Link, LinkPurpose
from tocsin.kernel.access import Role
from tocsin.kernel.ids import IncidentId, PageId, PersonId, PolicyId, ScheduleId, uuid7
from tocsin.kernel.live import Moved
from tocsin.kernel.timeline import Entry
from tocsin.kernel.vocabulary import Severity, Urgency
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.rotation import on_call, shifts
from tocsin.oncall.model import (
    Method,
    MethodKind,
    NotificationState,
    Page,
    PageState,
    Person,
    PersonTarget,
    Policy,
    Rotation,
    RotationUnit,
    Step,
)
from tocsin.oncall.reads import AttemptRow, NotificationRow
from tocsin.web.pages.access import outcome
from tocsin.web.pages.list_views import duties, health, horizon, schedule_view
from tocsin.web.pages.live import message, topics
from tocsin.web.pages.page_views import TIMER, forecast, masked, page_views, step_words
from tocsin.web.pages.timeline_views import LOOKS, OTHER, entry_views, look
from tocsin.web.pages.views import Row, in_order, room, row
from tocsin.web.services import Readiness

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
MAYA, JONAS, POLICY, INCIDENT = PersonId(uuid7()), PersonId(uuid7()), PolicyId(uuid7()), uuid7()
EMAIL = Method(kind=MethodKind.EMAIL, address="maya@example.org")
DIRECTORY = Directory(
    {
        MAYA: Person(id=MAYA, name="maya", display_name="Maya Okafor", methods=(EMAIL,)),
        JONAS: Person(id=JONAS, name="jonas", display_name="Jonas Weber", methods=(EMAIL,)),
    },
    {},
    {
        "default": Policy(
            id=POLICY,
            name="default",
            steps=(Step((PersonTarget(MAYA),), 300), Step((PersonTarget(JONAS),), 300)),
            catch_all=(PersonTarget(MAYA), PersonTarget(JONAS)),
        )
    },
)
THE_INCIDENT = Incident(
    id=IncidentId(INCIDENT),
    number=42,
    title="HighErrorRate on checkout",
    description="6.8 % of requests fail",
    status=IncidentStatus.INVESTIGATING,
    severity=Severity.SEV1,
    urgency=Urgency.HIGH,
    policy="",
    labels={"service": "checkout", "alertname": "HighErrorRate"},
    opened_at=NOON,
)
CALLED = Page(
    id=PageId(uuid7()),
    incident_id=IncidentId(INCIDENT),
    policy_id=POLICY,
    epoch=1,
    step=0,
    opened_at=NOON,
)
TAKEN = replace(
    CALLED, epoch=2, state=PageState.ACKNOWLEDGED, acknowledged_by=MAYA, acknowledged_at=NOON
)
DUE = NOON + timedelta(minutes=5)
WAITING = {CALLED.id: [("oncall.deliver", NOON), (TIMER, DUE)]}


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


def test_what_nobody_has_taken_stands_first() -> None:
    taken, untaken = shown(TAKEN), shown(CALLED)
    assert in_order([taken, untaken]) == [untaken, taken]


def test_the_room_names_the_policy_that_is_really_used() -> None:
    found = room(shown(CALLED), THE_INCIDENT, alerts=(), directory=DIRECTORY)
    assert (found.policy, found.runbook_url) == ("default", "")
    assert found.group_labels == (("alertname", "HighErrorRate"), ("service", "checkout"))


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (EMAIL, "m…@example.org"),
        (Method(kind=MethodKind.WEBHOOK, address="https://h.test/key/7"), "h.test/…"),
        (None, "address removed"),
    ],
)
def test_addresses_are_masked(method: Method | None, expected: str) -> None:
    assert masked(method) == expected


def test_a_message_shows_its_last_failure_without_the_address() -> None:
    message_id = uuid7()
    one = NotificationRow(
        id=message_id, page_id=CALLED.id, epoch=1, loop=0, step=0, catch=0, person_id=MAYA,
        method=0, kind="email", state=NotificationState.QUEUED, attempt_count=2, queued_at=NOON,
    )  # fmt: skip
    tries = [
        AttemptRow(
            notification_id=message_id, number=n, started_at=NOON + timedelta(seconds=n),
            ended_at=None, outcome="transient", provider_id="", error=error,
        )
        for n, error in ((1, "first"), (2, "451 maya@example.org: try later"))
    ]  # fmt: skip
    (view,) = page_views([CALLED], [one], tries, waiting=WAITING, directory=DIRECTORY)
    (found,) = view.notifications
    assert (found.person, found.address_masked) == ("Maya Okafor", "m…@example.org")
    assert (found.state, found.attempts) == ("retrying", 2)
    assert found.last_error == "451 m…@example.org: try later"
    assert found.at == NOON + timedelta(seconds=2)


def test_a_page_says_how_far_it_has_climbed() -> None:
    assert step_words(CALLED, 2, 1) == "step 1 of 2, round 1 of 2"
    assert step_words(replace(CALLED, step=1), 2, 0) == "step 2 of 2"
    assert step_words(replace(CALLED, catch=3), 2, 0) == "catch-all, call 3"


def test_an_acknowledged_page_warns_that_it_is_paged_again() -> None:
    found = forecast(TAKEN, [(TIMER, DUE)], DIRECTORY)
    assert found.is_call is False
    assert found.words == (
        "Acknowledged by Maya Okafor. Unless it is resolved, pages Maya Okafor again"
    )


LINK = Link(
    hash=b"", purpose=LinkPurpose.ACKNOWLEDGE, person_id=MAYA, page_id=CALLED.id,
    role=Role.RESPONDER, expires_at=NOON + timedelta(days=2), used_at=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("page", "link", "state", "words"),
    [
        (CALLED, LINK, "usable", "Jonas Weber is called at 12:05 UTC unless you acknowledge."),
        (CALLED, replace(LINK, expires_at=NOON), "expired", "expired"),
        (TAKEN, LINK, "acknowledged", "You acknowledged INC-42 at 12:00 UTC"),
        (TAKEN, replace(LINK, person_id=JONAS), "used", "Maya Okafor acknowledged INC-42"),
        (replace(TAKEN, acknowledged_by=None), LINK, "used", "Somebody with a token"),
        (
            replace(TAKEN, state=PageState.RESOLVED, resolved_at=DUE),
            LINK,
            "resolved",
            "INC-42 is over since 12:05 UTC",
        ),
    ],
)
def test_a_link_says_what_it_is_still_good_for(
    page: Page, link: Link, state: str, words: str
) -> None:
    ahead = forecast(page, WAITING[CALLED.id], DIRECTORY)
    found = outcome(page, link, ahead, number="INC-42", directory=DIRECTORY, now=NOON)
    assert found[0] == state
    assert words in found[1]


WEEKLY = Rotation(
    id=ScheduleId(uuid7()), name="primary", zone="Europe/Berlin",
    starts_at_local="2026-01-05T09:00", unit=RotationUnit.WEEK, people=(MAYA, JONAS),
)  # fmt: skip


def test_a_schedule_shows_its_next_turns_by_its_own_clock() -> None:
    turns = shifts(WEEKLY, NOON, horizon(WEEKLY, NOON))
    found = schedule_view(WEEKLY, on_call(WEEKLY, NOON), turns, DIRECTORY)
    assert (found.now_person, found.next_person) == ("Jonas Weber", "Maya Okafor")
    assert len(found.shifts) == 5
    assert {f"{shift.start_at:%H:%M}" for shift in found.shifts} == {"09:00"}  # across DST


def test_a_schedule_that_has_not_begun_says_until_when_nobody_is_on_call() -> None:
    later = replace(WEEKLY, starts_at_local="2026-03-30T09:00")
    turns = shifts(later, NOON, horizon(later, NOON))
    found = schedule_view(later, on_call(later, NOON), turns, DIRECTORY)
    assert (found.now_person, found.next_person) == (None, "Maya Okafor")
    assert found.until == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert duties([(later, None)], DIRECTORY)[0].person is None


def test_health_puts_problems_before_numbers() -> None:
    ready = Readiness(
        ready=False, problems=("sorting is 9 s behind",), warnings=("no mail server",),
        sort_lag_s=9.0, due_lag_s=0.0, skew_s=0.0, unsealed_s=0.1,
    )  # fmt: skip
    found = [(fact.value, fact.tone) for fact in health(ready)]
    assert found[:4] == [
        ("no", "crit"),
        ("sorting is 9 s behind", "crit"),
        ("no mail server", "warn"),
        ("9 s", "warn"),
    ]


def test_every_event_has_its_own_looks_and_every_icon_is_built() -> None:
    text = (Path(__file__).parents[2] / "ui" / "icons.txt").read_text(encoding="utf-8")
    icons = {word for line in text.splitlines() if line[:1] != "#" for word in line.split()}
    assert {icon for icon, _ in (*LOOKS.values(), OTHER)} <= icons
    assert [kind for kind in catalog().by_kind if look(kind) == OTHER] == []


def test_a_timeline_names_the_actor_only_if_the_sentence_does_not() -> None:
    def entry(actor: str) -> Entry:
        return Entry(
            seq=None, id=uuid7(), at=NOON, kind="oncall.page_acknowledged", actor=actor,
            sentence="Maya Okafor acknowledged by web", cause=None,
        )  # fmt: skip

    actors = (f"person:{MAYA}", f"person:{JONAS}", f"token:{uuid7()}", f"system:{UUID(int=0)}")
    found = entry_views(map(entry, actors), DIRECTORY.name_of)
    assert [one.by for one in found] == [None, "Jonas Weber", "a token", None]
    assert {(one.icon, one.tone) for one in found} == {("user-check", "ok")}


def test_a_record_moves_the_screens_that_show_it() -> None:
    assert topics(Moved(7, "oncall.page_opened", INCIDENT)) == (
        "now",
        "banner",
        f"incident:{INCIDENT}",
    )
    assert message(Moved(7, "triage.group_grew", None)) == (
        b"id: 7\nevent: moved\ndata: now alerts groups\n\n"
    )
    assert message(Moved(8, "governance.signed_in", None)) == b""


def test_templates_listen_only_to_topics_that_are_sent() -> None:
    sent = {topic for kind in catalog().by_kind for topic in topics(Moved(1, kind, None))}
    folder = Path(__file__).parents[2] / "src" / "tocsin" / "web" / "templates"
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.html")]
    listened = {
        topic
        for text in texts
        for found in re.findall(r'data-live="([a-z ]+)"', text)
        for topic in found.split()
    }
    assert listened <= sent
