"""The short way to the kernel: the descriptors of sockets whose peers keep up, for writing one thing to very many.

Writing through ten thousand transports means finding the memory of ten thousand of them. A descriptor is all that the
kernel asks for. What is written past a transport overtakes nothing: it holds nothing while its socket has a line,
because its high-water mark is 0 and it says so at once when it must hold something.
"""

import asyncio
import os
from typing import Final

NO_LINE: Final = -1
"""Of a socket that polls, or whose peer does not keep up."""


def line_of(transport: asyncio.Transport) -> int:
    """The descriptor behind a transport, if bytes reach the peer as they are written there."""
    raw = transport.get_extra_info("socket")
    if raw is None or transport.get_extra_info("ssl_object") is not None:
        return NO_LINE
    descriptor: int = raw.fileno()
    return descriptor


def write(line: int, wire: bytes) -> int:
    """How many of the bytes the kernel took, at once; the rest is the transport's, and so is saying why."""
    if line == NO_LINE:
        return 0
    try:
        return os.write(line, wire)
    except OSError:
        return 0
