"""From which address a visitor comes, also through the reverse proxies that are trusted. Pure."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from tocsin.kernel.errors import Invalid

Proxies = tuple[IPv4Network | IPv6Network, ...]
LOCAL = "local"  # a socket without an address, or a command in this process


def proxies(texts: Sequence[str]) -> Proxies:
    """Read TOCSIN_TRUSTED_PROXIES. Raises Invalid."""
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise Invalid(
            f"TOCSIN_TRUSTED_PROXIES: {error}; write networks, e.g. 10.0.0.0/8",
            field="TOCSIN_TRUSTED_PROXIES",
        ) from error


def visitors_address(peer: str, forwarded: Sequence[str], trusted: Proxies) -> str:
    """Return the nearest address that is no trusted proxy's.

    `forwarded` are the values of X-Forwarded-For: each proxy appends whom it heard from, so
    only what stands behind trusted ones, read from the right, is not the visitor's own word.
    An IPv6 visitor counts as their /64, which is what one household or server has.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    found = peer
    while hops and is_trusted(found, trusted):
        found = hops.pop()
    return _counted(found) or _counted(peer) or LOCAL


def is_trusted(text: str, trusted: Proxies) -> bool:
    """Say whether an address is that of a proxy whose word counts."""
    address = _address(text)
    return address is not None and any(
        address in network for network in trusted if network.version == address.version
    )


def _counted(text: str) -> str:
    address = _address(text)
    if address is None:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, 64), strict=False))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
