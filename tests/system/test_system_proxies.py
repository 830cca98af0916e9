"""The proxies of deploy/proxy, really run: HTTPS, the live stream at once, and who a visitor is."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from msgspec import Struct

from fakes.served import Served, serving

pytestmark = [pytest.mark.peer, pytest.mark.db]

EXAMPLES = Path(__file__).parents[2] / "deploy" / "proxy"
START_LIMIT_S = 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Place(Struct, frozen=True):
    """Where a proxy runs, with its certificate, and what it stands before."""

    folder: Path
    port: int
    upstream: int

    def text(self, name: str, *changes: tuple[str, str]) -> str:
        """Return the example with this place's ports and files instead of its own."""
        text = (EXAMPLES / name).read_text("utf-8")
        for old, new in (("127.0.0.1:8640", f"127.0.0.1:{self.upstream}"), *changes):
            assert old in text, f"{name} has no {old!r} any more"
            text = text.replace(old, new)
        return text

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)


def nginx(place: Place) -> list[str]:
    ssl = str(place.folder)
    example = place.text(
        "nginx.conf", ("/etc/ssl/tocsin", ssl), ("listen 443", f"listen 127.0.0.1:{place.port}")
    )
    temporary = "".join(
        f"{kind}_temp_path {place.folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"pid {place.folder}/pid; error_log stderr; daemon off; events {{}}\n"
    whole += f"http {{ access_log off; {temporary} {example} }}"
    return ["nginx", "-e", "stderr", "-c", place.write("nginx.conf", whole)]


def haproxy(place: Place) -> list[str]:
    both = [(place.folder / name).read_text() for name in ("fullchain.pem", "privkey.pem")]
    pair = place.write("tocsin.pem", "".join(both))
    example = place.text(
        "haproxy.cfg",
        ("/etc/ssl/tocsin/tocsin.pem", pair),
        ("bind :443", f"bind 127.0.0.1:{place.port}"),
    )
    return ["haproxy", "-db", "-f", place.write("haproxy.cfg", example)]


def caddy(place: Place) -> list[str]:
    tls = f"\ttls {place.folder}/fullchain.pem {place.folder}/privkey.pem\n\t# Caddy throws"
    example = place.text(
        "Caddyfile",
        ("tocsin.example.org {", f"localhost:{place.port} {{"),
        ("\t# Caddy throws", tls),
    )
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    file = place.write("Caddyfile", options + example)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", file]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", names,
            "-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem"),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return tmp_path


def running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "proxy.log").open("wb") as said:
        environment = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/bin"}
        started = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
    try:
        end = time.monotonic() + START_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                alive = started.poll() is None and time.monotonic() < end
                assert alive, (folder / "proxy.log").read_text()
                os.sched_yield()
        yield
    finally:
        started.terminate()
        started.wait(10)


@pytest.mark.parametrize("proxy", [nginx, haproxy, caddy], ids=lambda made: str(made.__name__))
def test_a_proxy_streams_at_once_and_says_who_a_visitor_is(
    proxy: Callable[[Place], list[str]], dsn: str, certificate: Path
) -> None:
    if shutil.which(proxy.__name__, path="/usr/sbin:/usr/bin:/bin") is None:
        pytest.skip(f"no {proxy.__name__}: apt install {proxy.__name__}")
    with serving(dsn, trusted_proxies=("127.0.0.1/32",)) as server:
        place = Place(certificate, free_port(), int(server.url.rpartition(":")[2]))
        command = proxy(place)
        for _ in running(command, place.port, place.folder):
            look_through(f"https://localhost:{place.port}", certificate, server)


def look_through(url: str, certificate: Path, server: Served) -> None:
    trusted = ssl.create_default_context(cafile=certificate / "fullchain.pem")
    headers = {"authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=url, verify=trusted, headers=headers, timeout=10) as client:
        assert client.get("/health/live").text == "ok"
        with client.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: ping"  # at once, though nothing has happened
            body = [{"labels": {"alertname": "Disk"}}]
            sent = client.post("/api/v2/alerts", json=body)
            assert sent.status_code == 200, sent.text
            assert next(line for line in lines if line == "event: moved")
    # each visitor is counted alone, whatever they claim to be: a row is a limit of somebody's
    tries(url, trusted, "127.0.0.5")
    before = limits(server)
    tries(url, trusted, "127.0.0.5", claim="192.0.2.7")
    assert limits(server) == before
    tries(url, trusted, "127.0.0.6")
    assert limits(server) == before + 1


def tries(url: str, trusted: ssl.SSLContext, address: str, claim: str = "") -> None:
    """Try a wrong password from an address of this machine."""
    transport = httpx.HTTPTransport(local_address=address, verify=trusted)
    headers = {"x-forwarded-for": claim} if claim else {}
    with httpx.Client(base_url=url, transport=transport, headers=headers) as client:
        form = {"name": "nobody", "password": "correct horse battery staple"}
        assert client.post("/sign-in", data=form).status_code == 401


def limits(server: Served) -> int:
    return int(server.do(lambda w: w.rows("SELECT count(*) FROM governance.limits"))[0][0])
