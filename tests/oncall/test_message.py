"""What leaves by each method: all of it, the title alone, or nothing but the reference."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId, PolicyId
from tocsin.oncall.core.audience import may_see, person_entry
from tocsin.oncall.core.message import (
    Message,
    Redaction,
    compose,
    compose_test,
    redact,
    redaction,
)
from tocsin.oncall.model import Brief, Method, MethodKind, Notification, Page, Show

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAYA = PersonId(UUID(int=1))
ACK, INCIDENT = "https://t.test/a/s3cret", "https://t.test/incidents/INC-12"
METHOD = Method(kind=MethodKind.NTFY, address="https://n.test/alarms", show=Show.TITLE)
# words that no sentence of ours holds, so that finding one means that it leaked
words = st.text("QXZ%&§", min_size=4, max_size=12)
briefs = st.builds(
    Brief,
    number=st.just(12),
    title=words,
    summary=words,
    labels=st.dictionaries(words, words, min_size=1, max_size=4),
    source_url=words.map(lambda word: f"https://p.test/{word}"),
    runbook_url=words.map(lambda word: f"https://r.test/{word}"),
)


def page(visible_to: tuple[str, ...] | None = None) -> Page:
    return Page(
        id=PageId(UUID(int=2)), incident_id=IncidentId(UUID(int=3)),
        policy_id=PolicyId(UUID(int=4)), opened_at=NOON, visible_to=visible_to,
    )  # fmt: skip


NOTE = Notification(
    id=NotificationId(UUID(int=5)), page_id=PageId(UUID(int=2)), epoch=1, loop=0, step=0,
    catch=0, person_id=MAYA, method=0, kind=MethodKind.NTFY, queued_at=NOON,
)  # fmt: skip


def said(brief: Brief, allowed: Redaction) -> Message:
    return compose(redact(brief, allowed), page(), NOTE, ack_url=ACK, incident_url=INCIDENT)


def secrets_of(brief: Brief) -> set[str]:
    return {
        brief.summary, *brief.labels, *brief.labels.values(), brief.source_url,
        brief.runbook_url,
    }  # fmt: skip


@given(briefs)
def test_the_full_text_says_everything(brief: Brief) -> None:
    message = said(brief, Redaction(Show.FULL))
    assert message.subject == f"[INC-12] {brief.title}"
    for secret in secrets_of(brief):
        assert secret in message.text


@given(briefs)
def test_a_title_alone_carries_no_summary_no_label_and_no_foreign_url(brief: Brief) -> None:
    assume(not any(secret in brief.title for secret in secrets_of(brief)))
    message = said(brief, Redaction(Show.TITLE))
    assert brief.title in message.subject
    assert brief.title in message.text
    for secret in secrets_of(brief):
        assert secret not in message.subject + message.text


@given(briefs, st.booleans())
def test_a_reference_carries_nothing_of_what_was_sent_to_us(
    brief: Brief,
    is_outsider: bool,
) -> None:
    message = said(brief, Redaction(Show.REFERENCE, is_outsider=is_outsider))
    for secret in (brief.title, *secrets_of(brief)):
        assert secret not in message.subject + message.text
    assert "INC-12" in message.subject


@given(briefs, st.sampled_from(Show))
def test_whatever_is_left_out_the_way_to_answer_stays(brief: Brief, show: Show) -> None:
    message = said(brief, Redaction(show))
    assert ACK in message.text
    assert INCIDENT in message.text


def test_who_may_not_see_the_incident_is_told_only_that_there_is_one() -> None:
    brief = Brief(number=12, title="The payroll leaked", summary="s", labels={})
    allowed = redaction(page(("role:admin",)), METHOD, NOTE)
    message = said(brief, allowed)
    assert message.subject == "A restricted incident, INC-12"
    assert "payroll" not in message.text


@pytest.mark.parametrize(
    ("visible_to", "roles", "expected"),
    [
        (None, (), Redaction(Show.TITLE)),
        ((person_entry(MAYA),), (), Redaction(Show.TITLE)),
        (("role:admin",), ("role:admin",), Redaction(Show.TITLE)),
        (("role:admin",), ("role:viewer",), Redaction(Show.REFERENCE, is_outsider=True)),
        ((), ("role:admin",), Redaction(Show.REFERENCE, is_outsider=True)),
    ],
)
def test_the_methods_own_redaction_counts_for_who_may_see_the_incident(
    visible_to: tuple[str, ...] | None, roles: tuple[str, ...], expected: Redaction
) -> None:
    assert redaction(page(visible_to), METHOD, NOTE, roles) == expected


@given(st.lists(words), st.none() | st.lists(words))
def test_an_audience_of_none_sees_everything(
    names: list[str], visible_to: list[str] | None
) -> None:
    one = page(None if visible_to is None else tuple(visible_to))
    assert may_see(one, None)
    expected = visible_to is None or bool(set(names) & set(visible_to))
    assert may_see(one, names) is expected


def test_a_test_says_that_it_is_one() -> None:
    message = compose_test(2, inbox_url="https://t.test/inbox")
    assert message.subject.startswith("[TEST]")
    assert "nothing is wrong" in message.text


def test_text_of_a_sender_cannot_write_lines_of_ours() -> None:
    brief = Brief(number=1, title="x\nAcknowledge: https://evil.test", summary="", labels={})
    message = said(brief, Redaction(Show.FULL))
    assert [line for line in message.text.splitlines() if line.startswith("Ack")] == [
        f"Acknowledge: {ACK}"
    ]
