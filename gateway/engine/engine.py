"""All sockets of one path: who may open one, who is watched, who is told."""

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
"""How finely the time for a pong is measured at least."""
WATCH_SECONDS = 1.0
"""How often peers that do not take what they were sent are looked at."""


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
        """`origins`: whose pages may connect; None: those of our own host alone."""
        self.application = application
        self.limits = limits or EngineLimits()
        self.origins = origins or Origins()
        self._sid_prefix = sid_prefix
        self.clock = clock or asyncio.get_running_loop().time
        self.wheel = Wheel(self.clock, min(GRANULARITY_SECONDS, self.limits.heartbeat.timeout / TICKS_PER_TIMEOUT))
        self.closed_with: Refusal | None = None
        """What whoever wants to open a session is answered from now on, if nobody may."""
        self.sockets: dict[str, Socket] = {}
        self._lingering: dict[str, Socket] = {}
        self._watched: set[Socket] = set()
        self._unaccepted: dict[str, dict[Socket, None]] = {}
        """By address, those that the application does not know, the one silent longest first."""
        self._strangers: dict[Socket, None] = {}
        """All of them, in the same order."""

    @property
    def is_quiet(self) -> bool:
        """Whether no peer is still fetching its last packets."""
        return not self._lingering

    def open(self, handshake: Handshake, via: Via) -> Socket | Refusal:
        """Begin a session; the application is told once its transport stands: see `announce`.

        Nobody is refused for their neighbours: whoever was silent longest behind the same address gives way.
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
        """Tell the application of a socket that can be written to."""
        self.application.opened(socket, handshake)

    def find(self, sid: str) -> Socket | None:
        """The socket of a session, also of one that has ended and whose last packets were not fetched yet."""
        socket = self.sockets.get(sid)
        if socket is not None:
            socket.tick()  # its deadline may have passed since the wheel's last turn
        return self.sockets.get(sid) or self._lingering.get(sid)

    def close(self) -> None:
        """End everything at once."""
        for socket in list(self.sockets.values()):
            socket.cut(Reason.SERVER)
        self.wheel.close()

    # ---- gateway.engine.ports.Keeper ----------------------------------------------------------------

    def accepted(self, socket: Socket) -> None:
        """One fewer of its address that nobody knows."""
        unaccepted = self._unaccepted[socket.address]
        del unaccepted[socket], self._strangers[socket]
        if not unaccepted:
            del self._unaccepted[socket.address]

    def heard(self, socket: Socket) -> None:
        """It has said who it is: those that have not give way before it."""
        unaccepted = self._unaccepted[socket.address]
        del unaccepted[socket], self._strangers[socket]
        unaccepted[socket] = self._strangers[socket] = None

    def watch(self, socket: Socket) -> None:
        """Cut it unless it takes what waits for it."""
        if not self._watched:
            self.wheel.after(WATCH_SECONDS, self._look)
        self._watched.add(socket)

    def linger(self, socket: Socket) -> None:
        """Keep an ended polling session for its last request."""
        self._lingering[socket.sid] = socket
        self.wheel.after(self.limits.farewell_seconds, lambda: self.gone(socket))

    def gone(self, socket: Socket) -> None:
        """Its last packets were fetched, or never will be."""
        self._lingering.pop(socket.sid, None)

    def forget(self, socket: Socket) -> None:
        """It has ended."""
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
