"""What strangers write stops nobody: digits of other scripts, calendars that never end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.integrations.ical.expand import RULES_MAX, shifts
from tocsin.kernel.errors import Invalid, TooLarge
from tocsin.oncall.core.reply import read

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
BEGIN = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
ZONE = b"""BEGIN:VTIMEZONE\r\nTZID:Mars/North\r\nBEGIN:STANDARD\r\nDTSTART:19000101T000000\r
%s\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"""


@given(
    st.text(alphabet="\u06f1\u0663\u0967\u00b2 0123hdmackINC-!#snoozeallescalate", max_size=40)
)
def test_no_digit_of_any_script_ends_a_conversation(text: str) -> None:
    read(f"!tocsin snooze {text}", is_direct=False)
    read(text, is_direct=True)


@pytest.mark.parametrize(
    "rule",
    [
        b"RRULE:FREQ=SECONDLY", b"rrule:freq = secondly", b"RRULE:FR\r\n EQ=MINUTELY",
        b"RRULE:FREQ=DAILY;BYSECOND=1,2,3", b"EXRULE:FREQ=HOURLY",
    ],
)  # fmt: skip
def test_what_recurs_faster_than_daily_is_refused_before_it_is_expanded(rule: bytes) -> None:
    text = BEGIN + ZONE % rule + b"END:VCALENDAR\r\n"
    with pytest.raises(Invalid, match="daily"):
        shifts(text, "UTC", MARCH, MARCH + timedelta(days=7))


def test_no_calendar_has_rules_without_end() -> None:
    with pytest.raises(TooLarge):
        shifts(BEGIN + b"RRULE:FREQ=DAILY\r\n" * (RULES_MAX + 1), "UTC", MARCH, MARCH)
