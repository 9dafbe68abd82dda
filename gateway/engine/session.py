"""The protocol's state machine: packets and moments in, steps out. Pure: no I/O, no clock.

```
POLLING --probe--> PROBING --upgrade--> WEBSOCKET
   ^------lost------'                       |
   '----------------- end ----> ENDED <-----'
```
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.engine import packets


class Stage(StrEnum):
    """Which transport carries the packets of a session."""

    POLLING = "polling"
    PROBING = "probing"
    """Polling carries the session while a WebSocket is probed."""
    WEBSOCKET = "websocket"
    ENDED = "ended"


class Via(StrEnum):
    """The transport that a packet came by."""

    POLLING = "polling"
    WEBSOCKET = "websocket"


class Reason(StrEnum):
    """Why a session ended."""

    CLIENT = "client"
    """The peer sent a CLOSE packet."""
    TRANSPORT = "transport"
    """The transport was lost: a WebSocket closed, or a poll was broken off."""
    SILENT = "silent"
    """The peer sent no pong in time."""
    PROTOCOL = "protocol"
    """The peer sent something that is no packet, or a packet that is not allowed in this state."""
    SLOW = "slow"
    """The peer did not read what it was sent."""
    SERVER = "server"
    """The application closed the session."""
    CROWDED = "crowded"
    """The peer was not accepted yet and was cut for a newer one of its address."""


@dataclass(frozen=True, slots=True)
class Message:
    """Hand this message to the application."""

    data: str | bytes


class Act(StrEnum):
    """What the shell must do after an input."""

    NOTHING = "nothing"
    PING = "ping"
    """Send a ping by the session's transport."""
    CONFIRM = "confirm"
    """Answer the probe on the WebSocket, and release a waiting poll."""
    SWITCH = "switch"
    """The WebSocket carries the session from now on."""
    FAULT = "fault"
    """The input was no packet, or not allowed in this state: end the session unless the application forgives it."""


@dataclass(frozen=True, slots=True)
class End:
    """The session has ended; answer nothing more."""

    reason: Reason


Step = Message | Act | End

_ENDS: Final = {reason: End(reason) for reason in Reason}


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The ping interval and the pong timeout, in seconds."""

    interval: float = 25.0
    timeout: float = 20.0


class Session:
    """One session from its handshake to its end. Times are seconds of any monotonic clock."""

    __slots__ = ("_awaits_pong", "_heartbeat", "due", "sid", "stage")

    def __init__(self, sid: str, heartbeat: Heartbeat, via: Via, now: float) -> None:
        self.sid = sid
        self.stage = Stage.WEBSOCKET if via is Via.WEBSOCKET else Stage.POLLING
        self.due = now + heartbeat.interval
        """The time at which `tick` must be called next."""
        self._heartbeat = heartbeat
        self._awaits_pong = False

    def open_packet(self, max_payload: int) -> str:
        """The OPEN packet."""
        upgrades = "" if self.stage is Stage.WEBSOCKET else '"websocket"'
        interval_ms = round(self._heartbeat.interval * 1000)
        timeout_ms = round(self._heartbeat.timeout * 1000)
        return (
            f'{packets.OPEN}{{"sid":"{self.sid}","upgrades":[{upgrades}],"pingInterval":{interval_ms},'
            f'"pingTimeout":{timeout_ms},"maxPayload":{max_payload}}}'
        )

    def receive(self, packet: str | bytes, via: Via, now: float) -> Step:
        """Take in the next packet."""
        if self.stage is Stage.ENDED:
            return Act.NOTHING
        if isinstance(packet, bytes):
            return Message(packet) if self._carries(via) else Act.FAULT
        kind = packet[:1]
        if kind == packets.MESSAGE and self._carries(via):
            return Message(packet[1:])
        if kind == packets.PONG and len(packet) == 1 and self._carries(via):
            self._awaits_pong = False
            self.due = now + self._heartbeat.interval
            return Act.NOTHING
        if kind == packets.CLOSE and len(packet) == 1:
            return self.end(Reason.CLIENT)
        if via is Via.WEBSOCKET and self.stage is Stage.POLLING and packet == packets.PING + packets.PROBE:
            self.stage = Stage.PROBING
            return Act.CONFIRM
        if via is Via.WEBSOCKET and self.stage is Stage.PROBING and packet == packets.UPGRADE:
            self.stage = Stage.WEBSOCKET
            return Act.SWITCH
        return Act.FAULT

    def abandon_probe(self) -> None:
        """The probed WebSocket is gone: polling carries the session on."""
        if self.stage is Stage.PROBING:
            self.stage = Stage.POLLING

    def tick(self, now: float) -> Step:
        """Take in that the clock has reached this time."""
        if self.stage is Stage.ENDED or now < self.due:
            return Act.NOTHING
        if self._awaits_pong:
            return self.end(Reason.SILENT)
        self._awaits_pong = True
        # from when the ping was due, not from when a coarse timer rang; a process that slept takes most of it on itself
        late = min(now - self.due, self._heartbeat.timeout / 4)
        self.due = now - late + self._heartbeat.timeout
        return Act.PING

    def end(self, reason: Reason) -> End:
        """End the session for this reason."""
        self.stage = Stage.ENDED
        return _ENDS[reason]

    def _carries(self, via: Via) -> bool:
        return (via is Via.WEBSOCKET) is (self.stage is Stage.WEBSOCKET)
