"""Debian's Prometheus with a real rule, and the application it watches."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from typing_extensions import override

from integrations.loopback import free_port

PROMETHEUS = shutil.which("prometheus")
AMTOOL = shutil.which("amtool")

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: checkout
    static_configs: [{{targets: ["127.0.0.1:{app_port}"]}}]
alerting:
  alertmanagers:
    - scheme: http
      api_version: v2
      authorization: {{credentials: {token}}}
      static_configs: [{{targets: ["{tocsin}"]}}]
"""
RULES = """
groups:
  - name: checkout
    rules:
      - alert: CheckoutErrors
        expr: checkout_error_ratio > 0.1
        for: 1s
        labels: {severity: critical, service: checkout}
        annotations:
          summary: "{{ $value | humanizePercentage }} of all orders fail"
          runbook_url: https://runbooks.example.org/checkout
"""


class Shop:
    """An application that says of itself how many orders fail."""

    def __init__(self) -> None:
        self.error_ratio = 0.0
        shop = self

        class Metrics(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"checkout_error_ratio {shop.error_ratio}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
        self.port = self._server.server_port

    @contextmanager
    def open(self) -> Iterator[None]:
        """Answer while the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class Prometheus:
    """A Prometheus that runs, and what it says of itself."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self._url = url
        self._process = process

    def is_watching(self) -> bool:
        """Say whether it has scraped the application and knows where alerts go."""
        targets = self._ask("/targets").get("activeTargets", [])
        receivers = self._ask("/alertmanagers").get("activeAlertmanagers", [])
        return bool(receivers) and [one["health"] for one in targets] == ["up"]

    def alerts(self) -> list[Any]:
        """Return the alerts that its rules have now."""
        found: list[Any] = self._ask("/alerts").get("alerts", [])
        return found

    def _ask(self, path: str) -> dict[str, Any]:
        assert self._process.poll() is None, "Prometheus ended"
        try:
            answer = httpx.get(f"{self._url}/api/v1{path}")
        except httpx.TransportError:
            return {}
        found: dict[str, Any] = answer.json().get("data", {}) if answer.is_success else {}
        return found


@contextmanager
def prometheus(folder: Path, *, app_port: int, tocsin: str, token: str) -> Iterator[Prometheus]:
    """Run Prometheus on `app_port`, with the server at `tocsin` (host:port) as its Alertmanager."""
    assert PROMETHEUS is not None
    rules, config, listen = (
        folder / "rules.yml",
        folder / "prometheus.yml",
        f"127.0.0.1:{free_port()}",
    )
    rules.write_text(RULES)
    config.write_text(CONFIG.format(rules=rules, app_port=app_port, tocsin=tocsin, token=token))
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                PROMETHEUS, f"--config.file={config}", f"--web.listen-address={listen}",
                f"--storage.tsdb.path={folder / 'tsdb'}", "--rules.alert.resend-delay=2s",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield Prometheus(f"http://{listen}", process)
        finally:
            process.terminate()
            process.wait(10)
