"""The guard in front of everything that goes out over HTTP."""

from ipaddress import ip_address

import pytest
from loopback import answer, http_server

from tocsin.integrations.outbound import Blocked, Outbound, Unreachable, is_allowed, networks

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "64:ff9b::a9fe:a9fe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_nothing_inside_is_reached_unless_allowed(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_the_public_internet_is_reached(address: str) -> None:
    assert is_allowed(ip_address(address), ())


def test_an_allowed_network_opens_only_itself() -> None:
    allowed = networks("10.0.0.0/8, fd00::/8")
    assert is_allowed(ip_address("10.9.9.9"), allowed)
    assert is_allowed(ip_address("::ffff:10.9.9.9"), allowed)
    assert is_allowed(ip_address("fd00::1"), allowed)
    assert not is_allowed(ip_address("192.168.0.1"), allowed)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://[::1]:1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "//example.org",
        "",
        "http://",
    ],
)
async def test_a_url_that_leads_inside_is_blocked_before_any_connection(url: str) -> None:
    with pytest.raises(Blocked):
        await Outbound().request("GET", url)


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with http_server(answer(302, "location: http://169.254.169.254/")) as server:
        outbound = Outbound(allowed=networks("127.0.0.0/8"))
        found = await outbound.request("GET", f"http://127.0.0.1:{server.port}/x?y=1")
    assert found.status == 302
    assert [request.path for request in server.requests] == ["/x?y=1"]


async def test_the_host_header_is_the_name_that_was_asked_for() -> None:
    async with http_server(answer(200, body=b"well")) as server:
        outbound = Outbound(allowed=networks("127.0.0.0/8"))
        url = f"http://ann:s%20x@localhost:{server.port}/"
        found = await outbound.request("GET", url)
    assert found.body == b"well"
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"
    assert server.requests[0].headers["authorization"] == "Basic YW5uOnMgeA=="


async def test_a_long_answer_is_cut_and_a_broken_one_keeps_its_status() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000
    broken = b"HTTP/1.1 202 OK\r\ncontent-length: 99\r\n\r\nonly this"
    async with http_server(endless, broken) as server:
        outbound = Outbound(allowed=networks("127.0.0.0/8"), response_limit_bytes=1000)
        url = f"http://127.0.0.1:{server.port}/"
        assert len((await outbound.request("GET", url)).body) == 1000
        assert (await outbound.request("GET", url)).status == 202


async def test_what_is_not_http_is_unreachable() -> None:
    async with http_server(b"220 mail.example.org ESMTP\r\n") as server:
        outbound = Outbound(allowed=networks("127.0.0.0/8"))
        with pytest.raises(Unreachable):
            await outbound.request("GET", f"http://127.0.0.1:{server.port}/")
