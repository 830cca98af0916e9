"""The same bodies to Debian's Alertmanager and to us: status, answer and fingerprints agree."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tocsin.integrations.alertmanager import errors
from tocsin.integrations.alertmanager.matchers import parse_matcher, parse_receiver
from tocsin.integrations.alertmanager.parse import read, split
from tocsin.integrations.alertmanager.wire import fingerprint, status_body
from tocsin.signals.model import Unreadable
from tocsin.triage.core.matchers import matches

ALERTMANAGER = shutil.which("prometheus-alertmanager")
AMTOOL = shutil.which("amtool")
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        ALERTMANAGER is None or AMTOOL is None,
        reason="the Debian package prometheus-alertmanager is not installed",
    ),
]

GOOD = [
    "[]",
    " null ",
    '[{"labels":{"alertname":"ok1"}}]',
    '[{"labels":{"a":"b","c":""}}]',
    '[{"Labels":{"a":"spelling"}}]',
    '[{"labels":{"a":"b"},"startsAt":""}]',
    '[{"labels":{"a":"b2"},"startsAt":"2026-01-01T00:00:00"}]',
    '[{"labels":{"a":"b3"},"startsAt":"2026-01-01T00:00:00.123456789+05:30"}]',
    '[{"labels":{"a":"b4"},"startsAt":null,"endsAt":null,"annotations":null,"generatorURL":null}]',
    '[{"labels":{"a":"b5"},"startsAt":"0001-01-01T00:00:00.000Z","endsAt":"0001-01-01T00:00:00.000Z"}]',
    '[{"labels":{"a":"b7"},"startsAt":"2026-01-02T00:00Z"}]',
    '[{"labels":{"a":"b8"},"generatorURL":"/x"},{"labels":{"a":"bx"},"generatorURL":"mailto:x"}]',
    '[{"labels":{"a":"half \\ud800"}}]',
    '[{"labels":{"emoji":"🔥","umlaut":"ü"}}]',
    '[{"labels":{"a":"1","a":"2"}}] and more',
]
BAD = [
    "",
    " ",
    "{}",
    "5",
    '"x"',
    "true",
    "{",
    '[{"labels":{"a":"b"}}',
    '[{"labels":null}]',
    "[{},{}]",
    '[{"labels":{"a":null}}]',
    '[{"labels":{"a":5}}]',
    '[{"labels":{"a":""}}]',
    '[{"labels":{}}]',
    '[{"labels":{"":"x"}}]',
    (
        '[{"labels":{"bad-name":"x"}},{"labels":{}},{"labels":{"ok":"1"}},{"labels":{"a":"x"},'
        '"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]'
    ),
    '[{"labels":{"a":"b","é":"x"}}]',
    '[{"labels":{"a":"b"},"annotations":{"x":1}}]',
    '[{"labels":{"a":"b"},"annotations":{"bad-n":"1"}}]',
    '[{"labels":{"a":"b"},"startsAt":5}]',
    '[{"labels":{"a":"b"},"generatorURL":"foo"}]',
]
# where only the status and the beginning can agree: Go prints its own parser's inside
ALIKE = [
    "[5]",
    "[x]",
    '[{"labels":5}]',
    '[{"labels":{"a":"b"},"startsAt":"yesterday"}]',
    '[{"labels":{"a":"b"},"startsAt":"2026-01-02"}]',
]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "am.yml").write_text("route: {receiver: d}\nreceivers: [{name: d}]\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert ALERTMANAGER is not None
    with subprocess.Popen(
        [
            ALERTMANAGER,
            f"--config.file={folder / 'am.yml'}",
            f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Listening on" in line or "msg=Listening" in line:
                break
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v2", trust_env=False
        ) as client:
            yield client
        process.terminate()


def ours(body: bytes) -> tuple[int, str]:
    try:
        cut = split(body, lanes=16, classic_names=True)
    except Unreadable as unreadable:
        return unreadable.status, unreadable.body.decode()
    if cut.refusals:
        refused = errors.refused(cut.refusals)
        return refused.status, refused.body.decode()
    return 200, ""


def theirs(upstream: httpx.Client, body: bytes) -> tuple[int, str]:
    answer = upstream.post(
        "/alerts", content=body, headers={"content-type": "application/json"}
    )
    return answer.status_code, answer.text


@pytest.mark.parametrize("text", GOOD + BAD)
def test_a_post_is_answered_alike(upstream: httpx.Client, text: str) -> None:
    body = text.encode()
    assert ours(body) == theirs(upstream, body)


@pytest.mark.parametrize("text", ALIKE)
def test_what_go_says_about_its_parser_begins_alike(upstream: httpx.Client, text: str) -> None:
    (our_status, our_body), (status, body) = (
        ours(text.encode()),
        theirs(upstream, text.encode()),
    )
    assert our_status == status == 400
    shared = '{"code":400,"message":"parsing alerts body from \\"\\" failed, because '
    assert our_body.startswith(shared)
    assert body.startswith(shared)


def test_broken_utf8_is_taken_by_both(upstream: httpx.Client) -> None:
    body = b'[{"labels":{"a":"\xff"}}]'
    assert ours(body) == theirs(upstream, body) == (200, "")


def test_fingerprints_and_times_agree_for_every_alert_it_lists(upstream: httpx.Client) -> None:
    now = datetime.now(UTC)
    known = {}
    for text in GOOD:
        theirs(upstream, text.encode())
        for piece in split(text.encode(), lanes=16, classic_names=True).accepted:
            for signal in read(piece.body, now):
                known[fingerprint(signal.labels)] = signal
    listed = {alert["fingerprint"]: alert for alert in upstream.get("/alerts").json()}
    assert len(known) >= 12
    for mark, signal in known.items():
        assert listed[mark]["labels"] == signal.labels
    (offset,) = (alert for alert in listed.values() if alert["labels"] == {"a": "b3"})
    starts_at = datetime.fromisoformat(offset["startsAt"])
    assert abs((known[offset["fingerprint"]].starts_at - starts_at).total_seconds()) < 0.001


@pytest.mark.parametrize(
    "text", ["{bad", 'a="b"c"', 'a="b3', "", 'a=~"["', 'a=~"("', 'a=~"*"', "{a=b}"]
)
def test_a_bad_filter_is_answered_alike(upstream: httpx.Client, text: str) -> None:
    answer = upstream.get("/alerts", params={"filter": text})
    with pytest.raises(Unreadable) as caught:
        parse_matcher(text)
    assert (caught.value.status, caught.value.body.decode()) == (
        answer.status_code,
        answer.text,
    )


@pytest.mark.parametrize(
    "text", ["a=~b|b2", "a!=b", 'a=""', 'a!=""', "a=~b.*", "a!~b.*", 'a="\\x"', "emoji=~."]
)
def test_a_filter_selects_alike(upstream: httpx.Client, text: str) -> None:
    for body in GOOD:
        theirs(upstream, body.encode())
    everything = upstream.get("/alerts").json()
    chosen = upstream.get("/alerts", params={"filter": text}).json()
    matcher = parse_matcher(text)
    ours_chosen = [a["fingerprint"] for a in everything if matches(matcher, a["labels"])]
    assert ours_chosen == [a["fingerprint"] for a in chosen]


def test_a_bad_receiver_is_answered_alike(upstream: httpx.Client) -> None:
    answer = upstream.get("/alerts", params={"receiver": "["})
    with pytest.raises(Unreadable) as caught:
        parse_receiver("[")
    assert caught.value.body.decode() == answer.text


def test_framework_errors_are_answered_alike(upstream: httpx.Client) -> None:
    nowhere = upstream.get("/nothing")
    assert errors.not_found("/api/v2/nothing").body == nowhere.content
    plain = upstream.post("/alerts", content=b"[]", headers={"content-type": "text/plain"})
    assert errors.unsupported("text/plain").body == plain.content
    wrong = upstream.put("/alerts")
    allowed = wrong.headers["allow"].split(",")
    assert errors.not_allowed("PUT", allowed).body == wrong.content


def test_amtool_reads_our_status_and_routes(tmp_path: Path) -> None:
    body = status_body(
        started_at=datetime(2026, 9, 1, tzinfo=UTC), receivers=("primary", "b c")
    )

    class Status(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # type: ignore[explicit-override]  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Status)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    url = f"--alertmanager.url=http://127.0.0.1:{server.server_port}"
    try:
        shown = _amtool(url, "config", "show")
        assert 'receiver: "primary"' in shown
        assert _amtool(url, "config", "routes", "test", "alertname=x").strip() == "primary"
        assert "disabled" in _amtool(url, "cluster", "show")
        assert json.loads(body)["config"]["original"]
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _amtool(*arguments: str) -> str:
    assert AMTOOL is not None
    done = subprocess.run(
        [AMTOOL, *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
