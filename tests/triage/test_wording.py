"""Words for people out of what strangers wrote."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.ids import AlertId
from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.wording import (
    SUMMARY_LENGTH_MAX,
    TITLE_LENGTH_MAX,
    group_title,
    plain,
    summary,
)
from tocsin.triage.model import Alert, AlertState

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def alert(annotations: dict[str, str] | None = None, **labels: str) -> Alert:
    return Alert(
        id=AlertId(UUID(int=1)),
        dedup_key=b"k",
        state=AlertState.FIRING,
        labels=labels,
        annotations=annotations or {},
        source_url="",
        integration="prometheus",
        starts_at=NOON,
        ends_at=NOON,
        ends_by_timeout=False,
        updated_at=NOON,
        group_id=None,
        seen_count=1,
        fired_count=1,
        urgency=Urgency.HIGH,
        reasons=(),
    )


@pytest.mark.parametrize(
    ("labels", "names", "title"),
    [
        ({"service": "checkout"}, ["HighErrorRate"], "HighErrorRate on checkout"),
        ({"service": "cart"}, ["A", "B", "A"], "A, B on cart"),
        ({"service": "cart"}, ["A", "B", "C", "D", "E"], "A, B, C and 2 more on cart"),
        ({"alertname": "DiskFull"}, ["DiskFull"], "DiskFull"),
        ({"zone": "eu", "cluster": "k1"}, ["A"], "A (cluster=k1, zone=eu)"),
        ({"service": "cart", "zone": "eu"}, ["A"], "A on cart (zone=eu)"),
        ({"service": "cart"}, [""], "service=cart"),
    ],
)
def test_a_title_names_the_alerts_and_the_place(
    labels: dict[str, str], names: list[str], title: str
) -> None:
    assert group_title(labels, [alert(alertname=name) for name in names]) == title


def test_a_group_without_labels_and_names_still_has_a_title() -> None:
    assert group_title({}, [alert(job="x")]) == "job=x"


@given(st.text(), st.text(), st.text())
def test_no_control_character_and_no_flood_reaches_a_person(
    name: str, service: str, text: str
) -> None:
    one = alert({"summary": text}, alertname=name, service=service)
    title = group_title({"service": service}, [one])
    assert title.isprintable()
    assert len(title) <= TITLE_LENGTH_MAX
    assert summary(one).isprintable()
    assert len(summary(one)) <= SUMMARY_LENGTH_MAX


def test_plain_text_stays_on_one_line_and_says_when_it_was_cut() -> None:
    assert plain("a\x00b\r\n\u202ec", 20) == "a b c"
    assert plain("x" * 30, 10) == "x" * 9 + "…"


def test_the_description_stands_in_for_a_missing_summary() -> None:
    assert summary(alert({"description": "all\nof it"})) == "all of it"
    assert summary(alert()) == ""
