"""A real Synapse on loopback, and people who use it as Matrix clients do."""

import hashlib
import hmac
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml

from integrations.loopback import free_port

PYTHON = Path(__file__).parents[2] / ".build" / "synapse" / "bin" / "python"
SECRET = "a secret of this test alone"
SERVER = "tocsin.test"
NEEDS_SYNAPSE = pytest.mark.skipif(
    not PYTHON.exists(), reason="no Synapse: make .build/synapse/installed.txt"
)
BASE = "/_matrix/client/v3"


class Client:
    """One account at the homeserver."""

    def __init__(self, url: str, user_id: str, token: str) -> None:
        self.user_id = user_id
        self.token = token
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=20
        )
        self._sent = 0

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Make one request of the client-server API."""
        answer = self._http.request(method, BASE + path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def invitations(self) -> list[str]:
        """Return the rooms that this account is invited to."""
        return list(self.ask("GET", "/sync?timeout=0").get("rooms", {}).get("invite", {}))

    def join(self, room: str) -> None:
        """Accept an invitation."""
        self.ask("POST", f"/rooms/{quote(room, safe='')}/join", {})

    def make_room(self, *invited: str) -> str:
        """Make a room and invite others to it."""
        wanted = {"preset": "private_chat", "invite": list(invited)}
        return str(self.ask("POST", "/createRoom", wanted)["room_id"])

    def members(self, room: str) -> set[str]:
        """Return who is in a room."""
        return set(self.ask("GET", f"/rooms/{quote(room, safe='')}/joined_members")["joined"])

    def say(self, room: str, text: str, *, thread: str = "") -> str:
        """Write something; in the thread of another message. Return its id."""
        self._sent += 1
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        if thread:
            content["m.relates_to"] = {
                "rel_type": "m.thread", "event_id": thread, "is_falling_back": True,
                "m.in_reply_to": {"event_id": thread},
            }  # fmt: skip
        path = f"/rooms/{quote(room, safe='')}/send/m.room.message/t{self._sent}"
        return str(self.ask("PUT", path, content)["event_id"])

    def messages(self, room: str) -> list[dict[str, Any]]:
        """Return what was written in a room, oldest first."""
        path = f"/rooms/{quote(room, safe='')}/messages?dir=b&limit=100"
        chunk = self.ask("GET", path)["chunk"]
        return [one for one in reversed(chunk) if one["type"] == "m.room.message"]

    def bodies(self, room: str, *, by: str) -> list[str]:
        """Return what one account wrote in a room, as plain text."""
        found = [one for one in self.messages(room) if one["sender"] == by]
        return [one["content"].get("body", "") for one in found]


class Synapse:
    """The homeserver while it runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def register(self, name: str) -> Client:
        """Make an account."""
        path = f"{self.url}/_synapse/admin/v1/register"
        nonce = httpx.get(path, timeout=20).json()["nonce"]
        parts = (nonce.encode(), name.encode(), b"a password", b"notadmin")
        digest = hmac.new(SECRET.encode(), b"\0".join(parts), hashlib.sha1)
        body = {
            "nonce": nonce, "username": name, "password": "a password", "admin": False,
            "mac": digest.hexdigest(),
        }  # fmt: skip
        found = httpx.post(path, json=body, timeout=20).json()
        return Client(self.url, found["user_id"], found["access_token"])


@contextmanager
def synapse_at(home: Path) -> Iterator[Synapse]:
    """Run a homeserver that federates with nobody, on its own SQLite file."""
    port, config = free_port(), home / "homeserver.yaml"
    command = [str(PYTHON), "-m", "synapse.app.homeserver", "--config-path", str(config)]
    generate = ["--server-name", SERVER, "--report-stats=no", "--generate-config"]
    subprocess.run([*command, *generate], check=True, cwd=home, capture_output=True)
    config.write_text(yaml.safe_dump(_configured(yaml.safe_load(config.read_text()), port)))
    with (home / "synapse.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, server, home / "synapse.log")
        yield Synapse(url)
    finally:
        server.terminate()
        server.wait(20)


def _configured(config: dict[str, Any], port: int) -> dict[str, Any]:
    often = {"per_second": 1000, "burst_count": 1000}
    (listener,) = config["listeners"]
    listener |= {"port": port, "bind_addresses": ["127.0.0.1"], "type": "http"}
    listener["resources"] = [{"names": ["client"], "compress": False}]
    return config | {
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "registration_shared_secret": SECRET,
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
        "rc_message": often,
        "rc_invites": {"per_room": often, "per_user": often, "per_issuer": often},
        "rc_joins": {"local": often, "remote": often},
        "rc_registration": often,
    }


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, f"Synapse ended:\n{log.read_text()[-3000:]}"
        try:
            if httpx.get(f"{url}/_matrix/client/versions", timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "Synapse does not answer"
        time.sleep(0.1)
