"""One peer, as the application and the transports see it."""

import sys
from collections.abc import Callable
from typing import Any

from gateway.engine import frames
from gateway.engine.backlog import Backlog, Loss
from gateway.engine.budget import Budget
from gateway.engine.frames import Frame
from gateway.engine.lines import NO_LINE
from gateway.engine.ports import Carrier, Keeper, Request
from gateway.engine.session import Act, End, Message, Reason, Session, Stage, Via

PACKETS_PER_POLL = 15
"""The largest number of packets in the body of a poll. The official Python client refuses more than 16, and a noop or a
close may follow. A peer that has POSTed more at once is another client, and gets as many per poll as it sent: else
it could not fetch its acks in time.
"""
DRAINED_BYTES = 16 * 1024
"""How much of the backlog one write takes; its last frame may exceed this."""


class Socket:
    """Sends are synchronous, ordered and bounded. While the peer keeps up, bytes go straight to the transport."""

    __slots__ = (
        "_alarm",
        "_backlog",
        "_is_accepted",
        "_keeper",
        "_poll",
        "_session",
        "_sink",
        "_websocket",
        "address",
        "budget",
        "context",
        "ended",
        "held_since",
        "line",
        "packets_per_poll",
    )

    def __init__(self, keeper: "Keeper[Socket]", session: Session, address: str) -> None:
        self._keeper = keeper
        self._session = session
        self._backlog: Backlog | None = None
        self._websocket: Carrier | None = None
        self._sink: Callable[[bytes], None] | None = None
        """The WebSocket's own `write` while the session is on it and the peer keeps up; else None."""
        self._poll: Request | None = None
        self._is_accepted = False
        self._alarm = keeper.wheel.alarm(self.tick)
        self._alarm.set(session.due)
        self.address = address
        """The key that limits per address count the peer under (`gateway.engine.addresses`)."""
        traffic = keeper.limits.traffic
        self.budget = Budget(traffic) if traffic is not None else None
        """The rate limits of what the peer sends; None: no limit."""
        self.ended: Reason | None = None
        """Why the session ended; None while it is open."""
        self.context: Any = None
        """A slot for the application's own object."""
        self.held_since: float | None = None
        """Since when frames wait because the peer does not read; None while it keeps up."""
        self.packets_per_poll = PACKETS_PER_POLL
        """The most packets in the answer to one poll."""
        self.line = NO_LINE
        """The descriptor for direct writes of whole frames (`gateway.engine.lines`), or `NO_LINE`."""

    @property
    def sid(self) -> str:
        """The session's id."""
        return self._session.sid

    def open_packet(self) -> str:
        """The OPEN packet."""
        return self._session.open_packet(self._keeper.limits.message_bytes)

    @property
    def transport(self) -> str:
        """`polling` or `websocket`."""
        return Via.WEBSOCKET if self._session.stage is Stage.WEBSOCKET else Via.POLLING

    @property
    def is_probing(self) -> bool:
        """Whether a WebSocket is being probed beside polling."""
        return self._session.stage is Stage.PROBING

    @property
    def is_open(self) -> bool:
        """Whether the session has not ended."""
        return self.ended is None

    # ---- the application's --------------------------------------------------------------------------

    def send(self, frame: Frame, loss: Loss = Loss.CONTROL, key: str = "", owner: str = "") -> None:
        """Send a frame after all that was sent before.

        If the peer is too slow, the frame is queued and may be dropped as `loss` allows, or the peer is cut. `owner`
        names
        the namespace among those that share the socket.
        """
        if self._sink is not None:
            self._sink(frame.wire)
        elif self.is_open:
            self._hold(frame, loss, key, owner)

    def withdraw(self, owner: str) -> None:
        """Drop the waiting frames of one owner."""
        if self._backlog is not None:
            self._backlog.withdraw(owner)

    def write(self, wire: bytes) -> bool:
        """Write whole WebSocket frames; False, and nothing is written, when the peer polls or is slow."""
        sink = self._sink
        if sink is None:
            return False
        sink(wire)
        return True

    def accept(self) -> None:
        """The application knows who the peer is: it no longer counts as a stranger of its address."""
        if not self._is_accepted:
            self._is_accepted = True
            self._keeper.accepted(self)
            if self.budget is not None:
                self.budget.widen()

    def spoke(self) -> None:
        """The peer has sent its credentials: it no longer counts as silent while they are checked."""
        if not self._is_accepted:
            self._keeper.heard(self)

    def close(self, text: str = "", reason: Reason = Reason.SERVER) -> None:
        """End after what was sent before, with `text` as the reason of the close frame. Idempotent.

        Polling peers get `farewell_seconds` to fetch the rest. No CLOSE packet is sent: official clients do not
        reconnect
        after one.
        """
        if not self.is_open:
            return
        stage = self._session.stage
        self._session.end(reason)
        self._stop()
        self._ended(reason)
        if stage is Stage.WEBSOCKET and self._websocket is not None:
            self._websocket.finish(text, self._waiting(sys.maxsize))
        elif self._poll is not None or self.waits:
            self._keeper.linger(self)
            self._release()
        if stage is not Stage.WEBSOCKET and self._websocket is not None:
            self._websocket.finish(text, b"")

    # ---- the transports' ----------------------------------------------------------------------------

    def receive(self, packet: str | bytes, via: Via) -> None:
        """Take in a packet."""
        step = self._session.receive(packet, via, self._keeper.clock())
        if isinstance(step, Message):
            self._keeper.application.received(self, step.data)
            return
        match step:
            case Act.NOTHING:
                if self.is_open:
                    self._alarm.set(self._session.due)
            case Act.CONFIRM:
                if self._websocket is not None:
                    self._websocket.write(frames.PROBED.wire)
                if self._poll is not None:
                    self._poll.release(frames.NOOP.polled)
            case Act.SWITCH:
                self._switch()
            case Act.FAULT:
                self.fault(via)
            case End(reason=reason):
                self._over(reason)

    def fault(self, via: Via | None = None, *, is_final: bool = False) -> None:
        """The peer broke the protocol: end the session, unless the application forgives it and the fault is not final.

        `via`: the transport of the fault, if it was not in a message. A WebSocket that is being probed is closed alone,
        and polling goes on.
        """
        if via is Via.WEBSOCKET and self._session.stage is not Stage.WEBSOCKET:
            self._dismiss()
        elif self.is_open and not (self._keeper.application.faulted(self, is_final=is_final) and not is_final):
            self.close("PROTOCOL", Reason.PROTOCOL)

    def attach(self, websocket: Carrier) -> bool:
        """Take a WebSocket as the session's transport, or as the one to probe; False when it cannot be taken."""
        if not self.is_open or self._websocket is not None:
            return False
        self._websocket = websocket
        self._flow()
        return True

    def lost(self, websocket: Carrier) -> None:
        """A WebSocket has closed."""
        if websocket is not self._websocket:
            return
        self._websocket = None
        self._stop()
        if self._session.stage is Stage.WEBSOCKET:
            self._over(Reason.TRANSPORT)
        else:
            self._session.abandon_probe()

    def paused(self) -> None:
        """The transport is full: queue what is sent from now on."""
        if self._sink is not None:
            self._stop()
            self._held()
            self._keeper.application.rerouted(self)

    def resumed(self) -> None:
        """The transport is empty again: send the backlog first, then write directly."""
        self._flow()
        self._drain()

    def poll(self, poll: Request) -> bool:
        """Let a GET wait for packets; False when another one waits already, which ends the session."""
        if self._poll is not None:
            self._poll.release(frames.CLOSE.polled)
            self._over(Reason.PROTOCOL)
            return False
        self._poll = poll
        if self.waits:
            self._release()
        elif not self.is_open:
            poll.release(frames.NOOP.polled)
        return True

    def poll_lost(self, poll: Request) -> None:
        """The peer broke off a waiting GET. Packets may be lost with it, so the session ends."""
        if poll is self._poll:
            self._poll = None
            if self._session.stage in (Stage.POLLING, Stage.PROBING):
                self._over(Reason.TRANSPORT)

    def is_stuck(self, now: float, seconds: float) -> bool:
        """Whether the peer has read nothing for more than `seconds`, or its backlog is stale."""
        if self.held_since is None:
            return False
        return now - self.held_since > seconds or (self._backlog is not None and self._backlog.is_stale(now))

    def give_up(self) -> None:
        """End the session of a peer that does not read: drop its backlog; a polling one may fetch a `bye`."""
        if self.is_open:
            self._backlog = None
            websocket = self._websocket
            self._keeper.application.slow(self)
            self.close("SLOW", Reason.SLOW)
            if websocket is not None:
                websocket.abort()

    def cut(self, reason: Reason) -> None:
        """End at once and send nothing."""
        websocket = self._websocket
        self._over(reason)
        if websocket is not None:
            websocket.abort()

    # ---- within -------------------------------------------------------------------------------------

    def _flow(self) -> None:
        """Write directly from now on, if the session is on a WebSocket and its peer keeps up."""
        websocket = self._websocket
        if self.is_open and self._session.stage is Stage.WEBSOCKET and websocket is not None and not websocket.is_full:
            self._sink, self.line = websocket.write, websocket.line

    def _stop(self) -> None:
        """Stop direct writes: frames are queued, or dropped if the session has ended."""
        self._sink, self.line = None, NO_LINE

    def _hold(self, frame: Frame, loss: Loss, key: str, owner: str) -> None:
        if self._backlog is None:
            self._backlog = Backlog(self._keeper.limits.backlog)
        if not self._backlog.put(frame, loss, key, self._keeper.clock(), owner):
            self.give_up()
        elif self._poll is not None:
            self._release()
        else:
            self._held()

    def _held(self) -> None:
        if self.held_since is None:
            self.held_since = self._keeper.clock()
            self._keeper.watch(self)

    def _release(self) -> None:
        """Wake the waiting GET; it collects the packets when it is scheduled."""
        if self._poll is not None:
            self._poll.ready()

    def collect(self) -> list[str]:
        """Packets for the GET that is answered now; what is left waits for the next."""
        self._poll = None
        self.held_since = None
        packets: list[str] = []
        # The race: frames woke this poll, and before the loop ran it the peer's UPGRADE arrived. The backlog belongs to
        # the WebSocket now; a frame taken here would overtake, or come behind, those that are written there.
        if self._session.stage is Stage.WEBSOCKET:
            return packets
        while (
            len(packets) < self.packets_per_poll
            and self._backlog is not None
            and (frame := self._backlog.take()) is not None
        ):
            packets.append(frame.polled)
        if self.waits:
            self._held()
        return packets

    @property
    def waits(self) -> bool:
        """Whether frames wait for the peer."""
        return self._backlog is not None and self._backlog.frames > 0

    def _drain(self) -> None:
        while self._sink is not None and (wire := self._waiting(DRAINED_BYTES)):
            self._sink(wire)
        if self._sink is not None:
            self.held_since = None
            self._backlog = None
            self._keeper.application.rerouted(self)

    def _dismiss(self) -> None:
        websocket, self._websocket = self._websocket, None
        self._session.abandon_probe()
        if websocket is not None:
            websocket.finish("PROTOCOL", b"")

    def _switch(self) -> None:
        if self._poll is not None:
            self._poll.release(frames.NOOP.polled)
        if self._websocket is not None:
            self._websocket.confirmed()
            self.resumed()

    def _waiting(self, size: int) -> bytes:
        """Take whole frames from the backlog: at least `size` bytes, or all."""
        wires = []
        while size > 0 and self._backlog is not None and (frame := self._backlog.take()) is not None:
            wires.append(frame.wire)
            size -= len(frame.wire)
        return b"".join(wires)

    def tick(self) -> None:
        """Check the session's deadlines."""
        step = self._session.tick(self._keeper.clock())
        if step is Act.PING:
            self.send(frames.PING)
        elif isinstance(step, End):
            self._over(step.reason)
            return
        if self.is_open:
            self._alarm.set(self._session.due)

    def _over(self, reason: Reason) -> None:
        """End a session that the peer, the transport or the protocol ended: nothing more is sent."""
        if not self.is_open:
            return
        self._session.end(reason)
        self._stop()
        self._ended(reason)
        if self._poll is not None:
            self._poll.release(frames.NOOP.polled)
        if self._websocket is not None:
            self._websocket.finish("", b"")

    def _ended(self, reason: Reason) -> None:
        self.ended = reason
        self._alarm.discard()
        self._keeper.forget(self)
        self.accept()
        self._keeper.application.closed(self, reason)
