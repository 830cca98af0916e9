"""When a job is expected: after a ping, whatever the clocks of its zone do, and as cron runs it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.kernel.errors import Invalid
from tocsin.signals.core.expecting import EARLY, expected_after, read_cron, read_zone
from tocsin.signals.core.heartbeat_config import Heartbeats, HeartbeatSpec, compile_heartbeats
from tocsin.signals.model import FOR_EVER, Rule

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
CRONS = (
    "* * * * *", "*/5 * * * *", "0 * * * *", "30 2 * * *", "15,45 1-3 * * *", "0 0 * * 1",
    "0 5 1 * *", "59 23 L * *", "30 2 29 2 *", "0 12 * * MON#2", "*/7 */2 * * 1-5",
)  # fmt: skip
START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 150_000_000).map(lambda second: START + timedelta(seconds=second))
# clocks in Berlin go from 3:00 back to 2:00 at 1:00 UTC, and from 2:00 to 3:00 in spring
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)
SPRING = datetime(2026, 3, 29, tzinfo=UTC)


def times(rule: Rule, start: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        start = expected_after(rule, start)
        found.append(f"{start:%d %H:%M}")
    return found


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), INSTANTS)
@example("30 2 * * *", "Europe/Berlin", AUTUMN + timedelta(hours=1, minutes=15))
@example("15,45 1-3 * * *", "Europe/Berlin", AUTUMN + timedelta(minutes=50))
def test_the_next_time_is_later_and_none_is_passed_over(
    cron: str, zone: str, at: datetime
) -> None:
    rule = Rule(cron=cron, zone=zone)
    found = expected_after(rule, at)
    assert found > at + EARLY
    assert found.tzinfo is UTC
    assert (found.second, found.microsecond) == (0, 0)
    # whoever is heard of in between is expected at the same time
    between = at + (found - at - EARLY) / 2
    if between < found - EARLY:
        assert expected_after(rule, between) == found


@given(st.integers(10, 10**7), INSTANTS)
def test_a_period_goes_by_no_clock(every_s: int, at: datetime) -> None:
    assert expected_after(Rule(every_s=every_s), at) == at + timedelta(seconds=every_s)


@given(st.sampled_from(ZONES), INSTANTS, st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_comes_once_a_day_on_either_change_of_the_clocks(
    zone: str, at: datetime, hour: int, minute: int
) -> None:
    rule = Rule(cron=f"{minute} {hour} * * *", zone=zone)
    first = expected_after(rule, at)
    second = expected_after(rule, first)
    days = [one.astimezone(ZoneInfo(zone)).date() for one in (first, second)]
    assert days[1] - days[0] == timedelta(days=1)


def test_what_autumn_repeats_is_expected_once_and_what_spring_skips_is_made_up_for() -> None:
    daily = Rule(cron="30 2 * * *", zone="Europe/Berlin")
    assert times(daily, AUTUMN - timedelta(days=1), 3) == ["24 00:30", "25 00:30", "26 01:30"]
    assert times(daily, SPRING - timedelta(days=1), 3) == ["28 01:30", "29 01:00", "30 00:30"]
    # in the second of the two hours the first one is over
    assert times(daily, AUTUMN + timedelta(hours=1, minutes=10), 1) == ["26 01:30"]
    hourly = Rule(cron="*/30 * * * *", zone="Europe/Berlin")
    assert times(hourly, AUTUMN + timedelta(minutes=20), 4) == [
        "25 00:30", "25 01:00", "25 01:30", "25 02:00",
    ]  # fmt: skip
    assert times(hourly, SPRING + timedelta(minutes=40), 2) == ["29 01:00", "29 01:30"]


def test_a_job_whose_clock_is_a_moment_ahead_is_not_expected_twice() -> None:
    rule = Rule(cron="0 5 * * *")
    assert expected_after(rule, datetime(2026, 7, 6, 4, 59, 57, tzinfo=UTC)) == datetime(
        2026, 7, 7, 5, tzinfo=UTC
    )
    assert expected_after(rule, datetime(2026, 7, 6, 4, 59, 50, tzinfo=UTC)) == datetime(
        2026, 7, 6, 5, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("@daily", "0 0 * * *"),
        (" @HOURLY ", "0 * * * *"),
        ("*/5 9-17 * * mon-fri", "*/5 9-17 * * mon-fri"),
    ],
)
def test_cron_is_read_as_people_write_it(text: str, kept: str) -> None:
    assert read_cron(text, field="cron") == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* * * *", "wrong number of fields"),
        ("61 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 */20 * 1L", "never comes"),
        ("* * * * 1#2/3", "bad day-of-week"),
        ("ölf * * * *", "is no cron expression"),
        ("* * * * *\n* * * * *", "is no cron expression"),
        ("@reboot", "is no cron expression"),
        ("*," * 80, "longer than 120"),
        ("", "is no cron expression"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_the_cure(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=r"write e\.g\.") as refused:
        read_cron(text, field="Heartbeat/backup: spec.cron")
    assert said in refused.value.detail.lower()
    assert refused.value.detail.startswith("Heartbeat/backup: spec.cron: ")


@given(st.text("0123456789*/,-#LWMONJA@ ", max_size=24))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        cron = read_cron(text, field="cron")
    except Invalid:
        return
    at = datetime(2026, 7, 6, tzinfo=UTC)
    assert at < expected_after(Rule(cron=cron, zone="Europe/Berlin"), at) <= FOR_EVER


@pytest.mark.parametrize("name", ["Europe/Berin", "", "../../etc/passwd", "Europe", "a\0b"])
def test_what_is_no_zone_is_refused_with_the_cure(name: str) -> None:
    with pytest.raises(Invalid, match="IANA"):
        read_zone(name, field="timezone")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (HeartbeatSpec(), "spec: neither every nor cron is set"),
        (HeartbeatSpec(every="5m", cron="* * * * *"), "spec: both every and cron is set"),
        (HeartbeatSpec(every="5"), "spec.every: '5' is no duration"),
        (HeartbeatSpec(every="9s"), "spec.every: from 10s to 366d"),
        (HeartbeatSpec(every="5m", grace="367d"), "spec.grace: from 0 to 366d"),
        (HeartbeatSpec(every="5m", timezone="Europe/Berlin"), "spec.timezone: only cron"),
        (HeartbeatSpec(cron="* * * * *", timezone="Berlin"), "spec.timezone: 'Berlin'"),
        (HeartbeatSpec(every="5m", labels={"severity": "x"}), "use spec.severity"),
        (HeartbeatSpec(every="5m", labels={"alertname": "x"}), "leave it out"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_by_field(spec: HeartbeatSpec, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        compiled(spec)
    assert refused.value.detail.startswith("Heartbeat/backup: spec")
    assert said in refused.value.detail


def test_a_spec_becomes_a_rule() -> None:
    spec = HeartbeatSpec(cron="@daily", timezone="Europe/Berlin", grace="1h")
    [one] = compiled(spec).by_name.values()
    assert one.rule == Rule(cron="0 0 * * *", zone="Europe/Berlin", grace_s=3600)
    [one] = compiled(HeartbeatSpec(every="90s")).by_name.values()
    assert one.rule == Rule(every_s=90, grace_s=300)


def compiled(spec: HeartbeatSpec) -> Heartbeats:
    from uuid import UUID

    from tocsin.kernel.snapshot import Resource, Resources

    return compile_heartbeats(Resources([Resource(UUID(int=1), "Heartbeat", "backup", spec)]))
