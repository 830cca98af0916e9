"""The one way out over HTTP: to a checked address only, no redirects, bounded in time and size.

Addresses to call are typed in by people, so a name is resolved here, every address it has
is checked, and the connection goes to the very address that was checked: a name server
cannot change its mind in between. Proxies from the environment are ignored, as they could.
"""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx
from msgspec import Struct

from tocsin.kernel.logs import Log
from tocsin.oncall.ports import Outcome, PermanentFailure, Sent, TransientFailure

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
log = Log("outbound")

_NAT64 = IPv6Network("64:ff9b::/96")
_BODY_TIMEOUT_S = 1.0
_WORTH_RETRYING = frozenset({408, 425, 429})


class Blocked(Exception):
    """The target is not a public address and no allowed network holds it, or no URL at all."""


class Unreachable(Exception):
    """No answer: name not found, refused, broken off, too slow."""


class Answer(Struct, frozen=True, kw_only=True):
    """What came back: at most the response limit of `body`, headers with lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def networks(text: str) -> tuple[Network, ...]:
    """Read a comma-separated list such as `10.0.0.0/8, fd00::/8`. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def is_allowed(address: Address, allowed: tuple[Network, ...]) -> bool:
    """Say whether a request may go there: public unicast, or in an allowed network.

    IPv4 addresses in IPv6 clothes (mapped, NAT64, 6to4, Teredo) are judged as what they reach.
    """
    inner = _embedded(address)
    if inner is not None:
        return is_allowed(inner, allowed)
    if any(address in network for network in allowed):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


class Outbound:
    """Sends single requests under the rules above; safe to share between tasks."""

    def __init__(
        self,
        *,
        allowed: tuple[Network, ...] = (),
        timeout_s: float = 10.0,
        response_limit_bytes: int = 65_536,
        body_timeout_s: float = _BODY_TIMEOUT_S,
    ) -> None:
        """`timeout_s` bounds one request as a whole, from resolving to the last byte.

        `body_timeout_s` bounds the body: what has not come by then is cut off.
        """
        self._allowed = allowed
        self._timeout_s = timeout_s
        self._response_limit_bytes = response_limit_bytes
        self._body_timeout_s = body_timeout_s
        tls()  # loading the certificates takes long; the first page shall not wait for it

    async def check(self, host: str, port: int) -> None:
        """Refuse a host to which another client is about to send. Raises Blocked, Unreachable.

        That client asks the name server again, so a name that changes its mind slips through.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await _resolved(host, port)
        except TimeoutError:
            raise Unreachable(f"cannot resolve {host}") from None
        if not all(is_allowed(address, self._allowed) for address in found):
            raise Blocked(f"{host} is not a public address and no allowed network holds it")

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send one request. Raises `Blocked` or `Unreachable`; any status is an answer.

        An address that does not accept the connection is passed over for the next one of
        the name; once one has accepted, nothing is sent twice.
        """
        target = parsed(url)
        try:
            async with asyncio.timeout(self._timeout_s):
                addresses = await self.addresses(target.host, port_of(target))
                answer = await self._first_connected(
                    method, target, addresses, headers, content
                )
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timeout_s:g} s") from None
        log.debug("outbound.answered", host=target.host, status=answer.status)
        return answer

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Return the addresses of a name that may be called. Raises Blocked, Unreachable."""
        addresses = await _resolved(host, port)
        checked = [address for address in addresses if is_allowed(address, self._allowed)]
        if not checked:
            raise Blocked(f"{host} is not a public address and no allowed network holds it")
        return checked

    async def _first_connected(
        self,
        method: str,
        url: httpx.URL,
        addresses: list[Address],
        headers: Mapping[str, str] | None,
        content: bytes | None,
    ) -> Answer:
        failure = Unreachable(f"{url.host} has no address")
        for address in addresses:
            pinned = url.copy_with(host=str(address), userinfo=b"")
            request = httpx.Request(
                method,
                pinned,
                headers={**own_headers(url), **(headers or {})},
                content=content,
                extensions={"sni_hostname": url.host},
            )
            try:
                return await self._exchange(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = Unreachable(f"cannot connect to {url.host}: {error}")
            except httpx.HTTPError as error:
                raise Unreachable(f"{type(error).__name__}: {error}") from None
        raise failure

    async def _exchange(self, request: httpx.Request) -> Answer:
        # a client per request: a kept connection would be shared by names of one address
        async with httpx.AsyncClient(
            verify=tls(), trust_env=False, follow_redirects=False, timeout=self._timeout_s
        ) as client:
            response = await client.send(request, stream=True)
            body = bytearray()
            # once the status is known, a body that breaks off cannot make it a failure
            with suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(self._body_timeout_s):
                    async for chunk in response.aiter_raw():
                        body += chunk
                        if len(body) >= self._response_limit_bytes:
                            break
            await response.aclose()
        return Answer(
            status=response.status_code,
            headers=dict(response.headers),
            body=bytes(body[: self._response_limit_bytes]),
        )


async def _resolved(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"cannot resolve {host}: {error}") from None
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def request_id(answer: Answer) -> str:
    """Return the name by which the receiver knows the request, if it says one."""
    return answer.headers.get("x-request-id", "")


async def deliver(
    outbound: Outbound,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None,
    read_id: Callable[[Answer], str] = request_id,
    method: str = "POST",
) -> Outcome:
    """Send a message and read the answer as an outcome, alike for every HTTP channel."""
    try:
        answer = await outbound.request(method, url, headers=headers, content=content)
    except Blocked as blocked:
        return PermanentFailure(str(blocked), address_wrong=True)
    except Unreachable as unreachable:
        return TransientFailure(str(unreachable))
    if 200 <= answer.status < 300:  # noqa: PLR2004 - the class of statuses that mean success
        return Sent(read_id(answer)[:200])
    reason = f"the receiver answered {answer.status}"
    if answer.status in _WORTH_RETRYING or answer.status >= 500:  # noqa: PLR2004 - server errors
        return TransientFailure(reason, _retry_after_s(answer))
    return PermanentFailure(reason, address_wrong=answer.status in {404, 410})


def _retry_after_s(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "").strip()  # as seconds; the date form is ignored
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() else None


def parsed(url: str) -> httpx.URL:
    """Return a URL to call. Raises Blocked for what is none."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Blocked(f"not a URL: {error}") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise Blocked("not an http or https URL")
    return parsed


def own_headers(url: httpx.URL) -> dict[str, str]:
    """Return the headers that a request to a checked address needs."""
    own = {"host": url.netloc.decode(), "accept-encoding": "identity"}
    if url.userinfo:
        credentials = f"{url.username}:{url.password}".encode()
        own["authorization"] = "Basic " + b64encode(credentials).decode()
    return own


def port_of(url: httpx.URL) -> int:
    """Return the port that is meant."""
    return url.port or (443 if url.scheme == "https" else 80)


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo


@cache
def tls() -> ssl.SSLContext:
    """Return how servers are to prove who they are."""
    return ssl.create_default_context()
