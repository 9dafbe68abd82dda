"""Ports of loopback for the servers that tests and benchmarks start."""

import os
import random
import socket

FIRST, COUNT = 12_000, 20_000
"""Below the kernel's own range (32768 and up), from which every outgoing connection takes its port: a port of that
range that was free a moment ago may be one end of somebody's connection by the time a server wants to listen there.
Once that failed a whole module of tests."""

_given: set[int] = set()
_order = random.Random(os.getpid())  # noqa: S311 - processes side by side should not all begin at one end


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that this process has not been given before."""
    while True:
        port = FIRST + _order.randrange(COUNT)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
