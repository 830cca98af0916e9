"""A receiver that is down when the group fires gets it once; beside a pair of Alertmanagers."""

import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from _lab import PEER, _running, _wait_ready, free_port, has_alertmanager, tocsin
from _report import figure, report
from typing_extensions import override

CLAIM = "Of two nodes, a receiver that was down for 8 s or 25 s gets a group exactly once."
DOWN_S = (8, 25)
WATCHED_S = 40  # after it is back
LABELS = {"alertname": "Down", "service": "orders", "severity": "critical"}
CONFIG = """
route: {receiver: hook, group_by: [service], group_wait: 0s, group_interval: 5m}
receivers: [{name: hook, webhook_configs: [{url: "%s", send_resolved: false}]}]
"""


class Receiver:
    """Refuses connections until it is up, then takes all and counts them by key."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.taken_at: list[float] = []

    @contextmanager
    def up(self) -> Iterator[None]:
        """Listen until the end of the block."""
        taken = self.taken_at

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                taken.append(time.monotonic())
                self.send_response(200)
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Taking)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


def post(url: str, token: str, body: object) -> None:
    """Post JSON and insist on success."""
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10):
        pass


def outage(urls: list[str], token: str, receiver: Receiver, down_s: float) -> dict[str, float]:
    """Fire at every node, as Prometheus does, while the receiver is down; count what it gets."""
    now = datetime.now(UTC)
    ends_at = now + timedelta(hours=1)
    alert = {
        "labels": LABELS, "annotations": {"summary": "down"},
        "startsAt": now.isoformat(), "endsAt": ends_at.isoformat(),
    }  # fmt: skip
    for url in urls:
        post(f"{url}/api/v2/alerts", token, [alert])
    time.sleep(down_s)
    back_at = time.monotonic()
    with receiver.up():
        time.sleep(WATCHED_S)
    first_s = receiver.taken_at[0] - back_at if receiver.taken_at else -1.0
    return {"deliveries": len(receiver.taken_at), "after_back_s": round(first_s, 1)}


def ours(down_s: float) -> dict[str, float]:
    """Two nodes on one database."""
    receiver = Receiver()
    organisation = [
        {
            "apiVersion": "tocsin/v1", "kind": "Person", "metadata": {"name": "maya"},
            "spec": {"displayName": "Maya", "contact": [{"type": "webhook", "url": receiver.url}]},
        },
        {
            "apiVersion": "tocsin/v1", "kind": "EscalationPolicy", "metadata": {"name": "default"},
            "spec": {
                "steps": [{"targets": [{"person": "maya"}], "timeout": "1h"}],
                "catchAll": [{"person": "maya"}],
            },
        },
        {
            "apiVersion": "tocsin/v1", "kind": "Route", "metadata": {"name": "default"},
            "spec": {"groupBy": ["service"], "policy": "default"},
        },
    ]  # fmt: skip
    with ExitStack() as stack:
        one = stack.enter_context(tocsin(allow_networks="127.0.0.0/8"))
        admin = one.cli("token", "create", "admin", "--role", "admin", "--rate", "unlimited")
        port = free_port()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tocsin-bench-")))
        settings = {
            "TOCSIN_DATABASE_URL": one.conninfo, "TOCSIN_PORT": str(port),
            "TOCSIN_ALLOW_NETWORKS": "127.0.0.0/8", "TOCSIN_LOG_LEVEL": "warning",
        }  # fmt: skip
        command = [sys.executable, "-m", "tocsin", "serve"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
        process = stack.enter_context(_running(command, folder, environment | settings))
        other = f"http://127.0.0.1:{port}"
        _wait_ready(process, f"{other}/health/ready", folder / "output")
        post(f"{one.url}/api/v1/resources/apply", admin, {"documents": organisation})
        return outage([one.url, other], admin, receiver, down_s)


def theirs(down_s: float) -> dict[str, float]:
    """Two clustered Alertmanagers, as their documentation sets them up."""
    receiver = Receiver()
    clusters = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    urls = []
    with ExitStack() as stack:
        for number, cluster in enumerate(clusters):
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="tocsin-bench-")))
            (folder / "am.yml").write_text(CONFIG % receiver.url)
            url = f"http://127.0.0.1:{free_port()}"
            command = [
                PEER, f"--config.file={folder}/am.yml", f"--storage.path={folder}/data",
                f"--web.listen-address={url.removeprefix('http://')}",
                f"--cluster.listen-address={cluster}",
                f"--cluster.advertise-address={cluster}",
                f"--cluster.peer={clusters[1 - number]}", "--log.level=error",
            ]  # fmt: skip
            process = stack.enter_context(_running(command, folder, dict(os.environ)))
            _wait_ready(process, f"{url}/-/ready", folder / "output")
            urls.append(url)
        time.sleep(12)  # until the cluster has settled
        return outage(urls, "", receiver, down_s)


def main() -> int:
    """Take both beside each other, for each length."""
    figures, beside = {}, {}
    for down_s in DOWN_S:
        found = ours(down_s)
        name = f"deliveries_after_{down_s}_s_down"
        figures[name] = figure(found["deliveries"], at_most=1)
        figures[f"at_least_{name}"] = figure(found["deliveries"], at_least=1)
        figures[f"{down_s}_s_down_to_delivery_after_back_s"] = figure(
            found["after_back_s"], at_most=30
        )
        if has_alertmanager():
            beside[f"alertmanager_pair_{down_s}_s_down"] = theirs(down_s)
    return report("receiver_down", CLAIM, figures, peer=beside)


if __name__ == "__main__":
    sys.exit(main())
