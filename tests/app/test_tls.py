"""HTTPS: a renewed certificate is taken over without a restart, and a bad one is not."""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tocsin.app.tls import Certificate, certificate
from tocsin.kernel.errors import Invalid
from tocsin.kernel.settings import Settings


def make(place: Path, name: str) -> tuple[Path, Path]:
    """Write a self-signed certificate for `name` and its key."""
    cert, key = place / "cert.pem", place / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "1", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
            "-keyout", str(key), "-out", str(cert),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


async def seen(context: ssl.SSLContext) -> bytes:
    """Return the certificate that a new connection is shown."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
        host, port = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port, ssl=client)
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    return shown


async def test_a_renewed_certificate_is_shown_to_the_next_connection(tmp_path: Path) -> None:
    served = Certificate(*make(tmp_path, "one.test"))
    first = await seen(served.context)
    assert not served.renew()
    make(tmp_path, "two.test")
    assert served.renew()
    assert await seen(served.context) != first
    assert not served.renew()


async def test_a_half_written_renewal_changes_nothing_and_is_looked_at_again(
    tmp_path: Path,
) -> None:
    served = Certificate(*make(tmp_path, "one.test"))
    first = await seen(served.context)
    (tmp_path / "other").mkdir()
    cert, key = make(tmp_path / "other", "two.test")
    (tmp_path / "cert.pem").write_bytes(cert.read_bytes())  # the key is still the old one
    with pytest.raises(Invalid, match="no certificate with its unencrypted key"):
        served.renew()
    assert await seen(served.context) == first
    (tmp_path / "key.pem").write_bytes(key.read_bytes())
    assert served.renew()
    assert await seen(served.context) != first


def test_a_certificate_needs_its_key_and_both_must_be_there(tmp_path: Path) -> None:
    assert certificate(Settings()) is None
    with pytest.raises(Invalid, match="set both"):
        certificate(Settings(tls_cert="x"))
    with pytest.raises(Invalid, match="cannot read"):
        certificate(Settings(tls_cert=str(tmp_path / "a"), tls_key=str(tmp_path / "b")))


def test_an_encrypted_key_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    cert, key = make(tmp_path, "one.test")
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "ec", "-aes256", "-passout", "pass:x123", "-in", str(key), "-out", str(locked)],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(Invalid, match="unencrypted"):
        Certificate(cert, locked)


async def test_the_health_check_of_the_container_follows_the_server_to_https(
    tmp_path: Path,
) -> None:
    text = (Path(__file__).parents[2] / "deploy/container/Containerfile").read_text("utf-8")
    check = msgspec.json.decode(
        text.partition("HEALTHCHECK")[2].partition("CMD ")[2].splitlines()[0]
    )
    cert, key = make(tmp_path, "one.test")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readline()
        status = b"200 OK" if asked == b"GET /health/live HTTP/1.1\r\n" else b"404 Not Found"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    for given, served in (({}, None), ({"TOCSIN_TLS_CERT": str(cert)}, Certificate(cert, key))):
        context = served.context if served else None
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
            port = str(server.sockets[0].getsockname()[1])
            asking = await asyncio.create_subprocess_exec(
                sys.executable, *check[1:], env=given | {"TOCSIN_PORT": port}
            )
            assert await asking.wait() == 0


def test_links_say_https_once_there_is_a_certificate() -> None:
    assert Settings(tls_cert="a", tls_key="b").base_url == "https://127.0.0.1:8640"
    assert Settings(host="::1").base_url == "http://[::1]:8640"
