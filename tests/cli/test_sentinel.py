"""The sentinel: its decisions over a night, its eyes, and one real round over loopback."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tocsin.cli.sentinel import ANYWHERE, Owed, Probe, contacts, deliver, guard, sentinel
from tocsin.cli.sentinel_phones import Phones, phones
from tocsin.cli.watch import (
    Action,
    Alarm,
    AllClear,
    Limits,
    Observation,
    Watch,
    compose,
    overdue_s,
    trouble,
    watch,
)
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound
from tocsin.integrations.webhook.send import Webhook
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent, TransientFailure

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
GOOD = Observation(ready=True, lag_s=0.2)
GONE = Observation(ready=False, lag_s=None, detail="refused")
LATE = Observation(ready=True, lag_s=61.0)
BLIND = Observation(ready=True, lag_s=None, detail="/metrics: 401")


def night(*looks: Observation, every_s: float = 10) -> list[tuple[int, Action]]:
    state, told = Watch(), []
    for number, look in enumerate(looks):
        now = NOON + timedelta(seconds=number * every_s)
        state, actions = watch(state, look, now, Limits())
        told += [(number, action) for action in actions]
    return told


def test_two_failures_are_no_alarm() -> None:
    assert night(GONE, GONE, GOOD, GONE, GONE, GOOD) == []


def test_the_third_failure_in_a_row_is_an_alarm_since_the_first() -> None:
    ((number, alarm),) = night(GOOD, GONE, GONE, GONE, GONE)
    assert number == 3
    assert alarm == Alarm(
        reason="refused",
        since=NOON + timedelta(seconds=10),
        at=NOON + timedelta(seconds=30),
        repeated=False,
    )


def test_late_timers_are_an_alarm_at_once() -> None:
    ((number, alarm),) = night(GOOD, LATE)
    assert number == 1
    assert isinstance(alarm, Alarm)
    assert alarm.reason == "timers are 61 s late"


def test_a_lag_that_cannot_be_read_is_no_outage() -> None:
    assert night(BLIND, BLIND, BLIND, BLIND) == []


def test_the_alarm_is_repeated_every_ten_minutes_while_it_lasts() -> None:
    told = night(*[GONE] * 130)
    assert [number for number, _ in told] == [2, 62, 122]
    assert [action.repeated for _, action in told if isinstance(action, Alarm)] == [
        False,
        True,
        True,
    ]


def test_two_good_looks_end_it_and_one_does_not() -> None:
    told = night(GONE, GONE, GONE, GOOD, GONE, GOOD, GOOD, GOOD)
    assert [(number, type(action)) for number, action in told] == [(2, Alarm), (6, AllClear)]
    assert told[1][1] == AllClear(NOON, NOON + timedelta(seconds=60))


@given(st.lists(st.sampled_from([GOOD, GONE, LATE, BLIND]), max_size=200))
def test_alarms_and_all_clears_alternate_and_never_come_too_often(
    looks: list[Observation],
) -> None:
    alarmed_at = None
    for number, action in night(*looks):
        at = NOON + timedelta(seconds=number * 10)
        if isinstance(action, AllClear):
            assert alarmed_at is not None
            alarmed_at = None
        else:
            assert action.repeated is (alarmed_at is not None)
            assert alarmed_at is None or at - alarmed_at >= timedelta(minutes=10)
            alarmed_at = at


def test_each_message_of_an_outage_has_its_own_key_and_one_thread() -> None:
    messages = [
        compose(action, url="https://t") for _, action in night(*[GONE] * 130, GOOD, GOOD)
    ]
    assert len(messages) == 4
    assert len({message.key for message in messages}) == 4
    assert len({message.thread for message in messages}) == 1
    assert messages[0].subject == "Tocsin is not working: refused"
    assert messages[-1].subject == "Tocsin works again"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("tocsin_due_timer_lag_seconds 0.5\n", 0.5),
        ("# HELP x\ntocsin_due_timer_lag_seconds 1\ntocsin_due_timer_lag_seconds_max 9\n", 1.0),
        (
            (
                'tocsin_due_timer_lag_seconds{role="a b"} 2\n'
                'tocsin_due_timer_lag_seconds{role="c"} 3 1700000000\n'
            ),
            3.0,
        ),
        ("tocsin_due_timer_lag_seconds NaN\n", None),
        ("tocsin_due_timer_lag_seconds broken\n", None),
        ("tocsin_due_timer_lag_seconds +Inf\n", float("inf")),
    ],
)
def test_the_lag_is_read_from_prometheus_text(text: str, expected: float | None) -> None:
    assert overdue_s(text) == expected


class Listener:
    """A channel that answers as it is told and keeps what it took."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.taken: list[Outgoing] = []

    async def send(self, message: Outgoing) -> Outcome:
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Sent):
            self.taken.append(message)
        return outcome


async def test_who_could_not_be_told_is_tried_again_and_others_are_not() -> None:
    steady, shaky = Listener(Sent("1")), Listener(TransientFailure("busy"), Sent("2"))
    wrong = Listener(PermanentFailure("no such address"))
    message = Outgoing(to="", subject="s", text="t", key="k")
    owed: Owed = tuple(((one, "x"), message) for one in (steady, shaky, wrong))
    owed = await deliver(owed)
    assert [channel for (channel, _), _ in owed] == [shaky]
    assert await deliver(owed) == ()
    assert len(steady.taken) == len(shaky.taken) == 1


class Site:
    """An HTTP server that is ready or not, shows a lag, and keeps what is posted to it."""

    def __init__(self) -> None:
        self.ready, self.lag_s, self.port = True, 0.0, 0
        self.posts: list[dict[str, object]] = []
        self.tokens: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        body = await reader.readexactly(int(length or 0))
        self.tokens.add(head.partition("authorization: ")[2].partition("\r\n")[0])
        status, text = 200, "ok"
        if head.startswith("get /health/ready"):
            status = 200 if self.ready else 503
        elif head.startswith("get /metrics"):
            text = f"tocsin_due_timer_lag_seconds {self.lag_s}\n"
        else:
            self.posts.append(json.loads(body))
        writer.write(
            f"HTTP/1.1 {status} x\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode()
        )
        writer.close()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    served = Site()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served


async def one_round(served: Site) -> bool:
    outbound = Outbound(allowed=ANYWHERE, timeout_s=5)
    url = f"http://127.0.0.1:{served.port}"
    told = contacts(
        [f"{url}/hook", f"{url}/hook?2", f"ntfy+http://127.0.0.1:{served.port}/alarms"],
        mail=None,
        webhook=Webhook(outbound, secret="s", now=lambda: NOON),
        ntfy=Ntfy(outbound),
    )
    return await guard(
        Probe(outbound, url=url, token="t0ken"),
        told,
        url=url,
        limits=Limits(after=1),
        every_s=10,
        now=lambda: NOON,
        once=True,
    )


async def test_a_tocsin_that_is_well_pages_nobody() -> None:
    async with site() as served:
        assert await one_round(served)
        assert served.posts == []
        assert served.tokens == {"bearer t0ken"}


@pytest.mark.parametrize(("ready", "lag_s"), [(False, 0.0), (True, 90.0)])
async def test_a_tocsin_in_trouble_pages_every_contact(ready: bool, lag_s: float) -> None:
    async with site() as served:
        served.ready, served.lag_s = ready, lag_s
        assert not await one_round(served)
        assert len({post.get("key") for post in served.posts}) == len(served.posts)
        assert {post.get("event", "ntfy") for post in served.posts} == {
            "sentinel.alarm",
            "ntfy",
        }


def test_the_command_says_by_its_exit_code_whether_all_is_well() -> None:
    with_nobody = CliRunner().invoke(
        sentinel,
        ["--url", "http://127.0.0.1:1", "--contact", "ntfy+http://127.0.0.1:1/x", "--once"],
    )
    assert with_nobody.exit_code == 1
    assert "Tocsin is not working" in with_nobody.stderr


@pytest.mark.parametrize("address", ["mailto:a@b.org", "pigeon://x", "a@b.org"])
def test_a_contact_without_a_way_to_reach_it_stops_the_start(address: str) -> None:
    outbound = Outbound()
    with pytest.raises(click.UsageError):
        contacts(
            [address],
            mail=None,
            webhook=Webhook(outbound, secret="", now=lambda: NOON),
            ntfy=Ntfy(outbound),
        )


def test_the_sentinel_needs_neither_the_database_nor_the_web_framework() -> None:
    script = (
        "import sys, tocsin.cli.sentinel;"
        "bad = {'psycopg', 'litestar', 'uvicorn', 'jinja2'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_trouble_is_named() -> None:
    assert trouble(GOOD, Limits()) is None
    assert trouble(Observation(ready=False, lag_s=None), Limits()) == "not ready"


GIVEN = {
    "twilio_account": "AC" + "0" * 32, "twilio_token": "secret", "twilio_from": "+15005550006",
    "twilio_url": "", "sms_url": "", "sms_method": "POST", "sms_headers": "",
    "sms_format": "json", "sms_body": '{"to": "{to}", "text": "{text}"}',
}  # fmt: skip


class Telephones:
    """Twilio's API and a gateway on loopback, which keep what they are asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
        body = (await reader.readexactly(int(length or 0))).decode()
        self.asked.append((head.split(" ")[1], body))
        text = '{"sid": "SM1"}'
        writer.write(f"HTTP/1.1 201 x\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())
        writer.close()


async def test_numbers_are_texted_and_called_by_twilio_or_texted_by_a_gateway() -> None:
    served = Telephones()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    outbound = Outbound(allowed=ANYWHERE, timeout_s=5)
    webhook, ntfy = Webhook(outbound, secret="", now=lambda: NOON), Ntfy(outbound)
    named = ["sms:+4915123456789", "tel:+4915123456789"]
    async with server:
        for sms_url in ("", f"{base}/gateway"):
            by_phone = phones(outbound, **GIVEN | {"twilio_url": base, "sms_url": sms_url})
            told = contacts(named, mail=None, webhook=webhook, ntfy=ntfy, by_phone=by_phone)
            message = compose(
                Alarm(reason="refused", since=NOON, at=NOON, repeated=False), url="https://t"
            )
            owed = tuple((one, replace(message, to=one[1])) for one in told)
            assert await deliver(owed) == ()
    messages, calls = "/2010-04-01/Accounts/AC" + "0" * 32 + "/Messages.json", "/Calls.json"
    paths = [path for path, _ in served.asked]
    assert paths.count(messages) == 1
    assert paths.count("/gateway") == 1
    assert len([path for path in paths if path.endswith(calls)]) == 2
    assert all("refused" in body for _, body in served.asked)


@pytest.mark.parametrize(
    ("address", "given", "words"),
    [
        ("sms:+4915123456789", {"twilio_account": "", "twilio_token": ""}, "--sms-url"),
        ("tel:+4915123456789", {"twilio_from": "MG" + "0" * 32}, "--twilio-from"),
        ("tel:015123456789", {}, "tel:+49"),
        ("sms:+4915123456789", {"twilio_account": "x"}, "AC and 32"),
        ("sms:+4915123456789", {"sms_url": "http://g", "sms_format": "xml"}, "--sms-format"),
        ("sms:+4915123456789", {"sms_url": "http://g", "sms_body": "x"}, "no JSON"),
    ],
)  # fmt: skip
def test_a_number_that_nothing_reaches_stops_the_start_and_says_what_is_missing(
    address: str, given: dict[str, str], words: str
) -> None:
    outbound = Outbound()
    with pytest.raises(click.UsageError, match=words.replace("+", r"\+")):
        contacts(
            [address],
            mail=None,
            webhook=Webhook(outbound, secret="", now=lambda: NOON),
            ntfy=Ntfy(outbound),
            by_phone=phones(outbound, **GIVEN | given),
        )


def test_contacts_come_from_the_environment_too_and_none_at_all_is_a_mistake() -> None:
    asked = ["--url", "http://127.0.0.1:1", "--once"]
    environment = {"TOCSIN_LAST_RESORT": "ntfy+http://127.0.0.1:1/x, tel:+4915123456789"}
    missing = CliRunner().invoke(sentinel, asked, env=environment)
    assert "tel: contacts need" in missing.stderr
    environment["TOCSIN_LAST_RESORT"] = "ntfy+http://127.0.0.1:1/x"
    assert "not working" in CliRunner().invoke(sentinel, asked, env=environment).stderr
    nobody = CliRunner().invoke(sentinel, asked, env={"TOCSIN_LAST_RESORT": ""})
    assert nobody.exit_code == 2
    assert Phones().sms is None
