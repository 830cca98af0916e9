"""The demo shows what it promises: trouble by the script, real pages, and an end at once."""

import asyncio
import json
import os
import queue
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import httpx
import pytest

from tocsin.app.demo import example, prepared
from tocsin.app.demo.mailbox import Mail, Mailbox
from tocsin.app.demo.people import habit_for
from tocsin.app.demo.rules import Alert, Key, advanced, parsed, sent
from tocsin.app.demo.shop import CYCLE_S, SITES, TICK_S, Shop
from tocsin.cli import documents
from tocsin.integrations.smtp.send import Smtp
from tocsin.kernel import postgres
from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId, PolicyId, uuid7
from tocsin.kernel.postgres_cluster import Cluster
from tocsin.kernel.settings import Settings
from tocsin.oncall.core.message import compose
from tocsin.oncall.model import Brief, MethodKind, Notification, Page
from tocsin.oncall.ports import Outgoing, Sent
from tocsin.triage.model import REOPEN_WITHIN_S

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)


def fired_and_resolved(*, first_site: int) -> dict[tuple[str, str], tuple[float, float]]:
    """Run one cycle and return, per service and site, when it first fired and was last resolved."""
    shop, known = Shop(), dict[Key, Alert]()
    shop.first_site = first_site
    found: dict[tuple[str, str], tuple[float, float]] = {}
    scrapes = []
    for tick in range(int(CYCLE_S / TICK_S)):
        elapsed_s = tick * TICK_S
        shop.tick(elapsed_s)
        if elapsed_s % 1:
            continue
        scrapes.append(parsed(shop.metrics().decode()))
        now = NOON + timedelta(seconds=elapsed_s)
        known = advanced(known, scrapes[max(0, len(scrapes) - 6)], scrapes[-1], now)
        due = {key: alert for key, alert in known.items() if alert.is_due(now)}
        for alert in due.values():
            where = dict(alert.series)
            key = where["service"], where["site"]
            first_s, last_s = found.get(key, (elapsed_s, 0.0))
            found[key] = first_s, elapsed_s if alert.resolved_at else last_s
        known = sent(known, due, now)
    assert not known, "something still fires at the end of the cycle"
    return found


def test_every_cycle_brings_each_trouble_to_one_site_and_heals_it() -> None:
    times = fired_and_resolved(first_site=1)
    assert set(times) == {
        (service, SITES[1]) for service in ("checkout", "payments-db", "search", "mailer")
    }
    assert times["checkout", SITES[1]][0] <= 5  # the first page comes in seconds
    longest_s = max(last_s - first_s for first_s, last_s in times.values())
    assert (
        len(SITES) * CYCLE_S - longest_s > REOPEN_WITHIN_S
    )  # else it would be the old incident


def test_a_firing_alert_is_repeated_each_minute_and_a_resolve_is_sent_until_it_arrives() -> (
    None
):
    shop = Shop()
    scrapes = []
    for tick in range(12):
        shop.tick(tick * TICK_S)
        scrapes.append(parsed(shop.metrics().decode()))
    fires = advanced({}, scrapes[0], scrapes[-1], NOON)
    later = NOON + timedelta(seconds=2)
    fires = advanced(fires, scrapes[0], scrapes[-1], later)
    (key,) = fires
    assert fires[key].is_due(later)
    fires = sent(fires, [key], later)
    assert not fires[key].is_due(later + timedelta(seconds=59))
    assert fires[key].is_due(later + timedelta(seconds=60))
    gone = advanced(fires, scrapes[0], scrapes[0], later)
    assert gone[key].wire(later, "")["endsAt"] == later.isoformat()
    assert advanced(gone, scrapes[0], scrapes[0], later)[key].is_due(later)
    assert not sent(gone, [key], later)


@pytest.mark.parametrize(
    ("service", "step", "after_s"),
    [("checkout", 0, 60), ("payments-db", 0, None), ("payments-db", 1, 20), ("hello", 0, None)],
)
def test_people_recognise_by_a_real_page_what_they_will_do(
    service: str, step: int, after_s: float | None
) -> None:
    page = Page(
        id=PageId(uuid7()), incident_id=IncidentId(uuid7()), policy_id=PolicyId(uuid7()),
        opened_at=NOON,
    )  # fmt: skip
    notification = Notification(
        id=NotificationId(uuid7()), page_id=page.id, epoch=1, loop=0, step=step, catch=0,
        person_id=PersonId(uuid7()), method=0, kind=MethodKind.EMAIL, queued_at=NOON,
    )  # fmt: skip
    labels = {"service": service, "site": "oslo"}
    brief = Brief(number=1, title="It burns", summary="", labels=labels)
    message = compose(
        brief, page, notification, ack_url="http://x/a/1", incident_url="http://x"
    )
    mail = Mail(to="maya@acme.example", subject=message.subject, text=message.text, link="")
    habit = habit_for(mail)
    assert (habit.after_s if habit else None) == after_s


async def test_the_mailbox_takes_what_the_real_sender_sends() -> None:
    mailbox = Mailbox()
    text = "one\n.two starts with a dot\n.\nAcknowledge: http://127.0.0.1:8640/a/s3cr3t\n"
    message = Outgoing(to="maya@acme.example", subject="Bürste kaputt", text=text, key="k")
    async with await asyncio.start_server(mailbox.talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sender = Smtp(
            f"smtp://127.0.0.1:{port}?starttls=never", sender="t@acme.example", now=lambda: NOON
        )
        assert isinstance(await sender.send(message), Sent)
    (mail,) = mailbox.kept
    assert (mail.to, mail.subject) == ("maya@acme.example", "Bürste kaputt")
    assert mail.text.splitlines()[:3] == ["one", ".two starts with a dot", "."]
    assert mail.link == "http://127.0.0.1:8640/a/s3cr3t"


def test_the_demo_keeps_away_from_real_data_and_from_the_internet() -> None:
    mine = Settings(
        database_url="postgresql://prod", smtp_url="smtp://mail", last_resort=("https://x",),
        allow_networks=("10.0.0.0/8",),
    )  # fmt: skip
    settings = prepared(mine, 2525)
    assert settings.data_dir == Path.cwd() / ".demo"
    assert settings.database_url == ""
    assert settings.smtp_url == "smtp://127.0.0.1:2525?starttls=never"
    assert settings.last_resort == ("mailto:everybody@acme.example",)
    assert settings.allow_networks == ()
    assert prepared(Settings(data_dir=Path("here")), 1).data_dir == Path("here/demo")


def test_the_example_is_small_and_has_a_default_for_everything() -> None:
    found = {one.name for one in documents.read([example()])}
    assert {"EscalationPolicy/default", "Route/default", "Schedule/shop"} <= found


class Running:
    """A demo in a process of its own, and what it has said so far."""

    def __init__(self, data_dir: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        env = {name: value for name, value in os.environ.items() if "TOCSIN" not in name}
        env |= {"TOCSIN_DATA_DIR": str(data_dir), "TOCSIN_PORT": str(self.port)}
        env["PYTHONPATH"] = os.pathsep.join(sys.path)
        self.data_dir = data_dir / "demo"  # what TOCSIN_DATA_DIR names is left to others
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tocsin", "demo"], env=env, stdout=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def waits_for(self, pattern: str, *, within_s: float) -> re.Match[str]:
        """Return the first match in any line, said already or still to come."""
        give_up_at = time.monotonic() + within_s
        at = 0
        while True:
            for line in self.said[at:]:
                if found := re.search(pattern, line):
                    return found
            at = len(self.said)
            left_s = give_up_at - time.monotonic()
            assert left_s > 0, f"no {pattern!r} in:\n" + "\n".join(self.said)
            try:
                self.said.append(self._lines.get(timeout=left_s))
            except queue.Empty:
                continue

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        postgres.stop(self.data_dir)

    def end(self) -> float:
        """Send SIGTERM and return how many seconds the end took."""
        began_at = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        return time.monotonic() - began_at


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One demo for the whole file."""
    with Running(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.mark.db
@pytest.mark.journey
@pytest.mark.slow
def test_the_first_page_goes_out_within_seconds(demo: Running) -> None:
    demo.waits_for(r"INC-\d+ +INC-\d+ declared: HighErrorRate on checkout", within_s=30)
    demo.waits_for(r"mail +to \w+@acme\.example: \[INC-\d+\] HighErrorRate", within_s=30)
    demo.waits_for(r"INC-\d+ +Paged (Maya Okafor|Jonas Weber) by email", within_s=30)
    assert time.monotonic() - demo.started_at < 30
    link = demo.waits_for(r"acknowledge: (http://\S+/a/\S+)", within_s=1)[1]
    assert 'id="acknowledge"' in httpx.get(link).text


@pytest.mark.db
@pytest.mark.journey
@pytest.mark.slow
def test_the_sign_in_link_opens_a_live_screen_with_the_incident(demo: Running) -> None:
    url = demo.waits_for(r"Open +(http://\S+)", within_s=30)[1]
    assert url == f"http://127.0.0.1:{demo.port}"
    link = demo.waits_for(r"Sign in +(http://\S+/sign-in/\S+)", within_s=1)[1]
    demo.waits_for(r"INC-1 +Paged", within_s=30)
    with httpx.Client(follow_redirects=True) as browser:
        screen = browser.post(link)
    assert screen.status_code == 200
    assert "HighErrorRate on checkout" in screen.text


@pytest.mark.db
@pytest.mark.journey
@pytest.mark.slow
def test_the_printed_curl_sends_an_alert_that_pages(demo: Running) -> None:
    line = demo.waits_for(r"^ *(curl .*)$", within_s=30)[1]
    (_, _, bearer, _, media_type, url, _, body) = shlex.split(line)
    headers = dict(header.split(": ", 1) for header in (bearer, media_type))
    assert json.loads(body)[0]["labels"]["alertname"] == "HelloTocsin"
    answer = httpx.post(url, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    demo.waits_for(r"mail +to \S+: \[INC-\d+\] HelloTocsin on hello", within_s=10)
    kept = (demo.data_dir / "demo-token").read_text()
    assert bearer == f"Authorization: Bearer {kept.strip()}"


@pytest.mark.db
@pytest.mark.journey
@pytest.mark.slow
def test_the_metrics_are_there_for_any_prometheus(demo: Running) -> None:
    url = demo.waits_for(r"Metrics +(http://127\.0\.0\.1:\d+/metrics)", within_s=30)[1]
    answer = httpx.get(url)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "http_requests_total" in parsed(answer.text)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.db
@pytest.mark.journey
@pytest.mark.slow
def test_nothing_listens_beyond_this_machine(demo: Running) -> None:
    demo.waits_for(r"Open +http", within_s=30)
    server = Cluster(demo.data_dir).postmaster()
    assert server is not None
    addresses = {*listening(demo.process.pid), *listening(server.pid)}
    assert f"0100007F:{demo.port:04X}" in addresses
    assert [one for one in addresses if not one.startswith("0100007F:")] == []


@pytest.mark.db
@pytest.mark.journey
@pytest.mark.slow
def test_sigterm_ends_it_at_once_with_a_stream_open_and_the_next_start_keeps_the_token(
    tmp_path: Path,
) -> None:
    with Running(tmp_path) as first:
        token = first.waits_for(r"Bearer (tocsin_[\w-]+)", within_s=30)[1]
        sign_in = first.waits_for(r"(http://\S+/sign-in/\S+)", within_s=1)[1]
        metrics_port = first.waits_for(r"Metrics +http://127\.0\.0\.1:(\d+)", within_s=1)[1]
        with (
            socket.create_connection(("127.0.0.1", int(metrics_port))),
            httpx.Client(base_url=f"http://127.0.0.1:{first.port}") as browser,
        ):
            browser.post(sign_in)
            with browser.stream("GET", "/live") as stream:
                assert stream.status_code == 200
                assert first.end() < 2
    with Running(tmp_path) as second:
        assert second.waits_for(r"Bearer (tocsin_[\w-]+)", within_s=30)[1] == token
        assert second.end() < 2


@pytest.mark.slow
def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", "demo", "--port", str(taken.getsockname()[1])],
            env={"PYTHONPATH": os.pathsep.join(sys.path), "TOCSIN_DATA_DIR": str(tmp_path)},
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    assert done.returncode == 6
    assert "is in use; choose another with TOCSIN_PORT" in done.stderr
    assert not list(tmp_path.iterdir()), "it has started a database nevertheless"


def listening(pid: int) -> Iterator[str]:
    """Yield the TCP addresses this process listens on, as the kernel writes them."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink())
        if found := re.fullmatch(r"socket:\[(\d+)\]", target):
            inodes.add(found[1])
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                yield fields[1]
