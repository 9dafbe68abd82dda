"""Fast fan-out: writes the same bytes to many sockets by their descriptors, without touching their transports.

Writing through ten thousand transports would pull ten thousand objects through the CPU's cache; the kernel needs only
the descriptor. A direct write never overtakes bytes in the transport: a socket has a line only while its transport
holds nothing. The transport's high-water mark is 0, so it calls `pause_writing` as soon as it must hold bytes.
"""

import asyncio
import os
from typing import Final

NO_LINE: Final = -1
"""The value for a socket that polls, or whose peer does not keep up."""


def line_of(transport: asyncio.Transport) -> int:
    """The descriptor behind a transport, if bytes written to it reach the peer unchanged (no TLS); else `NO_LINE`."""
    raw = transport.get_extra_info("socket")
    if raw is None or transport.get_extra_info("ssl_object") is not None:
        return NO_LINE
    descriptor: int = raw.fileno()
    return descriptor


def write(line: int, wire: bytes) -> int:
    """Write at once, and return how many bytes the kernel took; the caller gives the rest to the transport."""
    if line == NO_LINE:
        return 0
    try:
        return os.write(line, wire)
    except OSError:
        return 0
