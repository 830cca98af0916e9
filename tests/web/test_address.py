"""Whose address a visitor's is: nobody talks their way out of a limit, and no proxy is blamed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.errors import Invalid
from tocsin.web.address import LOCAL, proxies, visitors_address

INSIDE = proxies(["10.0.0.0/8", "fd00::/8"])
addresses = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # no proxy of ours
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),  # the first is made up
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("fd00::1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("", [], LOCAL),
    ],
)
def test_the_nearest_address_that_is_no_proxys_counts(
    peer: str, forwarded: list[str], found: str
) -> None:
    assert visitors_address(peer, forwarded, INSIDE) == found


@given(addresses, st.lists(st.text(max_size=30)))
def test_who_comes_straight_cannot_choose_an_address(peer: str, forwarded: list[str]) -> None:
    assert visitors_address(peer, forwarded, ()) == visitors_address(peer, [], ())


def test_what_is_no_network_stops_the_start_and_says_why() -> None:
    with pytest.raises(Invalid, match=r"TOCSIN_TRUSTED_PROXIES.*10\.0\.0\.0/8"):
        proxies(["proxy.example.org"])
