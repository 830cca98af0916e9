"""Connections that stay open, under the same rules as single requests: to checked addresses only."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from tocsin.integrations.outbound import (
    Address,
    Outbound,
    Unreachable,
    own_headers,
    parsed,
    port_of,
    tls,
)

CONNECT_S = 10.0
_OK = 200


@asynccontextmanager
async def lines(
    outbound: Outbound, url: str, *, headers: Mapping[str, str], idle_s: float, line_max: int
) -> AsyncIterator[AsyncIterator[str]]:
    """GET a URL whose answer does not end, and give its lines as they come.

    Raises Blocked, and Unreachable also for a refusal, after `idle_s` without a word, and for
    a line of more than `line_max` characters.
    """
    target = parsed(url)
    async with asyncio.timeout(CONNECT_S):
        addresses = await outbound.addresses(target.host, port_of(target))
    request = httpx.Request(
        "GET", target.copy_with(host=str(addresses[0]), userinfo=b""),
        headers={**own_headers(target), **headers}, extensions={"sni_hostname": target.host},
    )  # fmt: skip
    limits = httpx.Timeout(CONNECT_S, read=idle_s)
    async with httpx.AsyncClient(
        verify=tls(), trust_env=False, follow_redirects=False, timeout=limits
    ) as client:
        try:
            request.extensions["timeout"] = limits.as_dict()
            response = await client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Unreachable(f"cannot connect to {target.host}: {_name(error)}") from None
        try:
            if response.status_code != _OK:
                raise Unreachable(f"{target.host} answered {response.status_code}")
            yield _lines(response, line_max)
        finally:
            await response.aclose()


async def _lines(response: httpx.Response, line_max: int) -> AsyncIterator[str]:
    waiting = b""
    try:
        async for chunk in response.aiter_raw():
            *whole, waiting = (waiting + chunk).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace")
            if len(waiting) > line_max:
                raise Unreachable(f"a line of more than {line_max} characters")
    except httpx.HTTPError as error:
        raise Unreachable(f"broken off: {_name(error)}") from None


async def dial(outbound: Outbound, host: str, port: int) -> socket.socket:
    """Return a connected socket to an address of a name that may be called.

    Raises Blocked, Unreachable.
    """
    failure = Unreachable(f"{host} has no address")
    async with asyncio.timeout(CONNECT_S):
        for address in await outbound.addresses(host, port):
            try:
                return await _connected(address, port)
            except OSError as error:
                failure = Unreachable(f"cannot connect to {host}: {error}")
    raise failure


async def _connected(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)  # noqa: FBT003 - the standard library's
    try:
        await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
    except BaseException:
        sock.close()
        raise
    return sock


def _name(error: Exception) -> str:
    return str(error) or type(error).__name__
