"""All sockets of one path: opens sessions, bounds those nobody has accepted, watches slow peers."""

import asyncio
import secrets
from collections.abc import Callable

from gateway.engine.addresses import place_of
from gateway.engine.limits import EngineLimits
from gateway.engine.ports import Application
from gateway.engine.requests import Handshake, Refusal
from gateway.engine.session import Reason, Session, Via
from gateway.engine.socket import Socket
from gateway.engine.wheel import GRANULARITY_SECONDS, Wheel
from gateway.setup.origins import Origins

TICKS_PER_TIMEOUT = 50
"""The deadline wheel's slots are at most the pong timeout divided by this."""
WATCH_SECONDS = 1.0
"""How often the engine checks peers that have not read what they were sent."""


class Engine:
    """The sockets of one application. One event loop; nothing here waits."""

    def __init__(
        self,
        application: Application[Socket],
        limits: EngineLimits | None = None,
        *,
        origins: Origins | None = None,
        clock: Callable[[], float] | None = None,
        sid_prefix: str = "",
    ) -> None:
        """`origins`: the origins whose pages may connect; None allows only pages of our own host."""
        self.application = application
        self.limits = limits or EngineLimits()
        self.origins = origins or Origins()
        self._sid_prefix = sid_prefix
        self.clock = clock or asyncio.get_running_loop().time
        self.wheel = Wheel(self.clock, min(GRANULARITY_SECONDS, self.limits.heartbeat.timeout / TICKS_PER_TIMEOUT))
        self.closed_with: Refusal | None = None
        """While set, every request for a new session is answered with this refusal."""
        self.sockets: dict[str, Socket] = {}
        self._lingering: dict[str, Socket] = {}
        self._watched: set[Socket] = set()
        self._unaccepted: dict[str, dict[Socket, None]] = {}
        """Sockets that the application has not accepted, by address; longest silent first."""
        self._strangers: dict[Socket, None] = {}
        """The same sockets over all addresses, in the same order."""

    @property
    def is_quiet(self) -> bool:
        """Whether every ended polling session has fetched its last packets."""
        return not self._lingering

    def open(self, handshake: Handshake, via: Via) -> Socket | Refusal:
        """Begin a session; `announce` tells the application once the transport can be written to.

        A new session is never refused because others share its address: the longest silent stranger there is cut
        instead.
        """
        if self.closed_with is not None:
            return self.closed_with
        place = place_of(handshake.address)
        unaccepted = self._unaccepted.setdefault(place, {})
        limits = self.limits
        is_crowded = 0 < limits.unaccepted_per_address <= len(unaccepted)
        if is_crowded or 0 < limits.unaccepted <= len(self._strangers):
            next(iter(unaccepted if is_crowded else self._strangers)).close("BUSY", Reason.CROWDED)
            unaccepted = self._unaccepted.setdefault(place, {})  # it may have been the last one of its address
        session = Session(self._sid_prefix + secrets.token_urlsafe(15), self.limits.heartbeat, via, self.clock())
        socket = Socket(self, session, place)
        unaccepted[socket] = self._strangers[socket] = None
        self.sockets[session.sid] = socket
        return socket

    def announce(self, socket: Socket, handshake: Handshake) -> None:
        """Tell the application of a socket that can now be written to."""
        self.application.opened(socket, handshake)

    def find(self, sid: str) -> Socket | None:
        """The socket of a session; also of an ended one whose last packets were not fetched yet."""
        socket = self.sockets.get(sid)
        if socket is not None:
            socket.tick()  # its deadline may have passed since the wheel's last turn
        return self.sockets.get(sid) or self._lingering.get(sid)

    def close(self) -> None:
        """End all sockets at once."""
        for socket in list(self.sockets.values()):
            socket.cut(Reason.SERVER)
        self.wheel.close()

    # ---- gateway.engine.ports.Keeper ----------------------------------------------------------------

    def accepted(self, socket: Socket) -> None:
        """The application accepted this socket: it no longer counts as a stranger of its address."""
        unaccepted = self._unaccepted[socket.address]
        del unaccepted[socket], self._strangers[socket]
        if not unaccepted:
            del self._unaccepted[socket.address]

    def heard(self, socket: Socket) -> None:
        """The peer has sent its credentials: strangers that have not are cut before it."""
        unaccepted = self._unaccepted[socket.address]
        del unaccepted[socket], self._strangers[socket]
        unaccepted[socket] = self._strangers[socket] = None

    def watch(self, socket: Socket) -> None:
        """Check this socket until its peer reads again, and end it if it does not."""
        if not self._watched:
            self.wheel.after(WATCH_SECONDS, self._look)
        self._watched.add(socket)

    def linger(self, socket: Socket) -> None:
        """Keep an ended polling session until it has fetched its last packets."""
        self._lingering[socket.sid] = socket
        self.wheel.after(self.limits.farewell_seconds, lambda: self.gone(socket))

    def gone(self, socket: Socket) -> None:
        """Drop an ended session: its last packets were fetched, or will never be."""
        self._lingering.pop(socket.sid, None)

    def forget(self, socket: Socket) -> None:
        """Drop a socket that has ended."""
        self.sockets.pop(socket.sid, None)
        self._watched.discard(socket)

    def _look(self) -> None:
        now = self.clock()
        watched, self._watched = self._watched, set()
        for socket in watched:
            if socket.is_stuck(now, self.limits.backlog.seconds):
                socket.give_up()
            elif socket.is_open and socket.held_since is not None:
                self.watch(socket)
