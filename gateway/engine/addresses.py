"""Whom an address counts as. Pure."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

ONE_HOME_BITS: Final = 64
"""Of an IPv6 address: a provider gives every line a network of so many, and its owner all addresses within."""
MAX_CHARS: Final = 64
"""Of a name that is no address, as a proxy may send one."""

_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")
"""As some proxies write it: a port is no part of who somebody is, and another one each time."""


@lru_cache(maxsize=4096)
def place_of(address: str) -> str:
    """What limits per address count: IPv4 singly, also where it is mapped into IPv6; of IPv6 the /64."""
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
