"""What screens say of pages, links, shifts, health and the log: pure builders, no database."""

import re
from datetime import timedelta
from itertools import starmap
from pathlib import Path

import pytest
from msgspec.structs import replace
from pages_nouns import (
    CALLED,
    DIRECTORY,
    DUE,
    EMAIL,
    INCIDENT,
    JONAS,
    MAYA,
    NOON,
    TAKEN,
    WAITING,
)

from tocsin.app.wiring import catalog
from tocsin.governance.model import Link, LinkPurpose
from tocsin.kernel.access import Role
from tocsin.kernel.ids import ScheduleId, uuid7
from tocsin.kernel.live import Moved
from tocsin.kernel.timeline import Entry
from tocsin.oncall.model import (
    Method,
    MethodKind,
    NotificationState,
    Page,
    PageState,
    Schedule,
)
from tocsin.oncall.reads import AttemptRow, NotificationRow, SlotNow
from tocsin.web.forecasts import TIMER, forecast
from tocsin.web.pages.access import outcome
from tocsin.web.pages.list_views import duties, health
from tocsin.web.pages.live import message, topics
from tocsin.web.pages.page_views import masked, page_views, step_words
from tocsin.web.pages.timeline_views import LOOKS, OTHER, entry_views, look
from tocsin.web.services import Readiness

LINK = Link(
    hash=b"", purpose=LinkPurpose.ACKNOWLEDGE, person_id=MAYA, page_id=CALLED.id,
    role=Role.RESPONDER, expires_at=NOON + timedelta(days=2), used_at=None,
)  # fmt: skip
PRIMARY = Schedule(id=ScheduleId(uuid7()), name="primary", zone="Europe/Berlin")


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
    found = forecast(TAKEN, [(TIMER, DUE)], DIRECTORY)  # DUE is the void timer of its step
    assert found.is_call is False
    assert found.at == NOON + timedelta(minutes=30)
    assert found.words == (
        "Acknowledged by Maya Okafor. Unless it is resolved, pages Maya Okafor again"
    )


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


def test_a_schedule_that_has_not_begun_has_nobody_on_call() -> None:
    nobody = SlotNow(schedule=PRIMARY, slot="primary", shift=None)
    assert duties([nobody], DIRECTORY)[0].person is None


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
    def entry(kind: str, by: str) -> Entry:
        return Entry(
            seq=None, id=uuid7(), at=NOON, kind="oncall.page_acknowledged",
            actor=f"{kind}:{uuid7()}", by=by, sentence="Maya Okafor acknowledged by web",
            cause=None,
        )  # fmt: skip

    asked = [
        ("person", "Maya Okafor"), ("person", "Jonas Weber"), ("token", "deploy-bot"),
        ("local", "local:root"), ("system", "Tocsin"),
    ]  # fmt: skip
    found = entry_views(starmap(entry, asked))
    assert [one.by for one in found] == [None, "Jonas Weber", "deploy-bot", "local:root", None]
    assert {(one.icon, one.tone) for one in found} == {("user-check", "ok")}


def test_a_record_moves_the_screens_that_show_it() -> None:
    assert topics(Moved(7, "oncall.page_opened", INCIDENT)) == (
        "now",
        "banner",
        "inbox",
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
    assert listened <= sent | {"tick"}  # which every page says to itself
