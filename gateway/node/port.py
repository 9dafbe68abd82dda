"""The port that all processes of a node listen on."""

import errno
import socket
import sys
from collections.abc import Iterator

from gateway.setup.preflight import CommandError

SPREADS = sys.platform == "linux"
"""Whether the kernel spreads connections over all listeners of a port (SO_REUSEPORT); elsewhere all share one queue."""


class Port:
    """Makes the listening sockets; whoever holds one keeps the connections in its queue."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._shared: list[socket.socket] = []

    def open(self) -> list[socket.socket]:
        """Listening sockets for one process: one per address of the host."""
        if SPREADS:
            return list(self._bound())
        self._shared = self._shared or list(self._bound())
        return self._shared

    def close(self, listeners: list[socket.socket]) -> None:
        """Send new connections to other processes, where there are other sockets for them."""
        if listeners is not self._shared:
            for listener in listeners:
                listener.close()
            listeners.clear()

    def _bound(self) -> Iterator[socket.socket]:
        missing: OSError | None = None
        count = 0
        addresses = socket.getaddrinfo(self._host or None, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            try:
                listener = self._bind(socket.socket(family, kind, protocol), address)
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise CommandError(
                        f"{self._host}:{self._port} cannot be listened on ({error.strerror})."
                    ) from error
                missing = error
            else:
                count += 1
                yield listener
        if count == 0:
            raise CommandError(f"{self._host}:{self._port} cannot be listened on ({missing}).")

    def _bind(self, listener: socket.socket, address: tuple[object, ...]) -> socket.socket:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if SPREADS:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if listener.family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
        return listener
