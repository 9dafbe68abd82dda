"""One socket in a room: who it is, what it may do now, and the order of what it is told."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from auth.denials import Code, Denied
from auth.door import Surface
from auth.grants import Grant
from auth.identity import Identity, Role, Tier, UserId
from auth.permissions import Permission, Permissions
from gateway.contract import shapes
from gateway.replica.welcome import NO_LUGGAGE
from gateway.sockets.codec import Prepared
from gateway.sockets.connection import Answer, Connection, Opening

if TYPE_CHECKING:
    from gateway.live.deadlines import Deadline
    from gateway.live.room import LiveRoom

SURFACES = {surface.value: surface for surface in Surface}
SLOW_RETRY_MS = 1000
NOTHING: Permissions = frozenset()
STREAMS = {Permission.STREAM_MAIN: "main", Permission.STREAM_VIP: "vip"}


class Member:
    """A guest of a live room.

    It is in the room from before its rights are read from SQL, so that no change of them slips between; until
    it is opened what it is sent waits, so that `welcome` comes first.
    """

    __slots__ = (
        "_expelled",
        "_held",
        "_is_acting",
        "_token_deadline",
        "asks_first",
        "connection",
        "counted",
        "device",
        "identity",
        "is_waiting",
        "luggage",
        "permissions",
        "role",
        "role_version",
        "room",
        "surface",
        "tier",
        "tier_version",
        "told_until",
        "was_inside",
    )

    def __init__(self, room: "LiveRoom", opening: Opening, identity: Identity) -> None:
        self.room = room
        self.surface = SURFACES[opening.namespace]
        self.device = opening.auth.get("device", "")
        self.asks_first = opening.auth.get("takeover") == "ask"
        """Whether it would rather be refused than take another device's seat."""
        self.identity = identity
        self.role = Role.VIEWER
        self.role_version = -1
        self.tier = Tier.NONE
        self.tier_version = -1
        self.permissions: Permissions = NOTHING
        self.is_waiting = False
        """Whether it stands in the queue at the door, without rights until it is its turn."""
        self.was_inside = False
        """Whether it has shown that it was inside a moment ago."""
        self.connection: Connection | None = None
        self.counted: Tier | None = None
        """As what the room counts it; None: not at all."""
        self.luggage = NO_LUGGAGE
        """What the welcome is made of; gone once it is sent."""
        self.told_until = -1
        """The offset up to which its welcome told the history."""
        self._token_deadline: Deadline | None = None
        self._held: list[tuple[int | None, Prepared]] | None = []
        self._expelled: Code | None = None
        self._is_acting = False

    @property
    def user(self) -> UserId:
        """Whose socket this is."""
        return self.identity.user

    @property
    def name(self) -> str:
        """Under which name it is shown in its room."""
        return self.room.names.shown(self.user, self.identity.name, is_staff=self.role.is_staff)

    @property
    def is_console(self) -> bool:
        """Whether it steers the room."""
        return self.surface is Surface.CONSOLE

    @property
    def is_seated(self) -> bool:
        """Whether it uses a ticket, of which only so many devices may at once."""
        is_fan = not self.is_console and not self.role.is_staff
        return is_fan and not self.is_waiting and self.tier >= Tier.MAIN

    @property
    def is_inside(self) -> bool:
        """Whether it is open, and past the queue."""
        return self.connection is not None and not self.connection.leaving and not self.is_waiting

    def may(self, permission: Permission) -> bool:
        """Whether it may do this now."""
        return permission in self.permissions

    def take_tier(self, tier: Tier, version: int) -> bool:
        """Take an entitlement in; False where a newer one is known already."""
        if version <= self.tier_version:
            return False
        self.tier, self.tier_version = tier, version
        self.refresh_permissions()
        if self.is_waiting:
            self.room.around.queue.retier(self)
        return True

    def take_role(self, role: Role, version: int) -> bool:
        """Take a role in, as of a version that the room has counted; False where that is no news."""
        if version < self.role_version or (version == self.role_version and role is self.role):
            return False
        self.role, self.role_version = role, version
        return True

    def refresh_permissions(self) -> bool:
        """Work out the rights again from role, tier and room; True where they changed."""
        self.room.recount(self)
        before = self.permissions
        self.permissions = NOTHING if self.is_waiting else self.room.permissions_of(self.role, self.tier)
        if before == self.permissions:
            return False
        if self.connection is not None and self._held is None:
            self.room.settle(self)
        return True

    def keep_name(self) -> None:
        """See to it that no viewer takes the name of a host who is here."""
        kept = self.room.replica.names.hosts.get(self.user)
        if (kept is not None or self.role is Role.HOST) and kept != self.identity.name:
            self.room.around.errands.host_came(self.room.id, self.user, self.identity.name)

    def watch_token(self) -> None:
        """Warn before the end of the token in `identity`, and end the socket with it; again for a new one."""
        if self._token_deadline is not None:
            self._token_deadline.cancel()
        around = self.room.around
        warn_ms = self.identity.expires_ms - around.limits.token_warning_ms
        self._token_deadline = around.deadlines.at(warn_ms, self._token_expiring)

    def _token_expiring(self) -> None:
        ends_ms = self.identity.expires_ms
        self._token_deadline = self.room.around.deadlines.at(ends_ms, self._token_expired)
        self.tell("token:expiring", shapes.TokenExpiring(ends_ms))

    def _token_expired(self) -> None:
        self.bye(Code.TOKEN_EXPIRED)

    def grants(self) -> list[Grant]:
        """Fresh grants of every stream it may watch, in a stable order."""
        around = self.room.around
        now = around.clock()
        return [
            around.grants.play(self.user, self.room.id, stream, now)
            for permission, stream in STREAMS.items()
            if permission in self.permissions
        ]

    # ---- sending -----------------------------------------------------------------------------------

    def send(self, prepared: Prepared, offset: int | None = None) -> None:
        """Queue an event; `offset` marks what carries a cursor, which the welcome may already have passed."""
        if self._held is not None:
            self._held.append((offset, prepared))
        elif self.connection is not None and (offset is None or offset > self.told_until):
            self.connection.send(prepared)

    def tell(self, event: str, payload: msgspec.Struct) -> None:
        """Send something meant for this socket alone."""
        self.send(Prepared(event, payload))
        self.room.delivered(event, 1)

    def bye(self, code: Code, retry_after_ms: int | None = None) -> None:
        """End the socket; one that is still waiting to be opened ends right after its welcome.

        One whose command this process may just have committed ends right after its ack.
        """
        is_acting = self._is_acting and self.room.is_committing
        if self.connection is None or self._held is not None or is_acting:
            self._expelled = code
            return
        self.connection.bye(code, retry_after_ms)

    # ---- gateway.sockets.connection.Receiver ---------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """Welcome, then what happened since the snapshot was taken."""
        self.connection = connection
        self.room.recount(self)
        self._welcome(connection)
        held, self._held = self._held or [], None
        for offset, prepared in held:
            self.send(prepared, offset)
        self.room.settle(self)
        if self._expelled is not None:
            self.bye(self._expelled)

    @property
    def is_open(self) -> bool:
        """Whether it was welcomed and is not on its way out."""
        return self.connection is not None and self._held is None and not self.connection.leaving

    def welcome_anew(self, *, recovered: bool, danmaku_truncated: bool) -> None:
        """Tell everything again on the same socket: the room has missed something."""
        if self.connection is not None and self.is_open:
            self.luggage = replace(self.luggage, recovered=recovered, danmaku_truncated=danmaku_truncated)
            self._welcome(self.connection)
            self.room.settle(self)

    def _welcome(self, connection: Connection) -> None:
        room = self.room
        self.told_until, welcome = room.welcome(self, connection.codec)
        self.luggage = NO_LUGGAGE
        told: list[tuple[str, msgspec.Struct]] = [("welcome", welcome)]
        if self.is_console:
            told += room.console_state()
        if (since_ms := room.around.degraded_since_ms()) is not None:
            told.append(("degraded", shapes.Degraded(since_ms)))
        for event, payload in told:
            connection.send(Prepared(event, payload))
            room.delivered(event, 1)

    def received(self, event: str, payload: object) -> Answer | Awaitable[Answer]:
        """Hand an event to its handler."""
        if self._expelled is not None:
            return Denied(Code.BUSY, retry_after_ms=SLOW_RETRY_MS)
        answer = self.room.around.answer(self, event, payload)
        return answer if isinstance(answer, Answer) else self._act(answer)

    async def _act(self, answer: Awaitable[Answer]) -> Answer:
        self._is_acting = True
        try:
            return await answer
        finally:
            self._is_acting = False
            if self._expelled is not None:  # the ack is sent before the loop turns
                asyncio.get_running_loop().call_soon(self.bye, self._expelled)

    def slow(self) -> None:
        """Sent away because it does not read; it may come back and is told what it missed."""
        self.bye(Code.SLOW, retry_after_ms=SLOW_RETRY_MS)

    def closed(self) -> None:
        """Leave the room."""
        if self._token_deadline is not None:
            self._token_deadline.cancel()
        self._held = None
        self.room.around.devices.leave(self)
        self.room.around.queue.went(self)
        self.room.leave(self)
        self.connection = None
