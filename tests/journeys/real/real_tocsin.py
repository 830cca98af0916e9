"""A real Tocsin: `python -m tocsin serve` with an embedded database, asked as people and programs do."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx

from integrations.loopback import Mailbox, free_port, mail_server
from tocsin.kernel import postgres

T = TypeVar("T")
STEP_S = 0.05


def eventually(look: Callable[[], T], what: str, *, within_s: float = 20) -> T:
    """Return the first truthy answer of `look`. Raises AssertionError when there is none."""
    deadline = time.monotonic() + within_s
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(STEP_S)


class Tocsin:
    """One data directory, and the server on it; it can be killed and started again."""

    def __init__(self, home: Path, mailbox: Mailbox, smtp_url: str) -> None:
        self.home = home
        self.mailbox = mailbox
        self.url = f"http://127.0.0.1:{free_port()}"
        ours = {name: text for name, text in os.environ.items() if name[:7] != "TOCSIN_"}
        self._environ = ours | {
            "TOCSIN_DATA_DIR": str(home / "data"),
            "TOCSIN_PORT": self.url.rpartition(":")[2],
            "TOCSIN_SMTP_URL": smtp_url,
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._log = home / "serve.log"
        self._http = httpx.Client(base_url=self.url, timeout=10)

    def start(self) -> None:
        """Start the server, and wait until alerts can be taken and pages sent."""
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tocsin", "serve"],
                env=self._environ, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._is_ready, "ready to take alerts")

    def kill(self) -> None:
        """Kill the server without a word; PostgreSQL stays, as after a crash."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop the server and its database."""
        self._end(signal.SIGTERM)
        self._http.close()
        postgres.stop(self.home / "data")

    def _end(self, how: signal.Signals) -> None:
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(10)
            self._server = None

    def _is_ready(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, f"the server ended:\n{self._log.read_text()}"
        try:
            return self._http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def cli(self, *arguments: str, token: str = "", given: str | None = None) -> str:
        """Run a command: on the database of the data directory, or with a token over HTTP."""
        remote = {"TOCSIN_URL": self.url, "TOCSIN_TOKEN": token} if token else {}
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", *arguments],
            env=self._environ | remote, input=given, capture_output=True, text=True, check=False,
            timeout=30,
        )  # fmt: skip
        assert done.returncode == 0, f"tocsin {' '.join(arguments)}:\n{done.stderr}"
        return done.stdout.strip()

    def get(self, path: str, token: str) -> Any:
        """Return what the JSON API answers below /api/v1."""
        answer = self._http.get(f"/api/v1{path}", headers=_bearer(token))
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, token: str, body: object = None) -> Any:
        """Return what the JSON API answers to a POST below /api/v1."""
        answer = self._http.post(f"/api/v1{path}", headers=_bearer(token), json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def fire(self, token: str, *alerts: Mapping[str, str], summary: str = "") -> None:
        """Send alerts by their labels, as Prometheus does."""
        self._send(token, [_alert(labels, summary) for labels in alerts])

    def settle(self, token: str, *alerts: Mapping[str, str]) -> None:
        """Say that alerts are over since just now."""
        now = datetime.now(UTC).isoformat()
        self._send(token, [_alert(labels, "") | {"endsAt": now} for labels in alerts])

    def change(self, token: str, service: str, summary: str) -> None:
        """Say what was deployed, switched or configured."""
        body = {
            "routing_key": token,
            "payload": {
                "summary": summary, "source": "ci", "custom_details": {"service": service},
            },
            "links": [{"href": "https://ci.example.org/42", "text": "Build"}],
        }  # fmt: skip
        answer = self._http.post("/v2/change/enqueue", json=body)
        assert answer.status_code == 202, answer.text

    def _send(self, token: str, alerts: list[dict[str, object]]) -> None:
        answer = self._http.post("/api/v2/alerts", headers=_bearer(token), json=alerts)
        assert answer.status_code == 200, answer.text

    def incidents(self, token: str, count: int = 1) -> list[Any]:
        """Wait until there are `count` incidents, open or resolved, and return them, oldest first."""

        def look() -> list[Any]:
            items: list[Any] = self.get("/incidents?status=all", token)["items"]
            return items[::-1] if len(items) >= count else []

        return eventually(look, f"{count} incidents")

    def mail_to(self, address: str, *, within_s: float = 20) -> EmailMessage:
        """Wait for the first mail to somebody."""
        found = eventually(
            lambda: self.mails_to(address), f"a mail to {address}", within_s=within_s
        )
        return found[0]

    def page_of(self, reference: str, token: str) -> Any:
        """Return an incident's only page."""
        (page,) = self.get(f"/incidents/{reference}", token)["pages"]
        return page

    def mails_to(self, address: str) -> list[EmailMessage]:
        """Return what somebody has got so far."""
        return [mail for mail in list(self.mailbox.mails) if mail["To"] == address]

    def sentences(self, reference: str, token: str) -> list[str]:
        """Return an incident's timeline, oldest first."""
        items = self.get(f"/incidents/{reference}/timeline?limit=200", token)["items"]
        return [item["sentence"] for item in reversed(items)]


@contextmanager
def tocsin_at(home: Path) -> Iterator[Tocsin]:
    """Run a server with a mail server behind it."""
    with mail_server() as (mailbox, smtp_url):
        tocsin = Tocsin(home, mailbox, smtp_url)
        try:
            tocsin.start()
            yield tocsin
        finally:
            tocsin.close()


def link_in(mail: EmailMessage) -> str:
    """Return the acknowledge link that a person finds in a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    (link,) = (
        line.partition(": ")[2].strip()
        for line in text.splitlines()
        if line.startswith("Acknowledge: ")
    )
    return link


def parsed(text: str) -> Any:
    """Read what a command printed behind a pipe."""
    return json.loads(text)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _alert(labels: Mapping[str, str], summary: str) -> dict[str, object]:
    annotations = {"summary": summary} if summary else {}
    return {"labels": dict(labels), "annotations": annotations}
