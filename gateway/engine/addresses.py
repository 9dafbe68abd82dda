"""Maps a peer's address to the key that limits per address are counted under. Pure."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

ONE_HOME_BITS: Final = 64
"""A provider assigns each subscriber an IPv6 network of this prefix length; all its addresses count as one."""
MAX_CHARS: Final = 64
"""A proxy may send a name that is not an IP address; it is cut to this length."""

_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")
"""Some proxies append the port. It changes with each connection, so it is left out of the key."""


@lru_cache(maxsize=4096)
def place_of(address: str) -> str:
    """The key for limits per address: an IPv4 address (also when mapped into IPv6), or the /64 of an IPv6 address."""
    with_port = _WITH_PORT.fullmatch(address)
    try:
        parsed = ip_address((with_port[1] or with_port[2]) if with_port is not None else address)
    except ValueError:
        return address[:MAX_CHARS]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), ONE_HOME_BITS), strict=False))
