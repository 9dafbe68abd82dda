"""Whom an address counts as."""

import pytest

from gateway.engine.addresses import MAX_CHARS, place_of


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:CB00:7107", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("203.0.113.7:50123", "203.0.113.7"),
        ("[2001:db8:1:2::9]:50123", "2001:db8:1:2::/64"),
        ("[::ffff:203.0.113.7]", "203.0.113.7"),
        ("[]", "[]"),
        ("unknown", "unknown"),
        ("", ""),
        ("203.0.113.07", "203.0.113.07"),
    ],
)
def test_limits_count_ipv4_singly_and_of_ipv6_the_network_of_a_home(address: str, place: str) -> None:
    assert place_of(address) == place


def test_what_a_proxy_calls_an_address_and_is_none_is_kept_short() -> None:
    assert place_of("x" * 9000) == "x" * MAX_CHARS
